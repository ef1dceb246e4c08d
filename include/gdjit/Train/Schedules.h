// Learning rates that change from outside the compiled step, by PyTorch's formulas and names:
//
//   CosineAnnealingLR schedule{.lr = 0.1, .steps = 100};
//   for (int k = 0; k < 100; ++k)
//     train(batch, {.lr = schedule(k)});
//
// Each is a plain struct; operator() gives the rate of step (or epoch) k, counted from 0, and k
// below 0 counts as 0. ReduceLROnPlateau and EarlyStopping listen to a metric instead.
#pragma once

#include "gdjit/Runtime/State.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace gdjit {

struct ConstantLR {
  double lr = 0.01;
  double operator()(int64_t) const { return lr; }
};

/// lr gamma^(k / every), rounded down.
struct StepLR {
  double lr = 0.01;
  int64_t every = 30; ///< at least 1
  double gamma = 0.1;
  double operator()(int64_t k) const {
    int64_t lowered = std::max<int64_t>(k, 0) / std::max<int64_t>(every, 1);
    return lr * std::pow(gamma, static_cast<double>(lowered));
  }
};

/// lr gamma^k.
struct ExponentialLR {
  double lr = 0.01;
  double gamma = 0.95;
  double operator()(int64_t k) const {
    return lr * std::pow(gamma, static_cast<double>(std::max<int64_t>(k, 0)));
  }
};

/// least + (lr - least) (1 + cos(pi k / steps)) / 2, which rises again behind `steps` (PyTorch's
/// T_max). Loshchilov, Hutter 2017, without restarts.
struct CosineAnnealingLR {
  double lr = 0.01;
  int64_t steps = 100; ///< at least 1
  double least = 0;
  double operator()(int64_t k) const {
    double part = static_cast<double>(std::max<int64_t>(k, 0)) /
                  static_cast<double>(std::max<int64_t>(steps, 1));
    return least + (lr - least) * (1 + std::cos(std::numbers::pi * part)) / 2;
  }
};

/// Rises linearly from start * then(0) to then(0) over `steps`, and is then(k - steps) from there:
/// PyTorch's SequentialLR of LinearLR and another. WarmupLR{.then = ExponentialLR{…}, .steps = 10}.
template <class Schedule> struct WarmupLR {
  Schedule then;
  int64_t steps = 5;
  double start = 1.0 / 3;
  double operator()(int64_t k) const {
    if (k >= steps)
      return then(k - steps);
    double part = static_cast<double>(std::max<int64_t>(k, 0)) / static_cast<double>(steps);
    return then(0) * (start + (1 - start) * part);
  }
};
template <class Schedule> WarmupLR(Schedule, int64_t, double) -> WarmupLR<Schedule>;
template <class Schedule> WarmupLR(Schedule, int64_t) -> WarmupLR<Schedule>;

enum class Better : uint8_t { lower, higher };

/// Multiplies lr by `factor` once a metric has not become better for more than `patience` calls.
/// Better is below best (1 - threshold), or above best (1 + threshold): PyTorch's relative mode. A
/// NaN is never better.
struct ReduceLROnPlateau {
  double lr = 0.01; ///< of the next step; changes
  double factor = 0.1;
  int patience = 10;
  double threshold = 1e-4;
  int cooldown = 0; ///< calls after a reduction that do not count
  double least = 0;
  Better better = Better::lower;

  /// Takes the metric of an epoch; gives the rate of the next.
  double step(double metric);

  // What it remembers.
  double best = std::numeric_limits<double>::quiet_NaN(); ///< NaN before the first
  int bad = 0, cooling = 0;
};

/// Keeps the best values of a State by a metric on development data, and says when to stop.
///
///   EarlyStopping stop{.patience = 5};
///   while (epochs-- > 0 && !stop.step(evaluate(development), s)) …train…
///   stop.restore(s);
struct EarlyStopping {
  int patience = 10;    ///< epochs without improvement that are endured
  double min_delta = 0; ///< a smaller improvement is none
  Better better = Better::lower;

  /// Takes an epoch's metric and the State that gave it; true where training should stop: when more
  /// than `patience` epochs in a row were not better. A NaN is never better.
  bool step(double metric, const State& state);
  /// Sets every array and the step counter to those of the best epoch. Error(usage) before a first
  /// metric that is a number.
  void restore(State& state) const;

  // What it remembers.
  double best = std::numeric_limits<double>::quiet_NaN();
  int64_t best_step = 0; ///< State::step of the best epoch
  int bad = 0;
  std::vector<Array> values; ///< of the State, at the best epoch
};

} // namespace gdjit
