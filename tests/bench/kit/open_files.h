// As many open files as the system lets this process have: each connection of a bench is one.
#ifndef SEALFOLD_TESTS_BENCH_KIT_OPEN_FILES_H_
#define SEALFOLD_TESTS_BENCH_KIT_OPEN_FILES_H_

namespace sealfold::bench {

void RaiseOpenFiles();

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_OPEN_FILES_H_
