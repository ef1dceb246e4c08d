// A position of the loader lies behind the batch that the body of its loop has, so whatever looks
// at it does so behind the update.
#include "TrainLoop.h"

#include "Interrupt.h"
#include "Tool.h"

#include <cmath>

namespace gdjit::tool {

namespace {

class SaveClock {
public:
  explicit SaveClock(int64_t every) : every_(every) {}

  bool due(int64_t done) {
    if (every_ > 0)
      return done % every_ == 0;
    auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(30))
      return false;
    last_ = now;
    return true;
  }

private:
  int64_t every_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

} // namespace

int64_t updates_done(const Loader& loader) {
  LoaderPosition position = loader.position();
  return position.epoch * loader.batches() + position.batch;
}

LoopResult run_loop(StepFunction& train, Loader& loader, const LoopOptions& options,
                    Progress& progress, const LoopHooks& hooks) {
  LoopResult run;
  SaveClock clock(options.save_every);
  bool warned = false, bound = false;
  int64_t done = updates_done(loader);
  while (done < options.updates && !interrupted()) {
    for (const Batch& batch : loader) {
      // One batch that stays where it is need not be looked at again.
      double loss = 0;
      if (bound) {
        loss = train.run();
      } else {
        loss = train(batch);
        if (loader.batches() == 1 && !loader.position().shuffle_seed.given) {
          train.bind(batch);
          bound = true;
        }
      }
      ++run.steps;
      if (!std::isfinite(loss) && !warned) {
        progress.finish();
        log("warning: the loss of step {} is {}; --check-nan names the op it comes from", done,
            std::isnan(loss) ? "nan" : fmt::format("{}", loss));
        warned = true;
      }
      if (run.losses.size() < LoopResult::kept_losses)
        run.losses.push_back(loss);
      if (hooks.updated)
        hooks.updated(done);
      progress.update(done, loss);
      ++done;
      if (hooks.epoch_done && batch.index() + 1 == loader.batches())
        hooks.epoch_done(batch.epoch() + 1);
      if (hooks.save && clock.due(done) && done < options.updates)
        hooks.save();
      if (done == options.updates || interrupted())
        break;
    }
  }
  run.seconds = progress.seconds();
  return run;
}

} // namespace gdjit::tool
