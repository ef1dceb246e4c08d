// ReduceLROnPlateau and EarlyStopping: what listens to a metric.
#include "gdjit/Train/Schedules.h"

#include "gdjit/Support/Error.h"

namespace gdjit {

double ReduceLROnPlateau::step(double metric) {
  bool improved = std::isnan(best)          ? !std::isnan(metric)
                  : better == Better::lower ? metric < best * (1 - threshold)
                                            : metric > best * (1 + threshold);
  if (improved) {
    best = metric;
    bad = 0;
  } else {
    ++bad;
  }
  if (cooling > 0) {
    --cooling;
    bad = 0;
  }
  if (bad > patience) {
    // A change of 1e-8 or less is none, as in PyTorch.
    double reduced = std::max(lr * factor, least);
    lr = lr - reduced > 1e-8 ? reduced : lr;
    cooling = cooldown;
    bad = 0;
  }
  return lr;
}

bool EarlyStopping::step(double metric, const State& state) {
  bool improved = std::isnan(best)          ? !std::isnan(metric)
                  : better == Better::lower ? metric < best - min_delta
                                            : metric > best + min_delta;
  if (!improved)
    return ++bad > patience;
  best = metric;
  bad = 0;
  values = state.values();
  best_step = state.step();
  return false;
}

void EarlyStopping::restore(State& state) const {
  if (values.empty())
    throw Error(ErrorCode::usage, "EarlyStopping: nothing to restore, no metric was a number", {},
                {{"call step(metric, state) after each epoch first", {}}});
  for (int i = 0; i < static_cast<int>(values.size()); ++i)
    state.set(i, values[static_cast<size_t>(i)]);
  state.set_step(best_step);
}

} // namespace gdjit
