// The exchange with the kernel. No machine but an enclave has the driver: here this program's own
// `ioctl` stands in its place, and answers on a file that the test names.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <filesystem>
#include <functional>

#include "attest/nitro/nsm.h"
#include "attest/testing/devices/nsm_stand_in.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// linux/nsm.h: struct nsm_raw { struct { u64 addr, len; } request, response; }, _IOWR(0x0A, 0,
// ...).
constexpr unsigned long kRequest = 0xc0200a00;  // NOLINT(google-runtime-int)

// The driver: 0 or an errno. `raw` is the struct's four numbers.
using Driver = std::function<int(uint64_t* raw)>;
Driver driver;  // NOLINT: what the ioctl below has in the kernel's place

}  // namespace
}  // namespace sealfold

// NOLINTNEXTLINE(cert-dcl50-cpp, google-runtime-int)
extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request != sealfold::kRequest || !sealfold::driver) {
    return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
  }
  const int error = sealfold::driver(static_cast<uint64_t*>(argument));
  if (error == 0) return 0;
  errno = error;
  return -1;
}

namespace sealfold {
namespace {

class NsmDeviceTest : public ::testing::Test {
 protected:
  ~NsmDeviceTest() override { driver = nullptr; }
  // What OpenNsmDevice makes of a file that can be opened.
  static NsmExchange Open() { return OpenNsmDevice("/dev/null").value(); }
};

TEST_F(NsmDeviceTest, ExchangesOneRequestForOneResponse) {
  NsmStandIn device;
  uint64_t capacity = 0;
  driver = [&](uint64_t* raw) {
    capacity = raw[3];
    // NOLINTBEGIN(performance-no-int-to-ptr): addresses as the kernel's struct has them
    const Bytes answer = device.Answer(ByteSpan(reinterpret_cast<const uint8_t*>(raw[0]), raw[1]));
    std::memcpy(reinterpret_cast<void*>(raw[2]), answer.data(), answer.size());
    // NOLINTEND(performance-no-int-to-ptr)
    raw[3] = answer.size();
    return 0;
  };
  absl::StatusOr<std::unique_ptr<Attester>> attester = OpenNsmAttester("/dev/null");
  ASSERT_TRUE(attester.ok()) << attester.status();
  const absl::StatusOr<Bytes> document = (*attester)->Attest(AsBytes("nonce"), {}, {});
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(capacity, kNsmResponseSizeMax);
  EXPECT_TRUE(VerifyEvidence(*document, device.chain().Policy(), ForgeExpectation()).passed());
}

TEST_F(NsmDeviceTest, TriesAgainWhenASignalComes) {
  int calls = 0;
  driver = [&](uint64_t* raw) {
    raw[3] = 0;
    return ++calls == 1 ? EINTR : 0;
  };
  EXPECT_EQ(Open()(Bytes{1}).value(), Bytes());
  EXPECT_EQ(calls, 2);
}

TEST_F(NsmDeviceTest, TheKernelsErrorsAreTold) {
  int error = EMSGSIZE;
  driver = [&](uint64_t*) { return error; };
  EXPECT_EQ(ErrorCode(Open()(Bytes{1}).status()), "attester_input_too_large");
  for (int each : {EPERM, ETIMEDOUT, EFAULT}) {
    error = each;
    EXPECT_EQ(ErrorCode(Open()(Bytes{1}).status()), "attester_unreachable");
  }
}

TEST_F(NsmDeviceTest, ALengthBeyondTheBufferIsNotBelieved) {
  driver = [](uint64_t* raw) {
    raw[3] = kNsmResponseSizeMax + 1;
    return 0;
  };
  EXPECT_EQ(ErrorCode(Open()(Bytes{1}).status()), "attester_unreachable");
}

TEST_F(NsmDeviceTest, WhatIsNoDeviceIsUnreachable) {
  EXPECT_EQ(ErrorCode(OpenNsmDevice("/dev/no-such-device").status()), "attester_unreachable");
  EXPECT_EQ(ErrorCode(OpenNsmAttester("/dev/null").status()), "attester_unreachable");
}

}  // namespace
}  // namespace sealfold
