#include "participant-client/record/model_file.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/model/mapped_file.h"
#include "protocol/program/new_file.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr uint64_t kHashStepBytes = 4 << 20;

std::string Temporary(const std::string& path) { return absl::StrCat(path, ".", getpid(), ".tmp"); }

absl::Status WrongDigest(const std::string& path, const Digest& expected, const Digest& found) {
  return Refused({.code = "model_digest_wrong",
                  .what = absl::StrCat("model ", path),
                  .expected = absl::StrCat("SHA-256 ", expected.hex()),
                  .found = found.hex(),
                  .advice = "this is not the model that the record speaks of; do not use it"});
}

}  // namespace

ModelFileWriter::ModelFileWriter(std::string path, const Digest& expected, uint64_t size_bytes,
                                 std::optional<SealedModel> sealed, std::FILE* file)
    : path_(std::move(path)),
      expected_(expected),
      size_bytes_(size_bytes),
      sealed_(std::move(sealed)),
      file_(file) {}

absl::StatusOr<ModelFileWriter> ModelFileWriter::Open(std::string path, const Digest& expected,
                                                      uint64_t size_bytes,
                                                      std::optional<SealedModel> sealed) {
  const std::string temporary = Temporary(path);
  const int fd = OpenNewFile(temporary, sealed.has_value() ? 0600 : 0644);
  if (fd < 0) return FileError("writing", path);
  std::FILE* const file = fdopen(fd, "wb");
  if (file == nullptr) {
    close(fd);
    return FileError("writing", path);
  }
  return ModelFileWriter(std::move(path), expected, size_bytes, std::move(sealed), file);
}

ModelFileWriter::~ModelFileWriter() {
  if (file_ == nullptr) return;  // moved from
  if (!finished_) unlink(Temporary(path_).c_str());
}

absl::Status ModelFileWriter::Write(ByteSpan plain) {
  written_ += plain.size();
  if (written_ > size_bytes_) {
    return Refused({.code = "model_size_wrong",
                    .what = absl::StrCat("model ", path_),
                    .expected = absl::StrCat(size_bytes_, " bytes"),
                    .found = "more"});
  }
  hash_.Update(plain);
  if (std::fwrite(plain.data(), 1, plain.size(), file_.get()) != plain.size())
    return FileError("writing", path_);
  return absl::OkStatus();
}

absl::Status ModelFileWriter::OpenChunk() {
  Bytes plain(sealed_->chunk_size_bytes(chunk_));
  SEALFOLD_RETURN_IF_ERROR(sealed_->OpenChunk(chunk_, gathered_, absl::MakeSpan(plain)));
  ++chunk_;
  gathered_.clear();
  return Write(plain);
}

absl::Status ModelFileWriter::Append(ByteSpan bytes) {
  if (!sealed_.has_value()) return Write(bytes);
  while (!bytes.empty()) {
    if (chunk_ == sealed_->chunk_count()) return Write(bytes);  // too many: refused there
    const size_t wanted = sealed_->chunk_size_bytes(chunk_) + kAeadTagSize - gathered_.size();
    const size_t part = std::min(wanted, bytes.size());
    sealfold::Append(gathered_, bytes.first(part));
    bytes.remove_prefix(part);
    if (part == wanted) SEALFOLD_RETURN_IF_ERROR(OpenChunk());
  }
  return absl::OkStatus();
}

absl::Status ModelFileWriter::Finish() {
  const Digest found = hash_.Peek();
  if (written_ != size_bytes_ || found != expected_) return WrongDigest(path_, expected_, found);
  if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0) {
    return FileError("writing", path_);
  }
  SEALFOLD_RETURN_IF_ERROR(RenameDurably(Temporary(path_), path_));
  finished_ = true;
  return absl::OkStatus();
}

uint64_t ModelStreamBytes(const Plan& plan, bool sealed) {
  const uint64_t clear = ModelFileSizeBytes(plan.tensors);
  return sealed ? SealedModelSizeBytes(clear, plan.chunk_bytes) : clear;
}

absl::Status CheckModelFile(const std::string& path, const Digest& expected) {
  SEALFOLD_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  Sha256Stream hash;
  const ByteSpan bytes = file.span();
  for (uint64_t done = 0; done < bytes.size(); done += kHashStepBytes) {
    hash.Update(bytes.subspan(done, kHashStepBytes));
    file.DropBefore(done);
  }
  const Digest found = hash.Peek();
  return found == expected ? absl::OkStatus() : WrongDigest(path, expected, found);
}

absl::StatusOr<Secret> OpenModelKey(const RecordFile& file, const CheckedRecord& record,
                                    const SigningPublicKey& participant,
                                    const HpkeKeyPair& model_key_pair) {
  if (!record.record.model_key_commitment.has_value()) return Secret();
  auto own =
      std::find_if(file.model_keys.begin(), file.model_keys.end(),
                   [&](const WrappedModelKey& key) { return key.participant == participant; });
  if (own == file.model_keys.end()) {
    return Refused({.code = "model_key_absent",
                    .what = "keys of the sealed model",
                    .expected = absl::StrCat("one for ", participant.hex()),
                    .found = "none"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(Secret key,
                            UnwrapModelKey(record.plan, record.record.round, *own, model_key_pair));
  const Digest commitment = ModelKeyCommitment(key.span());
  if (commitment != *record.record.model_key_commitment) {
    return Refused({.code = "model_key_wrong",
                    .what = "key of the sealed model",
                    .expected = record.record.model_key_commitment->hex(),
                    .found = commitment.hex()});
  }
  return key;
}

}  // namespace sealfold
