#include "protocol/crypto/aead/choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/strings/match.h"
#include "protocol/testing/aead_backends.h"

namespace sealfold {
namespace {

constexpr AeadId kId = AeadId::kAes256Gcm;

// OpenSSL's key, with a fault.
enum class Fault { kWrongTag, kWrongWhenLong, kOpensAnything, kLeavesLastByte, kSlow };

template <Fault fault>
class FaultyKey final : public AeadKey {
 public:
  explicit FaultyKey(std::unique_ptr<const AeadKey> key) : key_(std::move(key)) {}
  void Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const override {
    key_->Seal(nonce, aad, plaintext, out);
    if (fault == Fault::kWrongTag) out.back() ^= 1;
    if (fault == Fault::kWrongWhenLong && plaintext.size() > 16000) out.front() ^= 1;
  }
  bool Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const override {
    if (fault == Fault::kSlow) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const bool fits = key_->Open(nonce, aad, sealed, out);
    if (fault == Fault::kLeavesLastByte && out.size() > 16000) out.back() = 0;
    return fits || fault == Fault::kOpensAnything;
  }

 private:
  std::unique_ptr<const AeadKey> key_;
};

template <Fault fault>
AeadBackend Faulty() {
  return {.name = "faulty", .version = "0", .make = [](AeadId id, ByteSpan key) {
            return std::unique_ptr<const AeadKey>(
                std::make_unique<FaultyKey<fault>>(OpensslAeadBackend().make(id, key)));
          }};
}

AeadBackend WithoutAny() {
  return {.name = "none", .version = "0", .make = [](AeadId, ByteSpan) {
            return std::unique_ptr<const AeadKey>();
          }};
}

TEST(AeadChoiceTest, WhatIsWrongDoesNotWork) {
  EXPECT_TRUE(AeadBackendWorks(OpensslAeadBackend(), kId));
  EXPECT_TRUE(AeadBackendWorks(Faulty<Fault::kSlow>(), kId));
  EXPECT_FALSE(AeadBackendWorks(Faulty<Fault::kWrongTag>(), kId));
  EXPECT_FALSE(AeadBackendWorks(Faulty<Fault::kOpensAnything>(), kId));
  EXPECT_FALSE(AeadBackendWorks(WithoutAny(), kId));
}

// Whether a library is to serve `id` on this machine: no library is lost without a test that says
// so. ipsec-mb may be absent where the processor lacks what it needs.
bool IsExpected(const AeadBackend& backend, AeadId id) {
  if (backend.name == "openssl") return true;
  if (backend.name == "libsodium") return id == AeadId::kChaCha20Poly1305;
#ifdef __x86_64__
  if (backend.name == "ipsec-mb") {
    return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0 &&
           __builtin_cpu_supports("sse4.2") != 0;
  }
#endif
  ADD_FAILURE() << "say here what " << backend.name << " has";
  return false;
}

TEST(AeadChoiceTest, EveryLibraryOfThisBuildWorksWhereTheProcessorLetsIt) {
  for (const AeadBackend& backend : AeadBackends()) {
    for (const AeadId id : testing::kAllAeads) {
      EXPECT_EQ(AeadBackendWorks(backend, id), IsExpected(backend, id))
          << backend.name << " " << backend.version << ", " << NameOf(id);
    }
  }
}

// Only OpenSSL made slow is right on all lengths, so anything else must have been found out.
TEST(AeadChoiceTest, WhatIsWrongIsNotChosenHoweverFast) {
  for (const AeadBackend& faulty :
       {Faulty<Fault::kWrongTag>(), Faulty<Fault::kWrongWhenLong>(),
        Faulty<Fault::kOpensAnything>(), Faulty<Fault::kLeavesLastByte>(), WithoutAny()}) {
    const std::vector<AeadBackend> backends = {Faulty<Fault::kSlow>(), faulty};
    EXPECT_EQ(&FastestAeadBackend(kId, backends), &backends[0]);
  }
}

TEST(AeadChoiceTest, TheFastestIsChosenWhereverItStands) {
  const std::vector<AeadBackend> first = {OpensslAeadBackend(), Faulty<Fault::kSlow>()};
  EXPECT_EQ(&FastestAeadBackend(kId, first), &first[0]);
  const std::vector<AeadBackend> last = {Faulty<Fault::kSlow>(), OpensslAeadBackend()};
  EXPECT_EQ(&FastestAeadBackend(kId, last), &last[1]);
}

TEST(AeadChoiceTest, WithNoneThatWorksTheProgramEnds) {
  const std::vector<AeadBackend> backends = {Faulty<Fault::kWrongTag>()};
  EXPECT_DEATH((void)FastestAeadBackend(kId, backends), "candidates");
}

TEST(AeadChoiceTest, TheLibraryIsOneOfThisBuildAndStaysTheSame) {
  for (const AeadId id : testing::kAllAeads) {
    const std::string library = AeadLibrary(id);
    const auto backends = testing::BackendsOf(id);
    EXPECT_TRUE(std::any_of(backends.begin(), backends.end(), [&](const auto& each) {
      return absl::StartsWith(library, each.backend + " ");
    })) << library;
    EXPECT_EQ(AeadLibrary(id), library);
  }
}

TEST(AeadChoiceTest, ForcedWhereTheBackendHasTheAead) {
  const std::string otherwise = AeadLibrary(AeadId::kAes256Gcm);
  {
    const ForcedAeadBackend forced("libsodium");
    EXPECT_TRUE(absl::StartsWith(AeadLibrary(AeadId::kChaCha20Poly1305), "libsodium "));
    EXPECT_EQ(AeadLibrary(AeadId::kAes256Gcm), otherwise);
    EXPECT_DEATH(ForcedAeadBackend("openssl"), "Forced");
  }
  EXPECT_EQ(AeadLibrary(AeadId::kAes256Gcm), otherwise);
  EXPECT_DEATH(ForcedAeadBackend("nobody"), "found");
}

}  // namespace
}  // namespace sealfold
