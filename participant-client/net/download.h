// Fetching one public file in parts, a few under way at a time: what to ask, and which answers
// belong to it.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_NET_DOWNLOAD_H_
#define SEALFOLD_PARTICIPANT_CLIENT_NET_DOWNLOAD_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/message/message.h"

namespace sealfold {

// A pure state machine: no socket, no clock.
class Download {
 public:
  Download(FileKind what, uint64_t round, uint64_t size_bytes_max)
      : what_(what), round_(round), size_bytes_max_(size_bytes_max) {}

  // Whatever was asked may be lost: ask from the first missing byte again.
  void AskAgain();
  // The questions to send now.
  std::vector<Message> TakeQuestions();
  // Whether `bulk` is the file's next part. False for what is late, doubled or of another file;
  // PeerError
  // ("file_size_wrong", "file_changed") if the host contradicts itself or the bound.
  absl::StatusOr<bool> Take(const Part& part, ByteSpan bulk);

  bool complete() const { return total_.has_value() && received_ == *total_; }
  uint64_t received_bytes() const { return received_; }

 private:
  FileKind what_;
  uint64_t round_;
  uint64_t size_bytes_max_;
  std::optional<uint64_t> total_;  // once known
  uint64_t received_ = 0;
  uint64_t asked_ = 0;       // offset of the next question
  uint64_t part_bytes_ = 0;  // of the first part: what the host sends at once
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_NET_DOWNLOAD_H_
