// Opening chunks of several sizes by each library that this build has AEADs from, in cache and from
// memory; and by the one that is chosen, with one thread and with two.
#include <openssl/evp.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "protocol/base/error.h"
#include "protocol/crypto/aead/choice.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/raw_evp.h"
#include "tests/bench/kit/sealed_chunks.h"

namespace sealfold::bench {
namespace {

constexpr size_t kChunkKib[] = {4, 16, 32, 64, 256};
constexpr char kUnit[] = "GB/s";
constexpr char kAgainst[] = "the cipher alone by EVP: one message without end, in cache, same run";

struct Suite {
  AeadId id;
  std::string name;
  const EVP_CIPHER* cipher;
};

struct ByLibrary {
  std::string name;
  Aead aead;
};

std::vector<ByLibrary> AllLibraries(AeadId id, const SealedChunks& chunks) {
  std::vector<ByLibrary> out;
  for (const AeadBackend& backend : AeadBackends()) {
    if (!AeadBackendWorks(backend, id)) continue;
    const ForcedAeadBackend forced(backend.name);
    out.push_back(
        {.name = absl::StrReplaceAll(backend.name, {{"-", "_"}}), .aead = chunks.MakeAead()});
  }
  return out;
}

absl::Status BenchOneThread(const Report& report, const Suite& suite, size_t chunk_kib) {
  const OneCore one_core;
  const size_t chunk_bytes = chunk_kib << 10;
  SEALFOLD_ASSIGN_OR_RETURN(const SealedChunks chunks,
                            SealedChunks::Make(suite.id, chunk_bytes, StreamedBytes(report)));
  const std::vector<ByLibrary> libraries = AllLibraries(suite.id, chunks);
  RawEvp raw(suite.cipher, chunk_bytes);
  std::vector<Timed> competitors = {
      {.call = [&] { raw.EncryptChunk(); }, .work = static_cast<double>(chunk_bytes) / 1e9}};
  for (const ByLibrary& library : libraries) {
    competitors.push_back(chunks.OpenInCache(library.aead));
    competitors.push_back(chunks.OpenStreaming(library.aead, 1));
  }
  const std::vector<Samples> rates = MeasureRates(report.options(), Clock::kThreadCpu, competitors);
  size_t next = 1;
  for (const ByLibrary& library : libraries) {
    const std::string line =
        absl::StrCat("aead_open_", suite.name, "_", library.name, "_", chunk_kib, "KiB_");
    report.Line(line + "cache", kUnit, rates[next++], kAgainst, rates[0]);
    report.Line(line + "memory", kUnit, rates[next++], kAgainst, rates[0]);
  }
  return absl::OkStatus();
}

absl::Status BenchThreads(const Report& report, const Suite& suite) {
  constexpr size_t kKib = 32;
  SEALFOLD_ASSIGN_OR_RETURN(const SealedChunks chunks,
                            SealedChunks::Make(suite.id, kKib << 10, StreamedBytes(report)));
  const Aead aead = chunks.MakeAead();
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kWall,
                   {chunks.OpenStreaming(aead, 1), chunks.OpenStreaming(aead, 2)});
  report.Line(absl::StrCat("aead_open_", suite.name, "_best_", kKib, "KiB_memory_2threads"), kUnit,
              rates[1], "one thread, same run", rates[0]);
  return absl::OkStatus();
}

absl::Status BenchAead(const Report& report) {
  const Suite suites[] = {
      {.id = AeadId::kAes256Gcm, .name = "aes256gcm", .cipher = EVP_aes_256_gcm()},
      {.id = AeadId::kChaCha20Poly1305,
       .name = "chacha20poly1305",
       .cipher = EVP_chacha20_poly1305()}};
  for (const Suite& suite : suites) {
    for (const size_t chunk_kib : kChunkKib) {
      SEALFOLD_RETURN_IF_ERROR(BenchOneThread(report, suite, chunk_kib));
    }
    SEALFOLD_RETURN_IF_ERROR(BenchThreads(report, suite));
  }
  return absl::OkStatus();
}

const Registration kRegistration("crypto/aead",
                                 "opening chunks by each library, in cache and from memory",
                                 &BenchAead);

}  // namespace
}  // namespace sealfold::bench
