#include "aggregator/enclave/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sealfold {
namespace {

TEST(WorkerPoolTest, DoesEachTaskOnceAndNeverTwoWithOneWorker) {
  for (const size_t count : {1, 2, 3, 8}) {
    WorkerPool pool(count);
    ASSERT_EQ(pool.count(), count);
    for (const size_t tasks : {0, 1, 2, 7, 500}) {
      std::vector<std::atomic<int>> done(tasks);
      std::vector<std::atomic<int>> busy(count);
      std::atomic<bool> overlapped = false;
      pool.Run(tasks, [&](size_t worker, size_t task) {
        if (busy.at(worker)++ != 0) overlapped = true;
        ++done.at(task);
        --busy.at(worker);
      });
      EXPECT_FALSE(overlapped) << count << " workers, " << tasks << " tasks";
      for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
    }
  }
}

TEST(WorkerPoolTest, WhatWorkersWroteIsSeenAfterwards) {
  WorkerPool pool(4);
  std::vector<int> out(10'000);
  for (int round = 1; round <= 20; ++round) {
    pool.Run(out.size(), [&](size_t, size_t task) { out[task] = round; });
    EXPECT_EQ(std::count(out.begin(), out.end(), round), static_cast<int64_t>(out.size()));
  }
}

}  // namespace
}  // namespace sealfold
