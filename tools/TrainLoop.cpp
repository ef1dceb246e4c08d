// A position of the loader lies behind the batch that the body of its loop has, so whatever looks
// at it does so behind the update.
#include "TrainLoop.h"

#include "Interrupt.h"
#include "Tool.h"

#include "gdjit/JIT/Executable.h"
#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Figure.h"
#include "gdjit/Transforms/EliminateDeadCode.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

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

/// The losses that are followed, with their values behind the last update.
class Followed {
public:
  explicit Followed(const StepFunction& train)
      : train_(train), names_(followed_losses(train.executable().signature())) {
    const std::vector<OutputDecl>& outputs = train.executable().signature().outputs;
    for (const std::string& name : names_)
      rows_.push_back(
          static_cast<int>(std::ranges::find(outputs, name, &OutputDecl::name) - outputs.begin()));
  }

  size_t size() const { return rows_.size(); }
  const std::vector<std::string>& names() const { return names_; }
  double value(size_t i) const { return train_.output(rows_[i]).at(0); }
  std::string text() const {
    std::string text;
    for (size_t i = 0; i < size(); ++i)
      text += fmt::format("  {} {}", names_[i], format_figure(value(i)));
    return text;
  }

private:
  const StepFunction& train_;
  std::vector<std::string> names_;
  std::vector<int> rows_; ///< of the step's outputs
};

int64_t lookups(const Graph& graph) {
  int64_t count = 0;
  for (NodeId n = 0; n < graph.size(); ++n)
    count += kind(graph.op(n)) == OpKind::Indexing;
  return count;
}

/// Nodes that may find an index out of range, of those that are needed.
int64_t needed_lookups(const Step& step) {
  PassContext context;
  return lookups(eliminate_dead_code(step, context).graph);
}

} // namespace

std::vector<std::string> followed_losses(const Signature& training) {
  std::vector<std::string> names;
  for (const OutputDecl& output : training.outputs)
    if (is_loss(output.name) && output.type.elements() == 1)
      names.push_back(output.name);
  if (std::ranges::find(names, "loss") != names.end())
    names = {"loss"};
  return names;
}

Outputs computed_outputs(const Subject& subject, int64_t batch, bool with_all_losses,
                         bool each_is_checked) {
  if (each_is_checked || subject.is_text())
    return {};
  const Work whole = subject.work(StepKind::training, batch);
  std::vector<std::string> names = followed_losses(whole.signature());
  if (with_all_losses)
    for (const OutputDecl& output : whole.signature().outputs)
      if (is_loss(output.name) && std::ranges::find(names, output.name) == names.end())
        names.push_back(output.name);
  if (lookups(whole.step.graph) == 0)
    return names;
  const Work part = subject.work(StepKind::training, batch, names);
  return needed_lookups(part.step) < needed_lookups(whole.step) ? Outputs() : names;
}

Json losses_of(const LoopResult& run) {
  Json losses = run.names.empty() || run.names[0] == "loss" ? Json::array() : Json::object();
  for (size_t i = 0; i < run.names.size(); ++i) {
    Json& list = losses.is_array() ? losses : losses[run.names[i]] = Json::array();
    for (double loss : run.losses[i])
      list.push_back(to_json(loss));
  }
  return losses;
}

void warn_unless_finite(const Figures& figures) {
  auto found = std::ranges::find_if(figures, [](const auto& figure) {
    return is_loss(figure.first) && !std::isfinite(figure.second);
  });
  if (found != figures.end())
    log("warning: the {} after the last update is {}; --check-nan names the op it comes from",
        found->first, std::isnan(found->second) ? "nan" : fmt::format("{}", found->second));
}

int64_t updates_done(const Loader& loader) {
  LoaderPosition position = loader.position();
  return position.epoch * loader.batches() + position.batch;
}

void run_loop(StepFunction& train, Loader& loader, const LoopOptions& options, Progress& progress,
              const LoopHooks& hooks, LoopResult& run) {
  Followed losses(train);
  run.names = losses.names();
  for (const OutputDecl& output : train.executable().signature().outputs)
    run.computed.push_back(output.name);
  run.losses.resize(losses.size());
  SaveClock clock(options.save_every);
  bool bound = false;
  int64_t done = updates_done(loader);
  while (done < options.updates && !interrupted()) {
    for (const Batch& batch : loader) {
      // One batch that stays where it is need not be looked at again.
      if (bound) {
        train.run();
      } else {
        train(batch);
        if (loader.batches() == 1 && !loader.position().shuffle_seed.given) {
          train.bind(batch);
          bound = true;
        }
      }
      ++run.steps;
      for (size_t i = 0; i < losses.size(); ++i) {
        double loss = losses.value(i);
        if (run.losses[i].size() < LoopResult::kept_losses)
          run.losses[i].push_back(loss);
        if (std::isfinite(loss) || run.warned)
          continue;
        progress.finish();
        log("warning: the {} of step {} is {}; --check-nan names the op it comes from",
            run.names[i], done, std::isnan(loss) ? "nan" : fmt::format("{}", loss));
        run.warned = true;
      }
      if (hooks.updated)
        hooks.updated(done);
      progress.update(done, [&] { return losses.text(); });
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
}

} // namespace gdjit::tool
