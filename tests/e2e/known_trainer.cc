// The trainer of the end-to-end tests: `known-trainer PARTICIPANT [zeros]`. Reads SEALFOLD_MODEL
// for the shape, writes SEALFOLD_UPDATE; with `zeros` a sparse file of them.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/model/safetensors.h"
#include "tests/e2e/known_update.h"

namespace sealfold {
namespace {

absl::Status Train(uint64_t participant, bool zeros, const char* model_path,
                   const char* update_path, uint64_t round) {
  SEALFOLD_ASSIGN_OR_RETURN(MappedFile model, MappedFile::Open(model_path));
  SEALFOLD_ASSIGN_OR_RETURN(SafetensorsHeader header,
                            SafetensorsHeader::Parse(model.span(), model.span().size()));
  std::vector<TensorSpec> tensors;
  for (const SafetensorsHeader::Entry& entry : header.entries) tensors.push_back(entry.spec);
  std::ofstream out(update_path, std::ios::binary);
  const Bytes bytes =
      SafetensorsHeaderBytes(tensors, {{"num_examples", absl::StrCat(KnownWeight(participant))}});
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (zeros) {
    out.close();
    std::filesystem::resize_file(update_path,
                                 bytes.size() + model.span().size() - header.size_bytes);
    return absl::OkStatus();
  }
  uint64_t i = 0;
  for (const TensorSpec& tensor : tensors) {
    for (uint64_t e = 0; e < tensor.elements(); ++e, ++i) {
      const float x = KnownElement(participant, round, i);
      out.write(reinterpret_cast<const char*>(&x), sizeof(x));
    }
  }
  out.close();
  return out ? absl::OkStatus() : absl::UnavailableError("writing the update failed");
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) {
  const char* model = std::getenv("SEALFOLD_MODEL");
  const char* update = std::getenv("SEALFOLD_UPDATE");
  const char* round = std::getenv("SEALFOLD_ROUND");
  if (argc < 2 || model == nullptr || update == nullptr || round == nullptr) return 2;
  const absl::Status status =
      sealfold::Train(std::strtoull(argv[1], nullptr, 10), /*zeros=*/argc > 2, model, update,
                      std::strtoull(round, nullptr, 10));
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
