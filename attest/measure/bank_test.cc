#include "attest/measure/bank.h"

#include <gtest/gtest.h>

namespace sealfold {
namespace {

// FIPS 180-4's example "abc".
TEST(BankTest, HashesAreThoseOfTheStandard) {
  const std::pair<BankHash, const char*> expected[] = {
      {BankHash::kSha1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {BankHash::kSha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {BankHash::kSha384,
       "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
       "8086072ba1e7cc2358baeca134c825a7"},
      {BankHash::kSha512,
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"}};
  for (const auto& [hash, hex] : expected) {
    EXPECT_EQ(HexEncode(HashInBank(hash, {AsBytes("a"), AsBytes("bc")})), hex);
    EXPECT_EQ(FindBankHash(BankHashName(hash)), hash);
  }
  EXPECT_EQ(FindBankHash("md5"), std::nullopt);
}

// By Python's hashlib: SHA-256(32 zero bytes ‖ SHA-256("abc")), and once more.
TEST(BankTest, ARegisterBeginsAtZeroAndIsExtended) {
  BankRegister reg(BankHash::kSha256);
  EXPECT_EQ(reg.value(), Bytes(32));
  reg.Measure(AsBytes("abc"));
  EXPECT_EQ(HexEncode(reg.value()),
            "589f9ffed4c477966bfb8d41f37895b08c69047df8f911d6f3b57fbe08faee8d");
  reg.Measure(AsBytes("abc"));
  EXPECT_EQ(HexEncode(reg.value()),
            "bdeb6c6dc63852834c89f67066194207ce7d3806ea40ca58dc079246ef58a926");
}

}  // namespace
}  // namespace sealfold
