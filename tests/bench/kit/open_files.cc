#include "tests/bench/kit/open_files.h"

#include <sys/resource.h>

#include "protocol/base/error.h"

namespace sealfold::bench {

void RaiseOpenFiles() {
  rlimit limit = {};
  SEALFOLD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  SEALFOLD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

}  // namespace sealfold::bench
