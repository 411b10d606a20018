#include "participant-client/memory/memory_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "participant-client/memory/seen_releases.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/program/optional_file.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

absl::Status Unusable(const std::string& path, int error) {
  return BadInput({.code = "state_unusable",
                   .what = absl::StrCat("the participant's state at ", path),
                   .expected = "a folder that can be written",
                   .found = std::strerror(error),
                   .advice = "choose a folder with --state that belongs to this user"});
}

absl::Status Broken(const std::string& path, std::string expected, std::string found) {
  return BadInput({.code = "memory_broken",
                   .what = absl::StrCat("the participant's memory at ", path),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice =
                       "restore it from a backup, or use the state folder that belongs to this "
                       "key; a new memory would forget what was already sent"});
}

absl::StatusOr<UniqueFd> OpenOwn(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return Unusable(path, errno);
  return file;
}

absl::StatusOr<Memory> ReadMemory(const std::string& path, const Digest& plan,
                                  const SigningPublicKey& participant) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::optional<std::string> content,
                            ReadFileIfThere(path, kMemoryBytesMax));
  if (!content.has_value()) {
    return Memory{.plan = plan, .participant = participant, .seen = {}, .entered = {}};
  }
  auto memory = cbor::DecodeFields<Memory>(AsBytes(*content));
  if (!memory.ok()) {
    Explanation why = Explain(memory.status());
    return Broken(path, "a memory as this program writes it",
                  absl::StrCat(why.what, " ", why.found));
  }
  if (memory->plan != plan) return Broken(path, plan.hex(), memory->plan.hex());
  if (memory->participant != participant) {
    return Broken(path, absl::StrCat("the memory of participant ", participant.hex()),
                  memory->participant.hex());
  }
  return memory;
}

}  // namespace

MemoryStore::MemoryStore(std::string folder, UniqueFd lock, UniqueFd tags, Memory memory)
    : folder_(std::move(folder)),
      lock_(std::move(lock)),
      tags_(std::move(tags)),
      memory_(std::move(memory)) {}

absl::StatusOr<std::unique_ptr<MemoryStore>> MemoryStore::Open(const std::string& state_dir,
                                                               const Digest& plan,
                                                               const SigningPublicKey& participant,
                                                               const std::string& subject) {
  std::string folder = absl::StrCat(state_dir, "/plan-", plan.hex().substr(0, 16));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Unusable(folder, error.value());
  chmod(folder.c_str(), 0700);

  SEALFOLD_ASSIGN_OR_RETURN(UniqueFd lock, OpenOwn(absl::StrCat(folder, "/lock")));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return BadInput({.code = "state_in_use",
                     .what = absl::StrCat("the participant's state at ", folder),
                     .expected = "no other process at work on this run",
                     .found = "one that holds its lock",
                     .advice = "wait for it to end, or stop it"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(Memory memory,
                            ReadMemory(absl::StrCat(folder, "/memory.cbor"), plan, participant));
  SEALFOLD_ASSIGN_OR_RETURN(UniqueFd tags, OpenOwn(absl::StrCat(folder, "/tags.bin")));
  std::unique_ptr<MemoryStore> store(
      new MemoryStore(std::move(folder), std::move(lock), std::move(tags), std::move(memory)));
  if (subject.empty()) return store;
  store->state_dir_ = state_dir;
  store->subject_ = subject;
  SEALFOLD_ASSIGN_OR_RETURN(store->seen_release_, SeenRelease(state_dir, subject));
  std::optional<uint64_t>& version = store->memory_.release_version;
  version = std::max(version, store->seen_release_);  // none is below all
  return store;
}

std::string MemoryStore::Path(absl::string_view name) const {
  return absl::StrCat(folder_, "/", name);
}

absl::Status MemoryStore::Save(const Memory& memory) {
  if (!subject_.empty() && memory.release_version > seen_release_) {
    SEALFOLD_RETURN_IF_ERROR(RaiseSeenRelease(state_dir_, subject_, *memory.release_version));
    seen_release_ = memory.release_version;
  }
  Bytes encoded = cbor::EncodeFields(memory);
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(Path("memory.cbor"), AsText(encoded), /*secret=*/true));
  memory_ = memory;
  return absl::OkStatus();
}

absl::Status MemoryStore::WriteTags(uint64_t first, ByteSpan tags) {
  uint64_t offset = first * kAeadTagSize;
  while (!tags.empty()) {
    ssize_t written = pwrite(tags_.get(), tags.data(), tags.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return Unusable(Path("tags.bin"), errno);
    }
    offset += static_cast<uint64_t>(written);
    tags.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status MemoryStore::ReadTags(uint64_t first, MutableByteSpan out) {
  uint64_t offset = first * kAeadTagSize;
  while (!out.empty()) {
    ssize_t got = pread(tags_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      return Unusable(Path("tags.bin"), errno);
    }
    if (got == 0) {
      return BadInput({.code = "tags_lost",
                       .what = Path("tags.bin"),
                       .expected = "the tags of every chunk that was sent",
                       .found = absl::StrCat(offset / kAeadTagSize, " of them"),
                       .advice = "this attempt cannot be resumed; wait for the round's next one"});
    }
    offset += static_cast<uint64_t>(got);
    out.remove_prefix(static_cast<size_t>(got));
  }
  return absl::OkStatus();
}

absl::Status MemoryStore::ClearTags() {
  if (ftruncate(tags_.get(), 0) != 0) return Unusable(Path("tags.bin"), errno);
  return absl::OkStatus();
}

}  // namespace sealfold
