#include "participant-client/memory/seen_releases.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"
#include "protocol/cbor/fields.h"
#include "protocol/program/file_lock.h"
#include "protocol/program/optional_file.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr size_t kSeenReleasesBytesMax = 1u << 20;

struct SubjectVersion {
  std::string subject = {};
  uint64_t version = 0;

  template <class V>
  void Fields(V& v) {
    v("subject", subject);
    v("version", version);
  }
};

struct SeenReleases {
  static constexpr char kType[] = "sealfold-seen-releases-1";
  std::vector<SubjectVersion> subjects = {};

  template <class V>
  void Fields(V& v) {
    v("subjects", subjects);
  }
};

std::string PathIn(const std::string& state_dir) {
  return absl::StrCat(state_dir, "/releases.cbor");
}

absl::Status Unusable(const std::string& path, int error) {
  return BadInput({.code = "state_unusable",
                   .what = path,
                   .expected = "a file that this user can read and write",
                   .found = std::strerror(error)});
}

absl::StatusOr<SeenReleases> Read(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::optional<std::string> content,
                            ReadFileIfThere(path, kSeenReleasesBytesMax));
  if (!content.has_value()) return SeenReleases{};
  absl::StatusOr<SeenReleases> seen = cbor::DecodeFields<SeenReleases>(AsBytes(*content));
  if (seen.ok()) return seen;
  const Explanation why = Explain(seen.status());
  return BadInput({.code = "memory_broken",
                   .what = path,
                   .expected = "the releases seen, as this program writes them",
                   .found = absl::StrCat(why.what, " ", why.found),
                   .advice = "restore it from a backup; without it a host can go back to an older "
                             "release"});
}

auto Find(SeenReleases& seen, absl::string_view subject) {
  return std::find_if(seen.subjects.begin(), seen.subjects.end(),
                      [subject](const SubjectVersion& each) { return each.subject == subject; });
}

}  // namespace

absl::StatusOr<std::optional<uint64_t>> SeenRelease(const std::string& state_dir,
                                                    absl::string_view subject) {
  SEALFOLD_ASSIGN_OR_RETURN(SeenReleases seen, Read(PathIn(state_dir)));
  const auto found = Find(seen, subject);
  if (found == seen.subjects.end()) return std::nullopt;
  return found->version;
}

absl::Status RaiseSeenRelease(const std::string& state_dir, absl::string_view subject,
                              uint64_t version) {
  const std::string path = PathIn(state_dir);
  const std::string lock_path = absl::StrCat(path, ".lock");
  const UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) return Unusable(lock_path, errno);
  if (!WaitForLock(lock.get())) return Unusable(lock_path, errno);
  SEALFOLD_ASSIGN_OR_RETURN(SeenReleases seen, Read(path));
  const auto found = Find(seen, subject);
  if (found == seen.subjects.end()) {
    seen.subjects.push_back({.subject = std::string(subject), .version = version});
  } else if (found->version > version) {
    return Refused({.code = "offer_release_old",
                    .what = absl::StrCat("release of ", subject),
                    .expected = absl::StrCat("version ", found->version, " or later"),
                    .found = absl::StrCat("version ", version),
                    .advice = "a later release was accepted before: the host went back to an "
                              "older one"});
  } else {
    found->version = version;
  }
  return WriteFileAtomic(path, AsText(cbor::EncodeFields(seen)), /*secret=*/true);
}

}  // namespace sealfold
