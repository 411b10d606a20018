// A small federated study for the end-to-end tests: three participants with known updates.
#ifndef SEALFOLD_TESTS_E2E_STUDY_H_
#define SEALFOLD_TESTS_E2E_STUDY_H_

#include <memory>
#include <string>
#include <vector>

#include "examples/federation/federation.h"
#include "protocol/model/tensor.h"
#include "protocol/testing/temp_dir.h"
#include "tests/e2e/relay.h"

namespace sealfold {

struct KnownStudySetup {
  uint64_t rounds = 2;
  uint64_t elements = 100'000;  // F32; 400 kB an update
  std::string delivery = "public";
  uint64_t attempts_max = 3;
  uint64_t policy_attempts_max = 3;
  uint64_t chunk_bytes = 4096;
  bool zeros = false;                // sparse updates; the models stay the initial one
  uint64_t staging_bytes_max = 0;    // 0: the plan's default
  std::string update_encoding = {};  // JSON; empty: none
};

// The folder goes with the object. Every call fails the test (as a fatal GoogleTest failure) where
// it cannot be done.
class KnownStudy {
 public:
  static constexpr size_t kParticipants = 3;

  explicit KnownStudy(const KnownStudySetup& setup);
  ~KnownStudy();
  KnownStudy(const KnownStudy&) = delete;
  KnownStudy& operator=(const KnownStudy&) = delete;

  Federation& federation() { return *federation_; }
  // Starts coordinator and aggregator, launches; participants come with Join.
  void Start();
  // (Re)starts this participant's join, through `relay` if there is one.
  void Join(size_t participant);
  void set_relay(const Relay* relay) { relay_ = relay; }
  ChildProcess& participant(size_t i) { return *participants_[i]; }
  // Waits for all participants to end by themselves with exit code 0. One that gives up on the
  // network is started again, as whoever runs it would, up to `restarts_max` times in all.
  void Finish(int restarts_max = 0);

  // What `round` must publish, to the byte, computed by other code than the aggregator's.
  Bytes ExpectedModel(uint64_t round) const;
  Bytes PublishedModel(uint64_t round) const;
  std::string ModelPath(uint64_t round) const;
  // The attempt in a round's record.
  uint64_t RecordedAttempt(uint64_t round) const;
  // `verify` of the last model and all records: its exit code.
  int Verify() const;
  // Every published model is the expected one, and the chain of records verifies.
  void ExpectRightModels() const;

 private:
  std::string Log() const;
  KnownStudySetup setup_;
  TempDir directory_;
  std::optional<Federation> federation_;
  const Relay* relay_ = nullptr;
  std::array<std::optional<ChildProcess>, kParticipants> participants_;
};

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_E2E_STUDY_H_
