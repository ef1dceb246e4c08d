// Windows of steps, and between them both processors at the peak.
#include "Threads.h"

#include "Limits.h"
#include "Race.h"

#include "gdjit/JIT/Executable.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <sys/resource.h>
#include <thread>

namespace gdjit::benchmarks {

namespace {

using tool::Clock;
using tool::seconds_now;

constexpr double window = 20e-3;
constexpr double least_share = 0.9; ///< of what one processor reaches alone

double quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(std::lround(q * static_cast<double>(values.size() - 1)))];
}

/// This thread and another one, each doing nothing but multiply-adds.
class BothProcessors {
public:
  BothProcessors() : other_([this] { help(); }) {}
  ~BothProcessors() {
    order(stop);
    other_.join();
  }
  BothProcessors(const BothProcessors&) = delete;
  BothProcessors& operator=(const BothProcessors&) = delete;

  /// Operations a second of this one, while the other one sleeps: the best so far.
  double alone() {
    for (int i = 0; i < bursts; ++i)
      alone_ = std::max(alone_, burst(mine_));
    return alone_;
  }

  /// Operations a second of the slower one, while the other one computes too.
  double rate() {
    const int mine = begun_.load() + 1;
    order(mine);
    std::vector<double> rates;
    while (rates.empty() || done_.load() != mine)
      rates.push_back(burst(mine_));
    return std::min(quantile(rates, 0.5), others_);
  }

private:
  static constexpr int stop = -1, bursts = 12;

  static double burst(const tool::Yardstick& yardstick) {
    const double begin = seconds_now(Clock::wall);
    yardstick.run();
    return yardstick.amount / (seconds_now(Clock::wall) - begin);
  }

  void order(int what) {
    begun_ = what;
    begun_.notify_one();
  }

  void help() {
    const tool::Yardstick yardstick = tool::multiply_adds({});
    for (int seen = 0;;) {
      begun_.wait(seen);
      seen = begun_;
      if (seen == stop)
        return;
      std::vector<double> rates;
      for (int i = 0; i < bursts; ++i)
        rates.push_back(burst(yardstick));
      others_ = quantile(rates, 0.5);
      done_ = seen;
    }
  }

  tool::Yardstick mine_ = tool::multiply_adds({});
  std::atomic<int> begun_{0}, done_{0};
  double alone_ = 0;
  double others_ = 0; ///< written before done_
  std::thread other_;
};

struct Window {
  std::vector<double> steps; ///< seconds
  double rate = 0;           ///< of both processors, the lesser of before and behind
  bool disturbed = false;    ///< another process took a processor
};

/// How often this process had to give up a processor before it wanted to.
long interruptions() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

Window run_window(StepFunction& train, BothProcessors& both) {
  Window w;
  w.rate = both.rate();
  for (int i = 0; i < 2; ++i) // its data come back into the caches
    train.run();
  const long before = interruptions();
  const double end = seconds_now(Clock::wall) + window;
  for (double begin = 0; w.steps.size() < 4 || begin < end;) {
    begin = seconds_now(Clock::wall);
    train.run();
    w.steps.push_back(seconds_now(Clock::wall) - begin);
  }
  w.disturbed = interruptions() != before;
  w.rate = std::min(w.rate, both.rate());
  return w;
}

/// Of the undisturbed windows in which both processors reached `least`.
Quick quick(const std::vector<Window>& windows, double least, size_t& counted) {
  std::vector<double> steps;
  for (const Window& w : windows)
    if (!w.disturbed && w.rate >= least) {
      steps.insert(steps.end(), w.steps.begin(), w.steps.end());
      ++counted;
    }
  if (steps.empty())
    return {};
  return {quantile(steps, 0), quantile(steps, 0.01), steps.size()};
}

} // namespace

Sharing share(const ModelRow& row, int64_t batch, double seconds) {
  Prepared alone(row, batch), shared(row, batch);
  StepFunction one = alone.training(), two = shared.training({.threads = 2});
  Sharing sharing{.shared = two.executable().threads() > 1};
  if (!sharing.shared)
    return sharing;
  BothProcessors both;
  std::vector<Window> windows[2];
  for (const double end = seconds_now(Clock::wall) + seconds; seconds_now(Clock::wall) < end;) {
    windows[0].push_back(run_window(one, both));
    windows[1].push_back(run_window(two, both));
    sharing.windows += 2;
    both.alone();
  }
  const double least = least_share * both.alone();
  sharing.one = quick(windows[0], least, sharing.counted);
  sharing.two = quick(windows[1], least, sharing.counted);
  return sharing;
}

} // namespace gdjit::benchmarks
