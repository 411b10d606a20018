// Every backend against every other: what one seals the others seal to the same bytes and open.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <random>

#include "protocol/testing/aead_backends.h"

namespace sealfold {
namespace {

using testing::AeadOfBackend;

constexpr size_t kStartMax = 64;  // where a message starts, past an aligned address

class BackendsAgreeTest : public ::testing::TestWithParam<AeadId> {
 protected:
  BackendsAgreeTest() {
    RecordProperty("seed", std::to_string(seed_));
    const Bytes key = Draw(AeadKeySize(GetParam()));
    for (const AeadOfBackend& each : testing::BackendsOf(GetParam())) {
      names_.push_back(each.backend);
      aeads_.push_back(each.Make(key));
    }
  }

  Bytes Draw(size_t size) {
    Bytes out(size);
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(random_());
    return out;
  }
  size_t Below(size_t bound) { return random_() % bound; }

  // The first backend's sealed bytes are the reference. Each seals and opens, from one place to
  // another and in place, at starts of its own.
  void Check(size_t size, size_t aad_size) {
    const Bytes nonce = Draw(kAeadNonceSize);
    const Bytes aad = Draw(aad_size);
    const Bytes plaintext = Draw(size);
    Bytes sealed(size + kAeadTagSize);
    aeads_.front().Seal(nonce, aad, plaintext, absl::MakeSpan(sealed));
    for (size_t i = 0; i < aeads_.size(); ++i) {
      SCOPED_TRACE(::testing::Message() << names_[i] << ", " << size << " bytes, aad of "
                                        << aad_size << ", seed " << seed_);
      const Aead& aead = aeads_[i];
      Bytes from(kStartMax + sealed.size());
      Bytes to(kStartMax + sealed.size());
      const MutableByteSpan in = absl::MakeSpan(from).subspan(Below(kStartMax), sealed.size());
      const MutableByteSpan out = absl::MakeSpan(to).subspan(Below(kStartMax), sealed.size());

      std::copy(plaintext.begin(), plaintext.end(), in.begin());
      aead.Seal(nonce, aad, ByteSpan(in).first(size), out);
      ASSERT_TRUE(ByteSpan(out) == ByteSpan(sealed)) << "sealed to another place";
      aead.Seal(nonce, aad, ByteSpan(in).first(size), in);
      ASSERT_TRUE(ByteSpan(in) == ByteSpan(sealed)) << "sealed in place";

      ASSERT_TRUE(aead.Open(nonce, aad, in, out.first(size)).ok());
      ASSERT_TRUE(ByteSpan(out.first(size)) == ByteSpan(plaintext)) << "opened to another place";
      ASSERT_TRUE(aead.Open(nonce, aad, in, in.first(size)).ok());
      ASSERT_TRUE(ByteSpan(in.first(size)) == ByteSpan(plaintext)) << "opened in place";
    }
  }

  const uint64_t seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  std::vector<std::string> names_;
  std::vector<Aead> aeads_;
};

INSTANTIATE_TEST_SUITE_P(All, BackendsAgreeTest, ::testing::ValuesIn(testing::kAllAeads),
                         [](const auto& instance) { return NameOf(instance.param); });

TEST_P(BackendsAgreeTest, OnEveryLengthUpToAPage) {
  for (size_t size = 0; size <= 4096 && !HasFatalFailure(); ++size) Check(size, Below(80));
}

TEST_P(BackendsAgreeTest, OnEveryLengthOfAssociatedData) {
  for (size_t size = 0; size <= 1024 && !HasFatalFailure(); ++size) Check(Below(100), size);
}

TEST_P(BackendsAgreeTest, OnLongMessages) {
  for (int i = 0; i < 40 && !HasFatalFailure(); ++i) Check(4096 + Below(1 << 18), Below(5000));
  // Past 2^16 blocks, where two bytes of the counter overflow.
  Check((1 << 20) + 4096 + Below(1000), 40);
  Check((5 << 20) + Below(1000), 40);
}

// Readable pages between two that nobody may touch.
class GuardedPages {
 public:
  explicit GuardedPages(size_t pages) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    size_ = pages * page_;
    base_ = static_cast<uint8_t*>(mmap(nullptr, size_ + 2 * page_, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(mprotect(base_, page_, PROT_NONE), 0);
    EXPECT_EQ(mprotect(base_ + page_ + size_, page_, PROT_NONE), 0);
  }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;
  ~GuardedPages() { munmap(base_, size_ + 2 * page_); }
  MutableByteSpan span() { return MutableByteSpan(base_ + page_, size_); }

 private:
  size_t page_;
  size_t size_ = 0;
  uint8_t* base_ = nullptr;
};

// Vector code that looks a byte past what it was given would fault here.
TEST_P(BackendsAgreeTest, NothingOutsideOfTheMessageIsTouched) {
  GuardedPages in_pages(1);
  GuardedPages out_pages(1);
  GuardedPages aad_pages(1);
  for (size_t size = 0; size <= 600; ++size) {
    for (const bool at_end : {false, true}) {
      const auto place = [&](GuardedPages& pages, size_t bytes) {
        return at_end ? pages.span().last(bytes) : pages.span().first(bytes);
      };
      const MutableByteSpan in = place(in_pages, size + kAeadTagSize);
      const MutableByteSpan out = place(out_pages, size + kAeadTagSize);
      const MutableByteSpan plaintext = place(in_pages, size);
      const ByteSpan aad = place(aad_pages, size % 70);
      const Bytes nonce = Draw(kAeadNonceSize);
      for (size_t i = 0; i < aeads_.size(); ++i) {
        std::fill(plaintext.begin(), plaintext.end(), static_cast<uint8_t>(size));
        aeads_[i].Seal(nonce, aad, plaintext, out);
        const MutableByteSpan opened = place(in_pages, size);
        ASSERT_TRUE(aeads_[i].Open(nonce, aad, out, opened).ok()) << names_[i] << " " << size;
        aeads_[i].Seal(nonce, aad, ByteSpan(in).first(size), in);
        ASSERT_TRUE(aeads_[i].Open(nonce, aad, in, in.first(size)).ok())
            << names_[i] << " " << size;
      }
    }
  }
}

}  // namespace
}  // namespace sealfold
