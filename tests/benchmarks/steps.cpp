// gdjit_benchmarks: time per step and time of compilation, of each workload, beside loops written
// by hand and the machine's limits.
//
//     gdjit_benchmarks --benchmark_filter=step/mnist
//
// `share` is the part of the FMA peak that the products alone make up; beside it what a step does
// in all, counted as `gdjit bench` counts.
#include "Handwritten.h"
#include "Prepared.h"

#include "KernelWork.h"
#include "Race.h"

#include "gdjit/Driver/Compile.h"

#include <benchmark/benchmark.h>

using namespace gdjit;
using namespace gdjit::benchmarks;

namespace {

tool::Limits limits;

void step(benchmark::State& b, const ModelRow& row) {
  Prepared p(row);
  StepFunction train = p.training();
  const double begin = tool::seconds_now(tool::Clock::process);
  for (auto _ : b)
    benchmark::DoNotOptimize(train.run());
  const double seconds =
      (tool::seconds_now(tool::Clock::process) - begin) / static_cast<double>(b.iterations());
  const tool::StepWork work = tool::step_work(
      {.step = p.model.training().step(), .program = {}, .stage = Stage::Declared}, {}, limits);
  b.counters["share"] = work.products / seconds / limits.flops;
  b.counters["operations"] = work.work.operations;
  b.counters["bytes"] = work.work.bytes();
}

/// Many steps in one call, as train.run(n) does them; the time of one.
void steps_in_a_call(benchmark::State& b, const ModelRow& row) {
  constexpr int steps = 1000;
  Prepared p(row);
  StepFunction train = p.training();
  while (b.KeepRunningBatch(steps))
    benchmark::DoNotOptimize(train.run(steps));
}

/// Passes over a thousand batches of shuffled rows, with running means; the time of a batch.
void epochs(benchmark::State& b, const ModelRow& row) {
  constexpr int64_t batches = 1000;
  Prepared p(row);
  const Dataset rows = dataset(p.model);
  std::vector<int64_t> again(static_cast<size_t>(rows.rows() * batches));
  for (size_t i = 0; i < again.size(); ++i)
    again[i] = static_cast<int64_t>(i) % rows.rows();
  Loader loader(rows.select(again), {.batch = rows.rows(), .shuffle_seed = 0});
  StepFunction train = p.training();
  run_epoch(train, loader);
  while (b.KeepRunningBatch(batches))
    benchmark::DoNotOptimize(run_epoch(train, loader).loss);
}

/// A step late in a training whose first inputs, as many as the argument says, have been 0 for
/// long: their weights' momentum has decayed below the normal numbers.
void late_step(benchmark::State& b) {
  Model model(workload("mnist_mlp128_b64_sgd").function,
              {.optimizer = any_update_rule(SGD{.lr = 0.1, .momentum = 0.9})});
  State state = initial_state(model);
  Array x = rows(model)[0].copy();
  StepFunction train = compile(model.training(), state);
  std::vector<TensorView> views = rows(model);
  views[0] = {views[0].name, x};
  train.bind(views);
  train.run({.lr = 1e-6});
  for (int64_t i = 0; i < x.elements(); ++i)
    if (i % 784 < b.range(0))
      x.set(i, 0);
  for (int i = 0; i < 1500; ++i)
    train.run();
  for (auto _ : b)
    benchmark::DoNotOptimize(train.run());
}

void compilation(benchmark::State& b, const ModelRow& row) {
  Prepared p(row);
  for (auto _ : b)
    compile(p.model.training(), p.state);
}

/// Layers each one wider than the one before, the first from 16 to 17.
void widths(Model& m) {
  const int layers = m.option("layers", 1000);
  Tensor h = m.input("x", {m.batch(), 16});
  for (int64_t i = 0; i < layers; ++i)
    h = tanh(Linear(m, "layer" + std::to_string(i), 16 + i, 17 + i)(h));
  m.minimize(mse_loss(h, m.input("y", {m.batch(), 16 + layers})), SGD{.lr = 0.1});
}

/// Of them, without their hundreds of millions of parameters.
void compilation_of_widths(benchmark::State& b) {
  Model model(widths, {.batch = 16, .options = {{"layers", b.range(0)}}});
  const Step declared = model.training().step(16);
  for (auto _ : b)
    compile(declared);
}

/// One of the lessons' models, whose time is that of a call.
bool is_small(const ModelRow& row) {
  int64_t numbers = 0;
  for (const StateDecl& state : Model(row.function).training().step().signature.states)
    numbers += state.type.elements();
  return numbers < 100;
}

} // namespace

int main(int argc, char** argv) {
  limits = tool::measure_limits({});
  benchmark::AddCustomContext("FMA peak of one core, GFLOP/s", std::to_string(limits.flops / 1e9));
  benchmark::AddCustomContext("read bandwidth of one core, GB/s",
                              std::to_string(limits.reads.memory / 1e9));
  for (const ModelRow* row : workloads()) {
    const ModelRow& w = *row;
    std::string name = w.name;
    benchmark::RegisterBenchmark(("step/" + name).c_str(), step, w);
    if (is_small(w)) {
      benchmark::RegisterBenchmark(("steps/" + name).c_str(), steps_in_a_call, w);
      benchmark::RegisterBenchmark(("epochs/" + name).c_str(), epochs, w);
    }
    benchmark::RegisterBenchmark(("compile/" + name).c_str(), compilation, w)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("late_step/mnist_mlp128_momentum", late_step)->Arg(0)->Arg(196);
  benchmark::RegisterBenchmark("compile/widths", compilation_of_widths)
      ->Arg(100)
      ->Arg(1000)
      ->Unit(benchmark::kMillisecond);
  register_handwritten();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  benchmark::RunSpecifiedBenchmarks();
}
