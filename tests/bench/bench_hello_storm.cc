// A hundred thousand hellos at once, as fast as one aggregator takes them: the real state machine
// in this process, with a platform that makes a document in a fifth of a second on a thread of its
// own, as an NSM does. What each waits, from its hello to its offer, beside two documents' time:
// the one under way when it comes and its own.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/core/round/aggregator.h"
#include "aggregator/core/testing/sample_host.h"
#include "aggregator/enclave/attester_thread.h"
#include "attest/software/server/softnsm.h"
#include "attest/software/software_verifier.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/wall_clock.h"
#include "protocol/testing/temp_dir.h"
#include "tests/bench/bench.h"

namespace sealfold::bench {
namespace {

constexpr size_t kParticipants = 1000;  // each says hello from many sessions
constexpr size_t kMessagesPerTurn = 64;
constexpr size_t kCheckedEvery = 64;
constexpr double kRatioMost = 3;

struct Storm {
  size_t hellos;
  std::chrono::milliseconds document;
};

// sealfold-softnsm's documents, no faster than one in `pace`.
class SlowPlatform final : public Attester {
 public:
  SlowPlatform(std::chrono::milliseconds pace, Authority authority)
      : pace_(pace), softnsm_(std::move(authority), "bench") {}
  absl::string_view platform() const override { return kSoftwarePlatform; }
  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) override {
    const auto ready = std::chrono::steady_clock::now() + pace_;
    NsmAttestationRequest request;
    request.nonce = ToBytes(nonce);
    request.user_data = ToBytes(user_data);
    request.public_key = ToBytes(public_key);
    const Bytes answer = softnsm_.Answer(
        EncodeNsmRequest(request),
        []() -> absl::StatusOr<Measurement> { return Sha384(AsBytes("program")); }, WallMs());
    SEALFOLD_ASSIGN_OR_RETURN(const NsmResponse response, ParseNsmResponse(answer));
    const auto* made = std::get_if<NsmAttestationResponse>(&response);
    SEALFOLD_CHECK(made != nullptr);
    ++documents_;
    std::this_thread::sleep_until(ready);
    return made->document;
  }
  EvidencePolicy Policy() const {
    return {.platform = std::string(kSoftwarePlatform),
            .root_pem = softnsm_.root().Pem(),
            .reference_values = {
                {.name = "bench", .registers = {{0, ToBytes(Sha384(AsBytes("program")).span())}}}}};
  }
  size_t documents() const { return documents_; }

 private:
  std::chrono::milliseconds pace_;
  Softnsm softnsm_;
  std::atomic<size_t> documents_ = 0;
};

class Run {
 public:
  Run(const Storm& storm, Authority authority)
      : storm_(storm), platform_(storm.document, std::move(authority)) {
    asked_at_.resize(storm.hellos);
    waited_.resize(storm.hellos);
  }

  // Seconds that each waited, in order of their hellos.
  const std::vector<double>& Once() {
    AttesterThread attester(platform_);
    Actions actions;
    const auto seed = [] { return testing::SeedOf("round"); };
    aggregator_.OnMessage({}, ToMessage(run_.FirstStart()), 0, seed, actions);
    size_t said = 0;
    while (answered_ < storm_.hellos) {
      for (size_t i = 0; i < kMessagesPerTurn && said < storm_.hellos; ++i, ++said) {
        const Message hello = HelloOf(said);
        asked_at_[said] = NowSeconds(Clock::kWall);
        aggregator_.OnMessage(ToBytes(AsBytes(absl::StrCat(said))), hello, 0, seed, actions);
      }
      while (auto answer = attester.Take()) {
        aggregator_.OnEvidence(answer->token, std::move(answer->evidence), 0, actions);
      }
      if (aggregator_.next_tick_ms() == 0) aggregator_.OnTick(0, actions);
      Do(actions, attester);
    }
    return waited_;
  }

  // What a participant checks, of every kCheckedEvery-th answer.
  void CheckAnswers() const {
    for (const auto& [i, head] : kept_) {
      const Offer offer = testing::As<Offer>({.head = head, .bulk = {}});
      const Digest binding = offer.binding.digest();
      EvidenceExpectation expected{.nonce = ToBytes(NonceOf(i).span()),
                                   .user_data = ToBytes(binding.span()),
                                   .check_freshness = false};
      if (offer.batch.has_value()) {
        const NoncePath& batch = *offer.batch;
        SEALFOLD_CHECK(CheckNoncePath(NonceOf(i), batch).ok());
        expected.nonce = ToBytes(batch.root.span());
        expected.user_data = ToBytes(
            NonceBatch{.binding = binding, .root = batch.root, .size = batch.size}.digest().span());
      }
      SEALFOLD_CHECK(VerifyEvidence(offer.evidence, platform_.Policy(), expected).passed());
    }
  }
  size_t documents() const { return platform_.documents(); }

 private:
  static SessionNonce NonceOf(size_t i) {
    return *SessionNonce::From(Sha256(AsBytes(absl::StrCat("nonce ", i))).span());
  }
  Message HelloOf(size_t i) const {
    return ToMessage(Hello{.plan = run_.signed_plan.digest,
                           .participant = run_.parties[i % kParticipants].key.public_key(),
                           .nonce = NonceOf(i)});
  }
  void Do(Actions& actions, AttesterThread& attester) {
    for (Action& action : actions) {
      if (auto* ask = std::get_if<AskEvidence>(&action)) {
        attester.Ask(std::move(*ask));
      } else if (auto& send = std::get<SendMessage>(action); !send.session.empty()) {
        const size_t i = std::stoul(std::string(AsText(send.session)));
        waited_[i] = NowSeconds(Clock::kWall) - asked_at_[i];
        if (i % kCheckedEvery == 0) kept_.emplace_back(i, std::move(send.message.head));
        ++answered_;
      }
    }
    actions.clear();
  }

  const Storm storm_;
  const testing::SampleRun run_ = testing::SampleRun::Make(kParticipants);
  SlowPlatform platform_;
  Aggregator aggregator_{"bench", std::string(kSoftwarePlatform)};
  std::vector<double> asked_at_;
  std::vector<double> waited_;
  std::vector<std::pair<size_t, Bytes>> kept_;
  size_t answered_ = 0;
};

absl::Status BenchHelloStorm(const Report& report) {
  constexpr int kRepeatsMax = 3;
  constexpr size_t kHellos = 100'000;
  constexpr size_t kHellosTiny = 500;
  const Storm storm = report.options().tiny
                          ? Storm{.hellos = kHellosTiny, .document = std::chrono::milliseconds(5)}
                          : Storm{.hellos = kHellos, .document = std::chrono::milliseconds(200)};
  Samples p50;
  Samples p99;
  size_t documents = 0;
  for (int repeat = 0; repeat < std::min(kRepeatsMax, report.options().repeats); ++repeat) {
    const TempDir directory;
    SEALFOLD_ASSIGN_OR_RETURN(Authority authority, Authority::Open(directory.Path("a"), WallMs()));
    Run run(storm, std::move(authority));
    std::vector<double> waited = run.Once();
    run.CheckAnswers();
    std::sort(waited.begin(), waited.end());
    p50.values.push_back(waited[waited.size() / 2]);
    p99.values.push_back(waited[waited.size() * 99 / 100]);
    documents = std::max(documents, run.documents());
  }
  const double two = 2 * std::chrono::duration<double>(storm.document).count();
  const std::string against =
      absl::StrCat("two documents' time of a platform that makes ", 1000 / storm.document.count(),
                   " a second: the one under way and its own");
  const LineExtra where{.where = {{"hellos", storm.hellos}, {"documents", documents}}};
  report.Line("hello_storm_p50", "s", p50, against, {{two}}, where);
  LineExtra bounded = where;
  bounded.goal = Goal{.kind = Goal::Kind::kAtMost, .ratio = kRatioMost};
  report.Line("hello_storm_p99", "s", p99, against, {{two}}, bounded);
  return absl::OkStatus();
}

const Registration kRegistration("attest/hello_storm",
                                 "a hundred thousand hellos to one aggregator and a slow platform",
                                 &BenchHelloStorm);

}  // namespace
}  // namespace sealfold::bench
