// Sealing and opening chunks of an update, beside the cipher alone: in this process, and as
// `openssl speed` measures it on the same core.
#include <openssl/evp.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/hpke.h"
#include "protocol/program/child_process.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/raw_evp.h"

namespace sealfold::bench {
namespace {

constexpr size_t kChunkBytes = 65536;
constexpr double kGigabyte = 1e9;
constexpr char kUnit[] = "GB/s";

// Bytes per second by `openssl speed`, whose machine-readable result is
// "+F:NUMBER:NAME:BYTES_PER_SECOND".
absl::StatusOr<double> OpensslSpeedOnce() {
  SEALFOLD_ASSIGN_OR_RETURN(const ProgramResult result,
                            RunToEnd({"openssl", "speed", "-evp", "aes-256-gcm", "-bytes", "16384",
                                      "-seconds", "1", "-mr"},
                                     {.err = ChildProcess::Stream::kNull}));
  for (absl::string_view line : absl::StrSplit(result.out, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ':');
    double rate = 0;
    if (parts.size() == 4 && parts[0] == "+F" && absl::SimpleAtod(parts[3], &rate)) return rate;
  }
  return PeerError({.code = "openssl_speed_unreadable",
                    .what = "output of `openssl speed -evp aes-256-gcm -mr`",
                    .expected = "a line +F:NUMBER:NAME:BYTES_PER_SECOND",
                    .found = result.out.substr(0, 200)});
}

absl::StatusOr<Samples> OpensslSpeed(int repeats) {
  Samples out;
  for (int i = 0; i < repeats; ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(const double rate, OpensslSpeedOnce());
    out.values.push_back(rate / kGigabyte);
  }
  return out;
}

absl::Status BenchSuite(const Report& report, AeadId id, absl::string_view suite,
                        const Samples& openssl_speed) {
  const HpkeKeyPair recipient = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
  SEALFOLD_ASSIGN_OR_RETURN(
      const HpkeContext sender,
      HpkeContext::SetupSender(id, recipient.public_key(), AsBytes("bench"),
                               HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize))));
  SEALFOLD_ASSIGN_OR_RETURN(
      const HpkeContext receiver,
      HpkeContext::SetupReceiver(id, sender.enc(), recipient, AsBytes("bench")));

  Bytes plaintext(kChunkBytes);
  FillRandom(absl::MakeSpan(plaintext));
  Bytes sealed(kChunkBytes + kAeadTagSize);
  Bytes opened(kChunkBytes);
  const ByteSpan aad = AsBytes("index and last");
  uint64_t seq = 0;
  sender.Seal(seq, aad, plaintext, absl::MakeSpan(sealed));
  const Bytes first_sealed = sealed;

  RawEvp raw(EVP_aes_256_gcm(), kChunkBytes);
  const double work = kChunkBytes / kGigabyte;
  const std::vector<Samples> rates = MeasureRates(
      report.options(), Clock::kThreadCpu,
      {{.call = [&] { raw.EncryptChunk(); }, .work = work},
       {.call = [&] { sender.Seal(++seq, aad, plaintext, absl::MakeSpan(sealed)); }, .work = work},
       {.call =
            [&] {
              SEALFOLD_CHECK(receiver.Open(0, aad, first_sealed, absl::MakeSpan(opened)).ok());
            },
        .work = work}});

  const char* const verbs[] = {"seal", "open"};
  for (size_t i = 0; i < 2; ++i) {
    const std::string name = absl::StrCat("hpke_chunk_", verbs[i], "_64KiB_", suite);
    report.Line(name, kUnit, rates[i + 1], "raw AES-256-GCM by EVP, same process and core",
                rates[0]);
    report.Line(name, kUnit, rates[i + 1], "openssl speed -evp aes-256-gcm -bytes 16384",
                openssl_speed);
  }
  return absl::OkStatus();
}

absl::Status BenchCrypto(const Report& report) {
  const OneCore one_core;
  SEALFOLD_ASSIGN_OR_RETURN(const Samples openssl_speed,
                            OpensslSpeed(report.options().tiny ? 1 : 3));
  SEALFOLD_RETURN_IF_ERROR(BenchSuite(report, AeadId::kAes256Gcm, "aes256gcm", openssl_speed));
  return BenchSuite(report, AeadId::kChaCha20Poly1305, "chacha20poly1305", openssl_speed);
}

const Registration kRegistration("crypto/seal", "sealing and opening chunks beside raw AES-256-GCM",
                                 &BenchCrypto);

}  // namespace
}  // namespace sealfold::bench
