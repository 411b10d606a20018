// What a round's bytes cost the kernel alone, and new memory: nothing that runs as several
// processes on one machine goes below.
#ifndef SEALFOLD_TESTS_BENCH_KIT_KERNEL_HOPS_H_
#define SEALFOLD_TESTS_BENCH_KIT_KERNEL_HOPS_H_

#include <cstdint>

namespace sealfold::bench {

// Processor seconds of this process for `senders` threads that each write `bytes_each` to a TCP
// connection over loopback, a relay that reads them and writes them to a Unix socket, and a reader
// there; in pieces of 64 KiB that nobody looks at. As participants, host and aggregator do.
double TwoHopsCpuSeconds(uint64_t senders, uint64_t bytes_each);

// Processor seconds to write each page of as much new memory once, of huge pages where the system
// has them. A machine that is virtual takes memory that it never used from its host meanwhile,
// which is many times slower: call it once before what is measured.
double NewMemoryCpuSeconds(uint64_t size_bytes);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_KERNEL_HOPS_H_
