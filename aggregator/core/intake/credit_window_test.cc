#include "aggregator/core/intake/credit_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <utility>

namespace sealfold {
namespace {

constexpr uint64_t kChunkBytes = 65'536;
constexpr uint64_t kFirstWindow = kCreditBytes / kChunkBytes;

// A sender and an aggregator at the ends of a line, in steps of a millisecond.
struct Line {
  double chunks_per_ms;
  uint64_t one_way_ms;
  uint64_t pause_every = 0;  // chunks, after which the sender does nothing for so long:
  uint64_t pause_ms = 0;
};

struct Sent {
  uint64_t passed_ms;
  uint64_t window;
};

Sent Send(const Line& line, uint64_t chunks) {
  CreditWindow window(kChunkBytes);
  std::deque<std::pair<uint64_t, uint64_t>> coming;  // when, and up to which chunk
  std::deque<std::pair<uint64_t, uint64_t>> told;    // when, and the end of the credit
  uint64_t allowed = 0, sent = 0, next = 0, reported = 0;
  double capacity = 0;
  uint64_t resume_ms = 0, pauses = 0;
  const auto give = [&](uint64_t now_ms) {
    window.Give(next, now_ms);
    reported = next;
    told.emplace_back(now_ms + line.one_way_ms, next + window.chunks());
  };
  give(0);
  for (uint64_t now_ms = 0;; ++now_ms) {
    for (; !told.empty() && told.front().first <= now_ms; told.pop_front()) {
      allowed = std::max(allowed, told.front().second);
    }
    capacity = std::min(capacity, 1.0) + line.chunks_per_ms;
    if (now_ms >= resume_ms) {
      const uint64_t end = std::min({allowed, chunks, sent + static_cast<uint64_t>(capacity)});
      capacity -= static_cast<double>(end - sent);
      if (end > sent) coming.emplace_back(now_ms + line.one_way_ms, end);
      sent = end;
      if (line.pause_every > 0 && sent / line.pause_every > pauses) {
        ++pauses;
        resume_ms = now_ms + line.pause_ms;
      }
    }
    for (; !coming.empty() && coming.front().first <= now_ms; coming.pop_front()) {
      while (next < coming.front().second) {
        ++next;
        const bool grown = window.Take(next, now_ms);
        if (grown || next - reported >= window.chunks() / 2) give(now_ms);
      }
    }
    if (next == chunks) return {now_ms, window.chunks()};
  }
}

TEST(CreditWindowTest, FillsTheLineWhateverItsDelay) {
  for (const double chunks_per_ms : {0.2, 1.0, 2.0}) {  // 100 Mbit/s to 1 Gbit/s
    for (const uint64_t one_way_ms : {1, 5, 20, 50}) {
      const uint64_t chunks = 8000;
      const Sent sent = Send({chunks_per_ms, one_way_ms}, chunks);
      const double line_ms = static_cast<double>(chunks) / chunks_per_ms;
      EXPECT_LE(static_cast<double>(sent.passed_ms),
                1.02 * line_ms + 10 * static_cast<double>(one_way_ms))
          << chunks_per_ms << " " << one_way_ms << " " << sent.window;
      const double in_flight = chunks_per_ms * 2 * static_cast<double>(one_way_ms);
      EXPECT_LE(static_cast<double>(sent.window),
                std::max(2.5 * in_flight, static_cast<double>(kFirstWindow)))
          << chunks_per_ms << " " << one_way_ms;
    }
  }
}

TEST(CreditWindowTest, StaysWhereItBeganOnShortLines) {
  EXPECT_EQ(Send({16, 0}, 8000).window, kFirstWindow);    // 1 GB/s in one machine
  EXPECT_EQ(Send({2, 1}, 8000).window, kFirstWindow);     // 1 Gbit/s in one building
  EXPECT_EQ(Send({0.02, 10}, 500).window, kFirstWindow);  // 10 Mbit/s
}

TEST(CreditWindowTest, GrowsToItsBoundAndNoFurther) {
  EXPECT_EQ(Send({20, 50}, 50'000).window, kFirstWindow * kCreditGrowthMax);
}

TEST(CreditWindowTest, DoesNotGrowForASenderThatIsSlowItself) {
  EXPECT_EQ(Send({2, 10, 48, 500}, 2000).window, kFirstWindow);
}

TEST(CreditWindowTest, SmallChunksAreBoundedByTheirNumber) {
  EXPECT_EQ(CreditWindow(1024).chunks(), kCreditChunks);
  EXPECT_EQ(CreditWindow(kCreditBytes * 2).chunks(), 1u);
}

// As after a broken seal, twice.
TEST(CreditWindowTest, WhatIsSentAgainIsNotMeasured) {
  CreditWindow window(kChunkBytes);
  window.Give(0, 0);
  window.Take(1, 100);
  window.Give(kFirstWindow, 100);
  EXPECT_TRUE(window.Take(kFirstWindow + 1, 200));
  EXPECT_EQ(window.chunks(), 2 * kFirstWindow);
  window.Give(2 * kFirstWindow, 200);
  EXPECT_FALSE(window.Take(2 * kFirstWindow + 1, 300));
  for (uint64_t now_ms = 310; now_ms < 1000; now_ms += 100) {
    window.Give(0, now_ms);
    for (uint64_t next = 1; next <= 4 * kFirstWindow + 1; ++next) window.Take(next, now_ms + 50);
  }
  EXPECT_EQ(window.chunks(), 2 * kFirstWindow);
}

TEST(CreditWindowTest, ABurstWithinAMillisecondIsNoRate) {
  CreditWindow window(kChunkBytes);
  window.Give(0, 0);
  window.Take(1, 0);
  for (uint64_t now_ms = 0; now_ms < 5; ++now_ms) {
    window.Give((now_ms + 1) * kFirstWindow, now_ms);
    window.Take((now_ms + 1) * kFirstWindow + 1, now_ms + 1);
  }
  EXPECT_EQ(window.chunks(), kFirstWindow);
}

}  // namespace
}  // namespace sealfold
