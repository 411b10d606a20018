#include "protocol/crypto/key_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/key_text.h"
#include "protocol/json/json_text.h"
#include "protocol/json/load.h"
#include "protocol/program/program.h"
#include "protocol/text/party_name.h"

namespace sealfold {
namespace {

constexpr absl::string_view kFormat = "sealfold-key-1";
constexpr size_t kSeedSize = SigningKey::kSeedSize;
static_assert(kSeedSize == kHpkeSeedSize);
constexpr size_t kKeyFileBytesMax = 4096;

constexpr char kPublicSchema[] = R"({
  "type": "object", "additionalProperties": false, "required": ["format", "name", "key"],
  "properties": {
    "format": {"const": "sealfold-public-1"},
    "name": {"type": "string", "minLength": 1, "maxLength": 256},
    "key": {"type": "string", "minLength": 64, "maxLength": 64, "description": "An Ed25519 public key as hex."},
    "model_key": {"type": "string", "minLength": 64, "maxLength": 64,
                  "description": "An X25519 public key as hex."}
  }
})";

absl::string_view RoleName(KeyRole role) {
  switch (role) {
    case KeyRole::kCoordinator:
      return "coordinator";
    case KeyRole::kParticipant:
      return "participant";
    case KeyRole::kBuilder:
      return "builder";
  }
  return "";
}

absl::Status Malformed(absl::string_view expected, absl::string_view found) {
  return BadInput({.code = "key_file_malformed",
                   .what = "key file",
                   .expected = std::string(expected),
                   .found = std::string(found),
                   .advice = "use the file that keygen wrote as it is"});
}

absl::Status Unreadable(const std::string& path, absl::string_view found) {
  return BadInput({.code = "file_unusable",
                   .what = absl::StrCat("reading ", path),
                   .expected = "a key file",
                   .found = std::string(found),
                   .advice = "check the path and its permissions, or make a key with keygen"});
}

// The 32 bytes under `name`, decoded from secret memory into secret memory.
absl::StatusOr<Secret> TakeSeed(std::map<absl::string_view, absl::string_view>& members,
                                absl::string_view name) {
  auto it = members.find(name);
  if (it == members.end()) return Malformed(absl::StrCat("a field ", name), "none");
  Secret seed(kSeedSize);
  size_t length = 0;
  const absl::string_view hex = it->second;
  if (hex.size() != 2 * kSeedSize ||
      sodium_hex2bin(seed.mutable_span().data(), kSeedSize, hex.data(), hex.size(), nullptr,
                     &length, nullptr) != 0 ||
      length != kSeedSize) {
    return Malformed(absl::StrCat(name, " of ", 2 * kSeedSize, " hexadecimal digits"),
                     "another text");
  }
  members.erase(it);
  return seed;
}

// Reads a small file without a copy outside `Secret`.
absl::StatusOr<Secret> ReadSecretFile(int fd, const std::string& path) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) return Unreadable(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode) || info.st_size <= 0 ||
      static_cast<size_t>(info.st_size) > kKeyFileBytesMax) {
    return Unreadable(path, "another kind of file, or one of another size");
  }
  if ((info.st_mode & 077) != 0) {
    return BadInput({.code = "key_file_exposed",
                     .what = absl::StrCat("key file ", path),
                     .expected = "a file that only its owner may read",
                     .found = "permissions for group or others",
                     .advice = absl::EndsWith(path, ".pub")
                                   ? "this is a public part by its name; name the key file"
                                   : absl::StrCat("chmod 600 ", path)});
  }
  Secret content(static_cast<size_t>(info.st_size));
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = read(fd, content.mutable_span().data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Unreadable(path, n < 0 ? std::strerror(errno) : "a file that changes");
    done += static_cast<size_t>(n);
  }
  return content;
}

}  // namespace

PublicKeyFile PublicPart(const KeyFile& file, absl::string_view name) {
  PublicKeyFile out = {
      .name = std::string(name), .key = file.signing_key().public_key(), .model_key = {}};
  if (file.role == KeyRole::kParticipant) out.model_key = file.model_key().public_key();
  return out;
}

Secret EncodeKeyFile(const KeyFile& file) {
  SEALFOLD_CHECK(file.signing_seed.size() == kSeedSize);
  SEALFOLD_CHECK(file.model_seed.size() == (file.role == KeyRole::kParticipant ? kSeedSize : 0));
  const std::string before = absl::StrCat("{\"format\": \"", kFormat, "\", \"role\": \"",
                                          RoleName(file.role), "\", \"signing_seed\": \"");
  const absl::string_view between = "\", \"model_seed\": \"";
  const absl::string_view after = "\"}\n";
  const bool has_model = !file.model_seed.empty();
  constexpr size_t kHexSize = 2 * kSeedSize;
  Secret text(before.size() + kHexSize + (has_model ? between.size() + kHexSize : 0) +
              after.size());
  char* out = reinterpret_cast<char*>(text.mutable_span().data());
  auto put = [&out](absl::string_view part) { out = std::copy(part.begin(), part.end(), out); };
  auto put_seed = [&out](const Secret& seed) {
    Secret hex(kHexSize + 1);  // sodium_bin2hex ends with a zero
    char* digits = reinterpret_cast<char*>(hex.mutable_span().data());
    sodium_bin2hex(digits, hex.size(), seed.span().data(), seed.size());
    out = std::copy(digits, digits + kHexSize, out);
  };
  put(before);
  put_seed(file.signing_seed);
  if (has_model) {
    put(between);
    put_seed(file.model_seed);
  }
  put(after);
  return text;
}

absl::StatusOr<KeyFile> ParseKeyFile(ByteSpan text) {
  SEALFOLD_ASSIGN_OR_RETURN(auto members, key_internal::ParseFlatObject(AsText(text)));
  if (members["format"] != kFormat) {
    return Malformed(absl::StrCat("format ", kFormat), "another format, or none");
  }
  KeyFile file;
  bool known = false;
  for (const KeyRole role : {KeyRole::kCoordinator, KeyRole::kParticipant, KeyRole::kBuilder}) {
    if (members["role"] != RoleName(role)) continue;
    file.role = role;
    known = true;
  }
  if (!known) return Malformed("the role coordinator, participant or builder", "another, or none");
  members.erase("format");
  members.erase("role");
  SEALFOLD_ASSIGN_OR_RETURN(file.signing_seed, TakeSeed(members, "signing_seed"));
  if (file.role == KeyRole::kParticipant) {
    SEALFOLD_ASSIGN_OR_RETURN(file.model_seed, TakeSeed(members, "model_seed"));
  }
  if (!members.empty()) return Malformed("no other field", "one more");
  return file;
}

std::string EncodePublicKeyFile(const PublicKeyFile& file) {
  nlohmann::ordered_json out = {
      {"format", "sealfold-public-1"}, {"name", file.name}, {"key", file.key.hex()}};
  if (file.model_key.has_value()) out["model_key"] = file.model_key->hex();
  return JsonText(out, /*indent=*/2) + "\n";
}

absl::StatusOr<PublicKeyFile> ParsePublicKeyFile(absl::string_view text, absl::string_view source) {
  SEALFOLD_ASSIGN_OR_RETURN(nlohmann::json in, LoadJson(text, kPublicSchema, source));
  PublicKeyFile file;
  file.name = in["name"].get<std::string>();
  SEALFOLD_ASSIGN_OR_RETURN(file.key, SigningPublicKey::FromHex(in["key"].get<std::string>()));
  if (in.contains("model_key")) {
    SEALFOLD_ASSIGN_OR_RETURN(file.model_key,
                              SealingPublicKey::FromHex(in["model_key"].get<std::string>()));
  }
  return file;
}

absl::Status WriteKeyFiles(const std::string& path, const KeyFile& file, absl::string_view name) {
  if (!IsPartyName(name)) {
    return BadInput({.code = "key_name_invalid",
                     .what = "name of the key's owner (--name)",
                     .expected = absl::StrCat("1 to ", kPartyNameBytesMax,
                                              " bytes of UTF-8 without control characters"),
                     .found = absl::StrCat(name.size(), " bytes"),
                     .advice = "give the name as it shall stand in the plan"});
  }
  const std::string public_path = absl::StrCat(path, ".pub");
  for (const std::string& taken : {path, public_path}) {
    if (access(taken.c_str(), F_OK) != 0) continue;
    return BadInput({.code = "key_file_exists",
                     .what = absl::StrCat("writing ", taken),
                     .expected = "a new file",
                     .found = "one that exists",
                     .advice = "choose another name: a lost key cannot be made again"});
  }
  const Secret text = EncodeKeyFile(file);
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(path, AsText(text.span()), /*secret=*/true));
  return WriteFileAtomic(public_path, EncodePublicKeyFile(PublicPart(file, name)));
}

absl::StatusOr<KeyFile> ReadKeyFile(const std::string& path, KeyRole role) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Unreadable(path, std::strerror(errno));
  absl::StatusOr<Secret> text = ReadSecretFile(fd, path);
  close(fd);
  if (!text.ok()) return text.status();
  absl::StatusOr<KeyFile> file = ParseKeyFile(text->span());
  if (!file.ok()) return About(path, file.status());
  if (file->role != role) {
    return BadInput({.code = "key_role_wrong",
                     .what = absl::StrCat("key file ", path),
                     .expected = absl::StrCat("a ", RoleName(role), "'s key"),
                     .found = absl::StrCat("a ", RoleName(file->role), "'s"),
                     .advice = "pass the other file, or make one with keygen"});
  }
  return file;
}

absl::StatusOr<PublicKeyFile> ReadPublicKeyFile(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kKeyFileBytesMax));
  return ParsePublicKeyFile(text, path);
}

}  // namespace sealfold
