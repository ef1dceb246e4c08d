// Lines stand at 1, 2, 3 … 10, 20, 30 … 100, 200 … updates; the bar redraws at most twenty times a
// second.
#include "Progress.h"

#include "Tool.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <unistd.h>

namespace gdjit::tool {

namespace {

/// The next number to show: `digits` leading ones change from line to line.
int64_t next_line(int64_t shown, int digits = 1) {
  int64_t unit = 1, least = 10;
  for (int d = 1; d < digits; ++d)
    least *= 10;
  while (unit * least <= shown)
    unit *= 10;
  return (shown / unit + 1) * unit;
}

std::string remaining(double seconds) {
  if (!std::isfinite(seconds) || seconds > 359999)
    return "--:--";
  auto s = static_cast<int64_t>(std::ceil(seconds));
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

} // namespace

Progress::Progress(int64_t total, int64_t done, bool quiet, bool epochs)
    : total_(total), before_(done),
      terminal_(isatty(STDERR_FILENO) &&
                !(std::getenv("TERM") && std::string(std::getenv("TERM")) == "dumb")),
      quiet_(quiet || (epochs && !terminal_)), next_epoch_(quiet ? INT64_MAX : 0) {}

bool Progress::epoch_due(int64_t epoch) {
  if (epoch < next_epoch_)
    return false;
  next_epoch_ = next_line(epoch, 2); // each of the first hundred
  return true;
}

Progress::~Progress() { finish(); }

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

void Progress::show(int64_t step, const std::string& losses) {
  int64_t done = step + 1;
  if (!terminal_) {
    log("step {:>{}}{}", step, std::to_string(total_).size(), losses);
    next_ = std::min(next_line(done), std::max(total_, done + 1));
    return;
  }
  auto now = std::chrono::steady_clock::now();
  double elapsed = seconds(), rate = static_cast<double>(done - before_) / std::max(elapsed, 1e-9);
  // The clock is asked about fifty times a second only.
  next_ = done + std::max<int64_t>(1, static_cast<int64_t>(rate / 50));
  if (drawn_ && done < total_ && now - drawn_at_ < std::chrono::milliseconds(50))
    return;
  constexpr int width = 24;
  int filled = static_cast<int>(width * done / std::max<int64_t>(total_, 1));
  write_log(fmt::format("\r\x1b[K[{}{}] {}/{}{}  {:.3g} steps/s  {} left",
                        std::string(static_cast<size_t>(filled), '='),
                        std::string(static_cast<size_t>(width - filled), ' '), done, total_, losses,
                        rate, remaining(static_cast<double>(total_ - done) / rate)));
  drawn_ = true;
  drawn_at_ = now;
}

void Progress::finish() {
  if (drawn_)
    write_log("\r\x1b[K");
  drawn_ = false;
}

} // namespace gdjit::tool
