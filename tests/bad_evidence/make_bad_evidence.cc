// make_bad_evidence CORPUS INDEX: writes the corpus and its index (index.h).
#include <cstdio>

#include "protocol/program/program.h"
#include "tests/bad_evidence/index.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_bad_evidence CORPUS INDEX\n");
    return sealfold::kExitUsage;
  }
  for (const auto& make :
       {sealfold::MakeBadNitro, sealfold::MakeBadNitroTpm, sealfold::MakeBadTpm}) {
    const absl::Status written = sealfold::WriteBadEvidence(make(), argv[1], argv[2]);
    if (!written.ok()) {
      std::fprintf(stderr, "%s\n", written.ToString().c_str());
      return sealfold::kExitBadInput;
    }
  }
  return 0;
}
