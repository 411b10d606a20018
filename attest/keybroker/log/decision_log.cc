#include "attest/keybroker/log/decision_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/json/json_text.h"
#include "protocol/program/program.h"
#include "protocol/text/time.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr size_t kLineSizeMax = 16 << 10;

absl::Status Broken(uint64_t line, absl::string_view expected, absl::string_view found) {
  return BadInput({.code = "log_broken",
                   .what = absl::StrCat("line ", line, " of the log"),
                   .expected = std::string(expected),
                   .found = std::string(found),
                   .advice = "keep the file: it was changed after it was written"});
}

// What reading found: the chain, where the lines that have an end end, and the heads on the way.
struct Reading {
  DecisionChain chain;
  int64_t whole_bytes = 0;
  bool unfinished = false;
  bool met_head = false;
};

absl::StatusOr<Reading> ReadLog(const std::string& path, const std::optional<Digest>& known_head) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return FileError("reading", path);
  Reading out;
  out.met_head = known_head == out.chain.head();
  std::vector<char> line(kLineSizeMax + 1);
  for (;;) {
    file.getline(line.data(), static_cast<std::streamsize>(line.size()));
    const std::streamsize count = file.gcount();
    if (file.eof()) {
      out.unfinished = count > 0;
      return out;
    }
    if (file.bad()) return FileError("reading", path);
    if (file.fail()) return Broken(out.chain.size() + 1, "a shorter line", "a longer one");
    SEALFOLD_RETURN_IF_ERROR(
        out.chain.Add(absl::string_view(line.data(), static_cast<size_t>(count - 1))));
    out.whole_bytes += count;
    out.met_head = out.met_head || known_head == out.chain.head();
  }
}

}  // namespace

std::string DecisionChain::Line(const Decision& decision) const {
  json line = {{"index", size_},
               {"previous", head_.hex()},
               {"time", TimeTextOfMillis(decision.time_ms)},
               {"caller", decision.caller},
               {"operation", decision.operation},
               {"verdict", decision.allowed ? "allowed" : "refused"}};
  const std::pair<const char*, const std::string&> texts[] = {
      {"key", decision.key},           {"name", decision.name},     {"evidence", decision.evidence},
      {"platform", decision.platform}, {"caveat", decision.caveat}, {"reason", decision.reason}};
  for (const auto& [name, text] : texts) {
    if (!text.empty()) line[name] = text;
  }
  if (decision.unlogged > 0) line["unlogged"] = decision.unlogged;
  for (const auto& [index, value] : decision.registers) {
    line["registers"][absl::StrCat("pcr", index)] = value;
  }
  // What is not UTF-8 in a caller's words is replaced, so that a line can always be written.
  return JsonText(line);
}

absl::Status DecisionChain::Add(absl::string_view line) {
  const json parsed = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || JsonText(parsed) != line) {
    return Broken(size_ + 1, "a decision as the broker writes it", "something else");
  }
  const auto index = parsed.find("index");
  const auto previous = parsed.find("previous");
  if (index == parsed.end() || *index != size_) {
    return Broken(size_ + 1, absl::StrCat("index ", size_),
                  index == parsed.end() ? "none" : index->dump());
  }
  if (previous == parsed.end() || *previous != head_.hex()) {
    return Broken(size_ + 1, absl::StrCat("the digest ", head_.hex(), " of the line before"),
                  previous == parsed.end() ? "none" : previous->dump());
  }
  ++size_;
  head_ = Sha256(AsBytes(line));
  return absl::OkStatus();
}

absl::StatusOr<DecisionChain> VerifyDecisionLog(const std::string& path,
                                                const std::optional<Digest>& known_head) {
  SEALFOLD_ASSIGN_OR_RETURN(const Reading reading, ReadLog(path, known_head));
  if (reading.unfinished) {
    return BadInput({.code = "log_unfinished",
                     .what = absl::StrCat("line ", reading.chain.size() + 1, " of the log"),
                     .expected = "a whole line",
                     .found = "one without an end, as a crash leaves it",
                     .advice = "start the broker, which cuts it off: its answer was never given"});
  }
  if (known_head.has_value() && !reading.met_head) {
    return BadInput({.code = "log_head_missing",
                     .what = "log",
                     .expected = absl::StrCat("a line with the digest ", known_head->hex()),
                     .found = "none: lines were cut off, or all were written anew"});
  }
  return reading.chain;
}

absl::StatusOr<DecisionLog> DecisionLog::Open(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file.valid()) return FileError("writing", path);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return BadInput({.code = "log_in_use",
                     .what = absl::StrCat("log ", path),
                     .expected = "a file that no other broker writes",
                     .found = "one in use"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Reading reading, ReadLog(path, std::nullopt));
  if (reading.unfinished && ftruncate(file.get(), reading.whole_bytes) != 0) {
    return FileError("writing", path);
  }
  return DecisionLog(path, std::move(file), reading.chain);
}

absl::Status DecisionLog::Append(const Decision& decision) {
  const std::string line = chain_.Line(decision);
  if (line.size() >= kLineSizeMax) {
    return BadInput({.code = "log_line_long",
                     .what = "a decision",
                     .expected = absl::StrCat("less than ", kLineSizeMax, " bytes"),
                     .found = absl::StrCat(line.size(), " bytes")});
  }
  const off_t before = lseek(file_.get(), 0, SEEK_END);
  const std::string with_end = absl::StrCat(line, "\n");
  const ssize_t written = write(file_.get(), with_end.data(), with_end.size());
  if (written != static_cast<ssize_t>(with_end.size()) || fdatasync(file_.get()) != 0) {
    absl::Status status = FileError("writing", path_);
    // A full disk leaves no half line for the next one to follow.
    if (before < 0 || ftruncate(file_.get(), before) != 0) return FileError("writing", path_);
    return status;
  }
  return chain_.Add(line);
}

}  // namespace sealfold
