#include "examples/hospitals/demo/screen.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace sealfold::hospitals {
namespace {

constexpr char kClearLine[] = "\r\x1b[2K";

}  // namespace

Screen::Screen(bool quiet) : quiet_(quiet), terminal_(isatty(STDOUT_FILENO) == 1) {}

Screen::~Screen() {
  if (live_) std::printf("%s", kClearLine);
}

void Screen::Print(absl::string_view text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::printf("%s%.*s\n", live_ ? kClearLine : "", static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
  live_ = false;
}

void Screen::Line(absl::string_view text) {
  if (!quiet_) Print(text);
}

void Screen::Always(absl::string_view text) { Print(text); }

void Screen::Live(absl::string_view text) {
  if (quiet_ || !terminal_) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  std::printf("%s%.*s", kClearLine, static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
  live_ = true;
}

void Screen::Heading(absl::string_view text) {
  Line("");
  Line(terminal_ ? absl::StrCat("\x1b[1m", text, "\x1b[0m") : std::string(text));
}

std::string Screen::Bar(double part, int width) {
  const int full = std::clamp(static_cast<int>(part * width), 0, width);
  return absl::StrCat("[", std::string(static_cast<size_t>(full), '#'),
                      std::string(static_cast<size_t>(width - full), '.'), "]");
}

}  // namespace sealfold::hospitals
