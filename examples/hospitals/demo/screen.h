// What the demonstration shows: lines from several sources, and on a terminal one live line below
// them.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DEMO_SCREEN_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DEMO_SCREEN_H_

#include <mutex>
#include <string>

#include "absl/strings/string_view.h"

namespace sealfold::hospitals {

// Any thread may call.
class Screen {
 public:
  // `quiet`: Line and Live show nothing, Always does.
  explicit Screen(bool quiet = false);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void Line(absl::string_view text);
  // Replaces the line at the bottom; nothing where stdout is no terminal.
  void Live(absl::string_view text);
  void Always(absl::string_view text);
  void Heading(absl::string_view text);
  // "[#####.....]" of `width` cells.
  static std::string Bar(double part, int width);

 private:
  void Print(absl::string_view text);
  const bool quiet_;
  const bool terminal_;
  std::mutex mutex_;
  bool live_ = false;  // a live line stands at the bottom
};

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DEMO_SCREEN_H_
