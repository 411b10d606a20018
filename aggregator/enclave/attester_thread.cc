#include "aggregator/enclave/attester_thread.h"

#include <sys/eventfd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

AttesterThread::AttesterThread(Attester& attester)
    : attester_(attester), ready_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {
  SEALFOLD_CHECK(ready_.get() >= 0);
  thread_ = std::thread([this] { Work(); });
}

AttesterThread::~AttesterThread() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  asked_.notify_one();
  thread_.join();
}

void AttesterThread::Ask(AskEvidence question) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (questions_.size() >= kQuestionsMax) {
      return Deliver(
          {.token = question.token,
           .evidence = Refused({.code = "attester_busy",
                                .what = "questions that wait for evidence",
                                .expected = absl::StrCat("fewer than ", kQuestionsMax),
                                .found = absl::StrCat(questions_.size()),
                                .advice = "start rounds no faster than evidence is made"})});
    }
    questions_.push_back(std::move(question));
  }
  asked_.notify_one();
}

std::optional<AttesterThread::Answer> AttesterThread::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::optional<Answer> answer;
  if (answers_.empty()) return answer;
  eventfd_t one = 0;
  SEALFOLD_CHECK(eventfd_read(ready_.get(), &one) == 0);
  answer.emplace(std::move(answers_.front()));
  answers_.pop_front();
  return answer;
}

void AttesterThread::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    asked_.wait(lock, [this] { return ending_ || !questions_.empty(); });
    if (ending_) return;
    const AskEvidence question = std::move(questions_.front());
    questions_.pop_front();
    lock.unlock();
    absl::StatusOr<Bytes> evidence =
        attester_.Attest(question.nonce, question.user_data, question.public_key);
    lock.lock();
    Deliver({.token = question.token, .evidence = std::move(evidence)});
  }
}

void AttesterThread::Deliver(Answer answer) {
  answers_.push_back(std::move(answer));
  SEALFOLD_CHECK(eventfd_write(ready_.get(), 1) == 0);
}

}  // namespace sealfold
