// Progress of a training run on standard error: a bar that redraws itself on a terminal, plain
// lines otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace gdjit::tool {

class Progress {
public:
  /// The run has `total` updates, of which `done` lie behind it. `quiet` shows nothing;
  /// `epochs`: lines come from epochs, a bar all the same.
  Progress(int64_t total, int64_t done, bool quiet, bool epochs);
  ~Progress();

  /// Update `step`, counted from 0, is done; `losses()` gives the text of those before it. Cheap
  /// where nothing is due.
  template <class Losses> void update(int64_t step, Losses losses) {
    if (!quiet_ && (step + 1 >= next_))
      show(step, losses());
  }
  /// True where a line for this epoch is due: the first ten, then every tenth …
  bool epoch_due(int64_t epoch);
  /// Takes the bar away, for what is printed next.
  void finish();
  double seconds() const;

private:
  void show(int64_t step, const std::string& losses);

  int64_t total_;
  int64_t before_; ///< updates of an earlier run
  bool terminal_;
  bool quiet_;
  int64_t next_epoch_ = 0;
  int64_t next_ = 1; ///< number of updates at which something is shown
  bool drawn_ = false;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point drawn_at_{};
};

} // namespace gdjit::tool
