#include "protocol/crypto/aead/choice.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16.
constexpr char kGcmNonce[] = "cafebabefacedbaddecaf888";
constexpr char kGcmAad[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr char kGcmPlaintext[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";

struct Vector {
  Bytes key;
  Bytes nonce;
  Bytes aad;
  Bytes plaintext;
  Bytes sealed;
};

Bytes Hex(absl::string_view hex) { return HexDecode(hex).value(); }

Vector PublishedVector(AeadId id) {
  switch (id) {
    case AeadId::kAes128Gcm:
      return {.key = Hex("feffe9928665731c6d6a8f9467308308"),
              .nonce = Hex(kGcmNonce),
              .aad = Hex(kGcmAad),
              .plaintext = Hex(kGcmPlaintext),
              .sealed = Hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                            "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
                            "5bc94fbc3221a5db94fae95ae7121a47")};
    case AeadId::kAes256Gcm:
      return {.key = Hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
              .nonce = Hex(kGcmNonce),
              .aad = Hex(kGcmAad),
              .plaintext = Hex(kGcmPlaintext),
              .sealed = Hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                            "76fc6ece0f4e1768cddf8853bb2d551b")};
    case AeadId::kChaCha20Poly1305:  // RFC 8439, section 2.8.2
      return {.key = Hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
              .nonce = Hex("070000004041424344454647"),
              .aad = Hex("50515253c0c1c2c3c4c5c6c7"),
              .plaintext = ToBytes(AsBytes("Ladies and Gentlemen of the class of '99: If I could "
                                           "offer you only one tip for the future, sunscreen would "
                                           "be it.")),
              .sealed = Hex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                            "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                            "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                            "3ff4def08e4b7a9de576d26586cec64b6116"
                            "1ae10b594f09e26a7e902ecbd0600691")};
  }
  return {};
}

// A key for self-tests and timing, and what is sealed with it; nothing of it is secret.
struct Trial {
  explicit Trial(AeadId id)
      : key(AeadKeySize(id), 0x5a), nonce(kAeadNonceSize, 0xa5), plaintext(kAeadTimedBytes) {
    uint32_t state = 1;
    for (uint8_t& byte : plaintext) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<uint8_t>(state >> 24);
    }
  }

  Bytes Seal(const AeadKey& by, size_t size) const {
    Bytes sealed(size + kAeadTagSize);
    by.Seal(nonce, aad, ByteSpan(plaintext).first(size), absl::MakeSpan(sealed));
    return sealed;
  }

  Bytes key;
  Bytes nonce;
  ByteSpan aad = AsBytes("whatever is known to both");
  Bytes plaintext;
};

// Around the widths that vector code works in: blocks of 16 or 64 bytes, 16, 32 or 48 at a time.
constexpr size_t kSizes[] = {0,   1,   15,  16,  17,   64,   127,  128,  129,  255,
                             256, 257, 511, 767, 1024, 4095, 4096, 8209, 16385};

bool Agree(const AeadKey& one, const AeadKey& other, const Trial& trial) {
  return std::all_of(std::begin(kSizes), std::end(kSizes), [&](size_t size) {
    const Bytes sealed = trial.Seal(one, size);
    Bytes opened(size);
    return trial.Seal(other, size) == sealed &&
           other.Open(trial.nonce, trial.aad, sealed, absl::MakeSpan(opened)) &&
           std::equal(opened.begin(), opened.end(), trial.plaintext.begin());
  });
}

struct Candidate {
  const AeadBackend* backend;
  std::unique_ptr<const AeadKey> key;
  std::chrono::nanoseconds best = std::chrono::nanoseconds::max();
};

// The least of a few times each, taking turns: what else the machine does only ever adds.
void TimeAll(std::vector<Candidate>& candidates, const Trial& trial) {
  constexpr int kRepeats = 6;
  const Bytes sealed = trial.Seal(*candidates.front().key, kAeadTimedBytes);
  Bytes opened(kAeadTimedBytes);
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    for (Candidate& candidate : candidates) {
      const auto start = std::chrono::steady_clock::now();
      const bool fits = candidate.key->Open(trial.nonce, trial.aad, sealed, absl::MakeSpan(opened));
      const auto took = std::chrono::steady_clock::now() - start;
      if (fits && opened == trial.plaintext) candidate.best = std::min(candidate.best, took);
    }
  }
}

std::atomic<const AeadBackend*>& Forced() {
  static std::atomic<const AeadBackend*> forced = nullptr;
  return forced;
}

bool Has(const AeadBackend& backend, AeadId id) {
  return backend.make(id, Bytes(AeadKeySize(id))) != nullptr;
}

}  // namespace

absl::Span<const AeadBackend> AeadBackends() {
  static const auto* const backends = new std::vector<AeadBackend>{OpensslAeadBackend(),
#ifdef SEALFOLD_IPSEC_MB
                                                                   IpsecMbAeadBackend(),
#endif
                                                                   SodiumAeadBackend()};
  return *backends;
}

bool AeadBackendWorks(const AeadBackend& backend, AeadId id) {
  const Vector vector = PublishedVector(id);
  const std::unique_ptr<const AeadKey> key = backend.make(id, vector.key);
  if (key == nullptr) return false;
  Bytes sealed(vector.sealed.size());
  key->Seal(vector.nonce, vector.aad, vector.plaintext, absl::MakeSpan(sealed));
  if (sealed != vector.sealed) return false;
  Bytes opened(vector.plaintext.size());
  if (!key->Open(vector.nonce, vector.aad, sealed, absl::MakeSpan(opened))) return false;
  if (opened != vector.plaintext) return false;
  sealed.back() ^= 1;
  return !key->Open(vector.nonce, vector.aad, sealed, absl::MakeSpan(opened));
}

const AeadBackend& FastestAeadBackend(AeadId id, absl::Span<const AeadBackend> backends) {
  const Trial trial(id);
  std::vector<Candidate> candidates;
  for (const AeadBackend& backend : backends) {
    if (!AeadBackendWorks(backend, id)) continue;
    std::unique_ptr<const AeadKey> key = backend.make(id, trial.key);
    if (!candidates.empty() && !Agree(*candidates.front().key, *key, trial)) continue;
    candidates.push_back({.backend = &backend, .key = std::move(key)});
  }
  SEALFOLD_CHECK(!candidates.empty());
  TimeAll(candidates, trial);
  const Candidate& fastest =
      *std::min_element(candidates.begin(), candidates.end(),
                        [](const Candidate& a, const Candidate& b) { return a.best < b.best; });
  SEALFOLD_CHECK(fastest.best != std::chrono::nanoseconds::max());
  return *fastest.backend;
}

const AeadBackend& ChosenAeadBackend(AeadId id) {
  if (const AeadBackend* forced = Forced(); forced != nullptr && Has(*forced, id)) return *forced;
  switch (id) {
    case AeadId::kAes128Gcm: {
      static const AeadBackend& aes128 = FastestAeadBackend(id, AeadBackends());
      return aes128;
    }
    case AeadId::kAes256Gcm: {
      static const AeadBackend& aes256 = FastestAeadBackend(id, AeadBackends());
      return aes256;
    }
    case AeadId::kChaCha20Poly1305:
      break;
  }
  static const AeadBackend& chacha = FastestAeadBackend(id, AeadBackends());
  return chacha;
}

ForcedAeadBackend::ForcedAeadBackend(absl::string_view name) {
  const absl::Span<const AeadBackend> all = AeadBackends();
  const auto* const found = std::find_if(
      all.begin(), all.end(), [&](const AeadBackend& backend) { return backend.name == name; });
  SEALFOLD_CHECK(found != all.end() && Forced() == nullptr);
  Forced() = found;
}

ForcedAeadBackend::~ForcedAeadBackend() { Forced() = nullptr; }

}  // namespace sealfold
