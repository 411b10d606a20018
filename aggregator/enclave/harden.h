// What a process that holds others' secrets asks of its system.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_HARDEN_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_HARDEN_H_

namespace sealfold {

struct Hardening {
  bool memory_locked = false;  // all of it, also what comes later
};

// No core dumps, no new privileges, and memory locked where the system's limit (RLIMIT_MEMLOCK)
// allows all of it; where not, secrets and staged updates are still locked each, as far as the
// limit goes. Called first thing.
//
// The process stays 'dumpable' (prctl PR_SET_DUMPABLE): sealfold-softnsm measures it by
// /proc/PID/exe, which the system refuses for a process that is not. On a platform that isolates
// the machine there is no one else to ask.
Hardening HardenProcess();

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_HARDEN_H_
