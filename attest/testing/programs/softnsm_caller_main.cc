// For tests: a program that asks sealfold-softnsm for a document and prints it as hex.
//   softnsm_caller SOCKET                   as a client does
//   softnsm_caller SOCKET --become PROGRAM  connects, is measured, then becomes PROGRAM --inherited
//   FD softnsm_caller --inherited FD           asks on a connection that another program made;
//   prints what came
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "attest/attester.h"
#include "attest/testing/programs/raw_client.h"

namespace sealfold {
namespace {

int Ask(const char* socket_path) {
  auto attester = ConnectSoftwareAttester(socket_path);
  if (!attester.ok()) {
    std::fprintf(stderr, "%s\n", attester.status().ToString().c_str());
    return 4;
  }
  auto document = (*attester)->Attest(AsBytes("nonce"), AsBytes("user data"), {});
  if (!document.ok()) {
    std::fprintf(stderr, "%s\n", document.status().ToString().c_str());
    return 3;
  }
  std::printf("%s\n", HexEncode(*document).c_str());
  return 0;
}

int Become(const char* socket_path, const char* program) {
  UniqueFd fd = RawConnect(socket_path);
  RawAsk(fd.get(), NsmDescribeRequest{});
  fcntl(fd.get(), F_SETFD, 0);  // stays open in the other program
  execl(program, program, "--inherited", std::to_string(fd.get()).c_str(), nullptr);
  return 4;
}

int Inherited(int fd) {
  std::printf("%s\n", Kind(RawAsk(fd, NsmAttestationRequest{})).c_str());
  return 0;
}

int Main(int argc, char** argv) {
  if (argc == 2) return Ask(argv[1]);
  if (argc == 3 && std::string(argv[1]) == "--inherited") return Inherited(std::atoi(argv[2]));
  if (argc == 4 && std::string(argv[2]) == "--become") return Become(argv[1], argv[3]);
  return 2;
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) { return sealfold::Main(argc, argv); }
