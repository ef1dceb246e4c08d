// The loop of a training run: updates until enough are done or someone interrupts.
#pragma once

#include "Figures.h"
#include "Progress.h"
#include "Subject.h"

#include "gdjit/Data/Loader.h"
#include "gdjit/JIT/StepFunction.h"

#include <functional>

namespace gdjit::tool {

struct LoopOptions {
  int64_t updates = 0;    ///< of the whole run, from its very beginning
  int64_t save_every = 0; ///< updates; 0: by the clock
};

struct LoopHooks {
  std::function<void(int64_t update)> updated;   ///< update number `update`, from 0; may be empty
  std::function<void(int64_t epoch)> epoch_done; ///< `epoch` epochs lie behind; may be empty
  std::function<void()> save;                    ///< may be empty
};

/// What a run leaves behind.
struct LoopResult {
  static constexpr size_t kept_losses = 10'000; ///< of a run, for --json

  int64_t steps = 0; ///< of this process, those that went well
  double seconds = 0;
  std::vector<std::string> computed; ///< the outputs of each update
  std::vector<std::string> names;    ///< of these, followed_losses
  /// Before each update, while there are at most kept_losses, per name.
  std::vector<std::vector<double>> losses;
  bool warned = false; ///< of a loss that is not finite
};

/// The losses that are shown and looked at: the output "loss" or, without it, all of one number
/// that end in "_loss" or "/loss"; may be none.
std::vector<std::string> followed_losses(const Signature& training);

/// What an update of `batch` rows computes beside the parameters: the losses that are followed,
/// `with_all_losses` those that are drawn, too. All outputs where `each_is_checked`, where a text
/// says what is computed, and where another output may find an index out of range, which is told at
/// the first update.
Outputs computed_outputs(const Subject& subject, int64_t batch, bool with_all_losses,
                         bool each_is_checked);

/// For --json: a list of "loss", or lists by name.
Json losses_of(const LoopResult& run);

/// A line on standard error where a loss after the last update is not finite.
void warn_unless_finite(const Figures& figures);

/// Updates done from the beginning of the run to where the loader stands.
int64_t updates_done(const Loader& loader);

/// Goes on from where the loader stands. Saves while it runs (every half minute, or as told), not
/// at the end. A line on standard error tells of the first loss that is not finite. `run` is filled
/// as it goes: an error leaves it with the updates that went well.
void run_loop(StepFunction& train, Loader& loader, const LoopOptions& options, Progress& progress,
              const LoopHooks& hooks, LoopResult& run);

} // namespace gdjit::tool
