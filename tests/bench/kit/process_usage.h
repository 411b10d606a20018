// What processes used so far, from the kernel.
#ifndef SEALFOLD_TESTS_BENCH_KIT_PROCESS_USAGE_H_
#define SEALFOLD_TESTS_BENCH_KIT_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

namespace sealfold::bench {

// Processor time of a running process, all threads.
double CpuSeconds(pid_t pid);
// Processor time of this process's children that have ended and been waited for.
double EndedChildrenCpuSeconds();
// The most that a running process ever had in memory (VmHWM).
uint64_t PeakBytes(pid_t pid);
// What it has in memory now (VmRSS).
uint64_t ResidentBytes(pid_t pid);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_PROCESS_USAGE_H_
