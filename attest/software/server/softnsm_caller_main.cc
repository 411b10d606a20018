// For tests: asks the sealfold-softnsm at the path argv[1] for a document and prints it as hex.
#include <cstdio>

#include "attest/attester.h"
#include "protocol/base/bytes.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto attester = sealfold::ConnectSoftwareAttester(argv[1]);
  if (!attester.ok()) {
    std::fprintf(stderr, "%s\n", attester.status().ToString().c_str());
    return 4;
  }
  auto document = (*attester)->Attest(sealfold::AsBytes("nonce"), {}, {});
  if (!document.ok()) {
    std::fprintf(stderr, "%s\n", document.status().ToString().c_str());
    return 3;
  }
  std::printf("%s\n", sealfold::HexEncode(*document).c_str());
  return 0;
}
