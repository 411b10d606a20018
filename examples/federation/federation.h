// A federation of real processes on one machine.
#ifndef SEALFOLD_EXAMPLES_FEDERATION_FEDERATION_H_
#define SEALFOLD_EXAMPLES_FEDERATION_FEDERATION_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/program/child_process.h"

namespace sealfold {

struct FederationSetup {
  std::string programs;                   // folder of the sealfold-* programs
  std::string directory;                  // exists; everything is written below it
  std::vector<std::string> participants;  // names, also of their folders
  std::string initial_model;              // path of a safetensors file
  std::string plan_json;                  // a plan without participants and initial model
  std::string policy_plan_json = "{}";    // what each policy asks of a plan
};

// Where things lie, below setup.directory:
//   platform/root.pem        coordinator.key, plan.json, policy.json (all participants' alike)
//   coordinator/             the host's public files: plan.cose, model-R.safetensors, record-R.cbor
//   NAME/key, NAME/state/    a participant's own
//   logs/PROGRAM.log         stderr of each
//
// Moves, does not copy. Processes still running when it goes are killed. One thread.
class Federation {
 public:
  // Makes keys, starts the platform, measures the aggregator, writes policies, signs the plan.
  static absl::StatusOr<Federation> Prepare(const FederationSetup& setup);

  // Starts or, after a kill, restarts the coordinator, on the same endpoint; waits until it is
  // ready.
  absl::Status StartCoordinator();
  // Added to what each `serve` is started with.
  void set_coordinator_arguments(std::vector<std::string> more) {
    coordinator_arguments_ = std::move(more);
  }
  void set_aggregator_arguments(std::vector<std::string> more) {
    aggregator_arguments_ = std::move(more);
  }
  // Instead of the platform's socket.
  void set_attester(const std::string& device) { attester_ = device; }
  // `program` empty: the build's own aggregator.
  absl::Status StartAggregator(const std::string& program = "");
  absl::Status Launch();
  // `sealfold-participant join` as the participant of this index; its stdout is JSON Lines if
  // `json`.
  absl::StatusOr<ChildProcess> Join(size_t participant, const std::string& train_command, bool json,
                                    const std::map<std::string, std::string>& environment = {});

  // `sealfold-participant submit` of one update file, likewise.
  absl::StatusOr<ChildProcess> Submit(size_t participant, const std::string& update_path,
                                      uint64_t weight);

  ChildProcess& coordinator() { return *coordinator_; }
  ChildProcess& aggregator() { return *aggregator_; }
  ChildProcess& platform() { return *platform_; }
  // tcp:// endpoint of the coordinator; valid after StartCoordinator.
  const std::string& endpoint() const { return endpoint_; }
  // Where participants connect instead, e.g. through a relay of a test's.
  void set_participant_endpoint(const std::string& endpoint) { participant_endpoint_ = endpoint; }

  std::string Path(const std::string& below) const { return setup_.directory + "/" + below; }
  std::string Program(const std::string& name) const { return setup_.programs + "/" + name; }
  // Runs a program of the build to its end.
  absl::StatusOr<ProgramResult> Run(const std::string& program,
                                    std::vector<std::string> arguments) const;

 private:
  explicit Federation(const FederationSetup& setup) : setup_(setup) {}
  absl::Status RunOrFail(const std::string& program, std::vector<std::string> arguments) const;
  absl::Status MakeKeys();
  absl::Status StartPlatform();
  absl::Status WritePolicy();
  absl::Status SignPlan();
  // Starts `program`, its stderr in logs/, and waits for its line that begins with "ready"; returns
  // that line.
  absl::StatusOr<std::string> StartReady(const std::string& program,
                                         std::vector<std::string> arguments,
                                         std::optional<ChildProcess>& process);
  // Starts `sealfold-participant VERB` as this participant, with `more` arguments.
  absl::StatusOr<ChildProcess> StartParticipant(
      size_t participant, const std::string& verb, const std::vector<std::string>& more,
      const std::map<std::string, std::string>& environment);

  FederationSetup setup_;
  std::string endpoint_;
  std::string participant_endpoint_;
  std::string attester_;
  std::vector<std::string> coordinator_arguments_;
  std::vector<std::string> aggregator_arguments_;
  std::optional<ChildProcess> platform_;
  std::optional<ChildProcess> coordinator_;
  std::optional<ChildProcess> aggregator_;
};

}  // namespace sealfold

#endif  // SEALFOLD_EXAMPLES_FEDERATION_FEDERATION_H_
