// The clock is read around a piece, so that it costs nothing.
#include "Race.h"

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace gdjit::tool {

namespace {

constexpr double piece = 300e-6;
constexpr size_t least_pieces = 3;

double seconds_of(const std::function<void()>& run, int64_t times, Clock clock) {
  const double begin = seconds_now(clock);
  for (int64_t i = 0; i < times; ++i)
    run();
  return (seconds_now(clock) - begin) / static_cast<double>(times);
}

/// Runs that take a piece; small ones are tried with twice as many until they do.
int64_t runs_of_a_piece(const std::function<void()>& run, Clock clock) {
  int64_t times = 1;
  for (;;) {
    const double taken = seconds_of(run, times, clock) * static_cast<double>(times);
    if (taken > piece / 2)
      return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(times) * piece / taken));
    times *= 2;
  }
}

} // namespace

double seconds_now(Clock clock) {
  timespec now{};
  clock_gettime(clock == Clock::process ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<std::vector<double>> race(const std::vector<std::function<void()>>& runs,
                                      double seconds, Clock clock) {
  std::vector<std::vector<double>> taken(runs.size());
  std::vector<int64_t> times(runs.size());
  for (size_t i = 0; i < runs.size(); ++i)
    if (runs[i]) {
      runs[i]();
      times[i] = runs_of_a_piece(runs[i], clock);
    }
  const double end = seconds_now(Clock::wall) + seconds;
  for (size_t round = 0; round < least_pieces || seconds_now(Clock::wall) < end; ++round)
    for (size_t i = 0; i < runs.size(); ++i)
      if (runs[i]) {
        runs[i]();
        taken[i].push_back(seconds_of(runs[i], times[i], clock));
      }
  return taken;
}

} // namespace gdjit::tool
