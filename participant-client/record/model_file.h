// Model files: checked by digest as they come, opened on the way where they are sealed.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_RECORD_MODEL_FILE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_RECORD_MODEL_FILE_H_

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/record/record.h"

namespace sealfold {

// Writes a model file piece by piece to a temporary beside `path` and gives it its name only when
// its SHA-256 is the one expected. Memory in use: one chunk.
class ModelFileWriter {
 public:
  // `sealed`: opens the stream's chunks; none for a stream in the clear. `size_bytes` of the file
  // in the clear.
  static absl::StatusOr<ModelFileWriter> Open(std::string path, const Digest& expected,
                                              uint64_t size_bytes,
                                              std::optional<SealedModel> sealed);
  ModelFileWriter(ModelFileWriter&&) = default;
  ModelFileWriter& operator=(ModelFileWriter&&) = delete;
  ~ModelFileWriter();  // an unfinished temporary is removed

  // Of the stream that arrives. "seal_broken", "model_size_wrong", or an error of the file system.
  absl::Status Append(ByteSpan bytes);
  // PermissionDenied "model_digest_wrong".
  absl::Status Finish();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  ModelFileWriter(std::string path, const Digest& expected, uint64_t size_bytes,
                  std::optional<SealedModel> sealed, std::FILE* file);
  absl::Status Write(ByteSpan plain);
  absl::Status OpenChunk();

  std::string path_;
  Digest expected_;
  uint64_t size_bytes_;
  std::optional<SealedModel> sealed_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  Sha256Stream hash_;
  uint64_t written_ = 0;
  uint64_t chunk_ = 0;  // being gathered
  Bytes gathered_;
  bool finished_ = false;
};

// Bytes of the stream that a model file comes as.
uint64_t ModelStreamBytes(const Plan& plan, bool sealed);

// SHA-256 of the file at `path` is `expected`: else PermissionDenied "model_digest_wrong".
absl::Status CheckModelFile(const std::string& path, const Digest& expected);

// The key of a sealed round's model, from the record's copy for `participant`; empty where delivery
// is public. PermissionDenied: "model_key_absent", "model_key_wrong" if it is not the one that the
// record commits to.
absl::StatusOr<Secret> OpenModelKey(const RecordFile& file, const CheckedRecord& record,
                                    const SigningPublicKey& participant,
                                    const HpkeKeyPair& model_key_pair);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_RECORD_MODEL_FILE_H_
