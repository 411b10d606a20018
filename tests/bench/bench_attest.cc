// Verifying a real Nitro document: without a cache, under known issuers, and under a known leaf;
// beside what it cannot be faster than, the P-384 verifications that it is made of.
#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "attest/nitro/aws_root.h"
#include "attest/nitro/document.h"
#include "attest/verifier.h"
#include "attest/x509/chain_cache.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/raw_p384.h"

namespace sealfold::bench {
namespace {

constexpr size_t kSizeMax = 0x3000;
constexpr double kLeast = 0.9;
constexpr char kRaw[] = "raw ECDSA P-384 verifications by EVP of a digest, same run";

struct Subject {
  Bytes evidence;
  NitroDocument document;
  std::vector<Certificate> intermediates;
  EvidencePolicy policy;

  static absl::StatusOr<Subject> Read();
  void Verify(ChainCache* cache) const {
    SEALFOLD_CHECK(VerifyEvidence(evidence, policy, {.check_freshness = false}, cache).passed());
  }
  // As if documents of other machines of the fleet had been verified before.
  void VerifyUnderKnownIssuers() const {
    ChainCache cache;
    const auto time_s = static_cast<int64_t>(document.timestamp_ms / 1000);
    const Certificate* issuer = &AwsNitroRoot();
    for (const Certificate& certificate : intermediates) {
      cache.AddIssued(*issuer, certificate, time_s);
      issuer = &certificate;
    }
    Verify(&cache);
  }
};

absl::StatusOr<Subject> Subject::Read() {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string text,
                            ReadFile(SEALFOLD_TEST_DATA "/attestation/nsm-2022-10.cose", kSizeMax));
  Subject out;
  out.evidence = ToBytes(AsBytes(text));
  SEALFOLD_ASSIGN_OR_RETURN(out.document, ParseNitroDocument(out.evidence));
  for (size_t i = 1; i < out.document.cabundle.size(); ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(Certificate certificate,
                              Certificate::FromDer(out.document.cabundle[i]));
    out.intermediates.push_back(std::move(certificate));
  }
  out.policy = {
      .platform = "aws-nitro",
      .reference_values = {{.name = "bench", .registers = {{0, out.document.registers.at(0)}}}}};
  return out;
}

// `calls` on each of `threads` threads, with the thread's number.
void OnThreads(size_t threads, size_t calls, const std::function<void(size_t)>& call) {
  std::vector<std::thread> running;
  for (size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (size_t i = 0; i < calls; ++i) call(t);
    });
  }
  for (std::thread& thread : running) thread.join();
}

void BenchOneCore(const Report& report, const Subject& subject) {
  const OneCore one_core;
  RawP384 raw;
  ChainCache warm;
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kThreadCpu,
                   {{.call = [&] { raw.Verify(); }},
                    {.call = [&] { subject.Verify(nullptr); }},
                    {.call = [&] { subject.VerifyUnderKnownIssuers(); }},
                    {.call = [&] { subject.Verify(&warm); }}});
  const auto line = [&](const char* name, const Samples& samples, size_t verifications) {
    Samples bound = rates[0];
    for (double& rate : bound.values) rate /= static_cast<double>(verifications);
    report.Line(name, "1/s", samples,
                absl::StrCat(kRaw, ", / ", verifications, " that a document takes"), bound);
  };
  // Each certificate but the root's, and the document.
  line("evidence_verify_nitro", rates[1], subject.document.cabundle.size() + 1);
  line("evidence_verify_known_issuers", rates[2], 2);
  report.Line("evidence_verify_nitro", "1/s", rates[1], kRaw, rates[0]);
  report.Line("evidence_verify_known_leaf", "1/s", rates[3], kRaw, rates[0],
              {.goal = Goal{.kind = Goal::Kind::kAtLeast, .ratio = kLeast}});
}

// A cache that all threads share.
void BenchAllCores(const Report& report, const Subject& subject) {
  const size_t threads = std::max(1U, std::thread::hardware_concurrency());
  const size_t calls = report.options().tiny ? 1 : 64;
  const auto work = static_cast<double>(threads * calls);
  std::vector<RawP384> raw(threads);
  ChainCache warm;
  const std::vector<Samples> rates = MeasureRates(
      report.options(), Clock::kWall,
      {{.call = [&] { OnThreads(threads, calls, [&](size_t t) { raw[t].Verify(); }); },
        .work = work},
       {.call = [&] { OnThreads(threads, calls, [&](size_t) { subject.Verify(&warm); }); },
        .work = work}});
  report.Line("evidence_verify_all_cores", "1/s", rates[1], absl::StrCat(kRaw, ", as many threads"),
              rates[0],
              {.where = {{"threads", threads}},
               .goal = Goal{.kind = Goal::Kind::kAtLeast, .ratio = kLeast}});
}

absl::Status BenchAttest(const Report& report) {
  SEALFOLD_ASSIGN_OR_RETURN(const Subject subject, Subject::Read());
  BenchOneCore(report, subject);
  BenchAllCores(report, subject);
  return absl::OkStatus();
}

const Registration kRegistration("attest/verify", "verify a real Nitro document, beside raw P-384",
                                 &BenchAttest);

}  // namespace
}  // namespace sealfold::bench
