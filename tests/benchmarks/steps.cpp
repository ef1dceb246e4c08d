// gdjit_benchmarks: time per step and time of compilation, of each workload, beside loops written
// by hand and the machine's limits.
//
//     gdjit_benchmarks --benchmark_filter=step/mnist
//
// `share` is the part of the FMA peak that the products alone make up.
#include "Handwritten.h"
#include "Limits.h"
#include "Workloads.h"

#include "gdjit/Driver/Compile.h"

#include <benchmark/benchmark.h>

using namespace gdjit;
using namespace gdjit::benchmarks;

namespace {

double peak = 0;

void step(benchmark::State& b, const Workload& w) {
  Prepared p(w);
  StepFunction train = compile(p.model.training(), p.state);
  train.bind(p.views());
  train.run({.lr = 1e-6}); // so that thousands of steps stay finite
  for (auto _ : b)
    benchmark::DoNotOptimize(train.run());
  if (w.flops > 0)
    b.counters["share"] =
        benchmark::Counter(w.flops / peak, benchmark::Counter::kIsIterationInvariantRate);
}

/// Many steps in one call, as train.run(n) does them; the time of one.
void steps_in_a_call(benchmark::State& b, const Workload& w) {
  constexpr int steps = 1000;
  Prepared p(w);
  StepFunction train = compile(p.model.training(), p.state);
  train.bind(p.views());
  train.run({.lr = 1e-6});
  while (b.KeepRunningBatch(steps))
    benchmark::DoNotOptimize(train.run(steps));
}

/// Passes over a thousand batches of shuffled rows, with running means; the time of a batch.
void epochs(benchmark::State& b, const Workload& w) {
  constexpr int64_t batches = 1000;
  Prepared p(w);
  std::vector<Array> arrays = draw_rows(p.model.training(), w.batch * batches);
  std::vector<InputRows> rows;
  for (size_t i = 0; i < arrays.size(); ++i)
    rows.push_back({std::string(p.model.input_name(static_cast<uint32_t>(i))), arrays[i]});
  Loader loader(Dataset(std::move(rows)), {.batch = w.batch, .shuffle_seed = 0});
  StepFunction train = compile(p.model.training(), p.state);
  run_epoch(train, loader, {.lr = 1e-6});
  while (b.KeepRunningBatch(batches))
    benchmark::DoNotOptimize(run_epoch(train, loader).loss);
}

/// A step late in a training whose first inputs, as many as the argument says, have been 0 for
/// long: their weights' momentum has decayed below the normal numbers.
void late_step(benchmark::State& b) {
  Prepared p({"late", mnist_mlp128_momentum, 64, 0});
  StepFunction train = compile(p.model.training(), p.state);
  train.bind(p.views());
  train.run({.lr = 1e-6});
  Array& x = p.arrays[0];
  for (int64_t i = 0; i < x.elements(); ++i)
    if (i % 784 < b.range(0))
      x.set(i, 0);
  for (int i = 0; i < 1500; ++i)
    train.run();
  for (auto _ : b)
    benchmark::DoNotOptimize(train.run());
}

void compilation(benchmark::State& b, const Workload& w) {
  Prepared p(w);
  for (auto _ : b)
    compile(p.model.training(), p.state);
}

/// Layers of all different widths, without their hundreds of millions of parameters.
void compilation_of_widths(benchmark::State& b) {
  Model model(widths, {.batch = 16, .options = {{"layers", b.range(0)}}});
  const Step declared = model.training().step(16);
  for (auto _ : b)
    compile(declared);
}

} // namespace

int main(int argc, char** argv) {
  peak = fma_peak();
  benchmark::AddCustomContext("FMA peak of one core, GFLOP/s", std::to_string(peak / 1e9));
  benchmark::AddCustomContext("read bandwidth of one core, GB/s",
                              std::to_string(read_bandwidth() / 1e9));
  for (const Workload& w : workloads()) {
    std::string name = w.name;
    benchmark::RegisterBenchmark(("step/" + name).c_str(), step, w);
    if (w.flops == 0) {
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
