#include "attest/keybroker/folder/broker_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#ifdef SEALFOLD_TPM
#include "attest/keybroker/store/tpm_store.h"
#endif
#include "protocol/base/error.h"
#include "protocol/program/file_lock.h"
#include "protocol/program/program.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

constexpr size_t kPassphraseSizeMin = 12;
constexpr size_t kPassphraseFileSizeMax = 64 << 10;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

// The file's text without the end of its last line.
absl::StatusOr<Secret> ReadPassphrase(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return FileError("reading", path);
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
    return BadInput({.code = "file_unusable",
                     .what = absl::StrCat("reading ", path),
                     .expected = "a file with the passphrase",
                     .found = S_ISDIR(status.st_mode) ? "a folder" : "a device or socket",
                     .advice = "name a file"});
  }
  if ((status.st_mode & kOthers) != 0) {
    return BadInput({.code = "passphrase_exposed",
                     .what = absl::StrCat("passphrase file ", path),
                     .expected = "a file that its owner alone can read",
                     .found = "one that others can",
                     .advice = absl::StrCat("chmod 600 ", path)});
  }
  SEALFOLD_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kPassphraseFileSizeMax));
  absl::string_view line = absl::StripTrailingAsciiWhitespace(text);
  Secret passphrase = Secret::CopyOf(AsBytes(line));
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
  if (passphrase.size() >= kPassphraseSizeMin) return passphrase;
  return BadInput({.code = "passphrase_short",
                   .what = absl::StrCat("passphrase in ", path),
                   .expected = absl::StrCat("at least ", kPassphraseSizeMin, " characters"),
                   .found = absl::StrCat(passphrase.size())});
}

absl::StatusOr<Bytes> SealStore(const BrokerFolder& folder, const KeyStore& store) {
#ifdef SEALFOLD_TPM
  if (!folder.tpm.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(const Esys esys, Esys::Open(folder.tpm));
    return SealStoreByTpm(esys, store);
  }
#endif
  SEALFOLD_ASSIGN_OR_RETURN(const Secret passphrase, ReadPassphrase(folder.passphrase_path));
  return store.Seal(passphrase.span());
}

absl::StatusOr<KeyStore> OpenStoreAt(const BrokerFolder& folder, const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string sealed, ReadFile(path, kSealedStoreSizeMax));
#ifdef SEALFOLD_TPM
  if (!folder.tpm.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(const Esys esys, Esys::Open(folder.tpm));
    return OpenStoreByTpm(esys, AsBytes(sealed));
  }
#endif
  SEALFOLD_ASSIGN_OR_RETURN(const Secret passphrase, ReadPassphrase(folder.passphrase_path));
  return KeyStore::Open(passphrase.span(), AsBytes(sealed));
}

}  // namespace

absl::StatusOr<UniqueFd> LockStore(const BrokerFolder& folder) {
  // On a file of its own, since the store's is replaced.
  const std::string path = folder.path + "/store.lock";
  UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!lock.valid()) return FileError("writing", path);
  if (!WaitForLock(lock.get())) return FileError("locking", path);
  return lock;
}

absl::StatusOr<KeyStore> OpenStore(const BrokerFolder& folder) {
  return OpenStoreAt(folder, folder.store_path());
}

absl::Status WriteStore(const BrokerFolder& folder, const KeyStore& store) {
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes sealed, SealStore(folder, store));
  // Where one is there already, the log knows no later one.
  if (link(folder.store_path().c_str(), folder.unlogged_path().c_str()) != 0 && errno != ENOENT &&
      errno != EEXIST) {
    return FileError("writing", folder.unlogged_path());
  }
  return WriteFileAtomic(folder.store_path(), AsText(sealed), /*secret=*/true);
}

absl::StatusOr<KeyStore> ChangeStore(const BrokerFolder& folder,
                                     absl::FunctionRef<absl::Status(KeyStore&)> change) {
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  const StoreRecords before = RecordsOf(store);
  absl::StatusOr<DecisionLog> log = DecisionLog::Open(folder.log_path());
  if (!log.ok() && ErrorCode(log.status()) != "log_in_use") return log.status();
  if (log.ok()) SEALFOLD_RETURN_IF_ERROR(LogUnlogged(folder, store, *log));
  SEALFOLD_RETURN_IF_ERROR(change(store));
  // The store first: a line without its change would say what is not so.
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  if (log.ok()) {
    SEALFOLD_RETURN_IF_ERROR(LogChanges(before, store, *log));
    SEALFOLD_RETURN_IF_ERROR(MarkLogged(folder));
  }
  return store;
}

absl::Status LogUnlogged(const BrokerFolder& folder, const KeyStore& store, DecisionLog& log) {
  if (access(folder.unlogged_path().c_str(), F_OK) != 0) return absl::OkStatus();
  const absl::StatusOr<KeyStore> known = OpenStoreAt(folder, folder.unlogged_path());
  if (!known.ok()) return About(folder.unlogged_path(), known.status());
  SEALFOLD_RETURN_IF_ERROR(LogChanges(RecordsOf(*known), store, log));
  return MarkLogged(folder);
}

absl::Status MarkLogged(const BrokerFolder& folder) {
  if (unlink(folder.unlogged_path().c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return FileError("removing", folder.unlogged_path());
}

absl::Status LogChanges(const StoreRecords& before, const KeyStore& after, DecisionLog& log) {
  for (const Decision& each : StoreChanges(before, RecordsOf(after), WallMs())) {
    SEALFOLD_RETURN_IF_ERROR(log.Append(each));
  }
  return absl::OkStatus();
}

StoreVersion VersionOf(const BrokerFolder& folder) {
  struct stat status = {};
  if (stat(folder.store_path().c_str(), &status) != 0) return {};
  return {.inode = status.st_ino,
          .changed_s = status.st_ctim.tv_sec,
          .changed_ns = status.st_ctim.tv_nsec};
}

}  // namespace sealfold
