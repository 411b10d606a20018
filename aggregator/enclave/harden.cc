#include "aggregator/enclave/harden.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "protocol/base/error.h"

namespace sealfold {

Hardening HardenProcess() {
  const rlimit no_core = {0, 0};
  SEALFOLD_CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
  SEALFOLD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  rlimit lock{};
  SEALFOLD_CHECK(getrlimit(RLIMIT_MEMLOCK, &lock) == 0);
  lock.rlim_cur = lock.rlim_max;
  SEALFOLD_CHECK(setrlimit(RLIMIT_MEMLOCK, &lock) == 0);
  // Under a finite limit, locking whatever comes later would make allocations fail.
  return {.memory_locked = lock.rlim_cur == RLIM_INFINITY &&
                           mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0};
}

}  // namespace sealfold
