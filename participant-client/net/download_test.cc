#include "participant-client/net/download.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

constexpr uint64_t kPartBytes = 100;

struct Answer {
  Part part;
  Bytes bulk;
};

Answer AnswerTo(const Message& question, const Bytes& file) {
  const GetRequest get = *cbor::DecodeFields<GetRequest>(question.head);
  const uint64_t end = std::min<uint64_t>(file.size(), get.offset + kPartBytes);
  return {{.what = get.what, .round = get.round, .offset = get.offset, .total = file.size()},
          Bytes(file.begin() + static_cast<ptrdiff_t>(get.offset),
                file.begin() + static_cast<ptrdiff_t>(end))};
}

Bytes FileOf(size_t size) {
  Bytes file(size);
  for (size_t i = 0; i < size; ++i) file[i] = static_cast<uint8_t>(i * 13 + i / 256);
  return file;
}

TEST(Download, GathersAFileOfAnySize) {
  for (size_t size : {1, 99, 100, 101, 400, 1234}) {
    const Bytes file = FileOf(size);
    Download download(FileKind::kModel, 3, 2000);
    Bytes got;
    int rounds = 0;
    while (!download.complete()) {
      ASSERT_LT(++rounds, 100);
      for (const Message& question : download.TakeQuestions()) {
        const Answer answer = AnswerTo(question, file);
        if (*download.Take(answer.part, answer.bulk)) Append(got, answer.bulk);
      }
    }
    EXPECT_EQ(got, file);
    EXPECT_TRUE(download.TakeQuestions().empty());
  }
}

TEST(Download, LossDoublingAndOrderDoNotMatter) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const Bytes file = FileOf(3333);
  for (int run = 0; run < 100; ++run) {
    Download download(FileKind::kRecord, 1, 5000);
    std::deque<Answer> under_way;
    Bytes got;
    for (int step = 0; step < 10'000 && !download.complete(); ++step) {
      for (const Message& question : download.TakeQuestions()) {
        if (random() % 4 != 0) under_way.push_back(AnswerTo(question, file));
      }
      if (under_way.empty()) {
        download.AskAgain();
        continue;
      }
      const size_t pick = random() % under_way.size();
      const Answer answer = under_way[pick];
      if (random() % 4 != 0) under_way.erase(under_way.begin() + static_cast<ptrdiff_t>(pick));
      auto taken = download.Take(answer.part, answer.bulk);
      ASSERT_TRUE(taken.ok());
      if (*taken) Append(got, answer.bulk);
    }
    ASSERT_EQ(got, file);
  }
}

TEST(Download, AHostThatContradictsItselfIsFoundOut) {
  const Part first{.what = FileKind::kModel, .round = 1, .offset = 0, .total = 200};
  const Bytes bulk(100);
  {
    Download download(FileKind::kModel, 1, 199);
    EXPECT_EQ(ErrorCode(download.Take(first, bulk).status()), "file_size_wrong");
  }
  {
    Download download(FileKind::kModel, 1, 1000);
    ASSERT_TRUE(*download.Take(first, bulk));
    Part next = first;
    next.offset = 100;
    next.total = 300;
    EXPECT_EQ(ErrorCode(download.Take(next, bulk).status()), "file_changed");
    next.total = 200;
    EXPECT_EQ(ErrorCode(download.Take(next, Bytes(101)).status()), "file_size_wrong");
    // What is late, doubled or of another file is not an error.
    EXPECT_FALSE(*download.Take(first, bulk));
    next.round = 2;
    EXPECT_FALSE(*download.Take(next, bulk));
    next.round = 1;
    next.what = FileKind::kRecord;
    EXPECT_FALSE(*download.Take(next, bulk));
    EXPECT_EQ(download.received_bytes(), 100u);
  }
  Download download(FileKind::kModel, 1, 1000);
  EXPECT_EQ(
      ErrorCode(download.Take({.what = FileKind::kModel, .round = 1, .offset = 0, .total = 0}, {})
                    .status()),
      "file_size_wrong");
}

}  // namespace
}  // namespace sealfold
