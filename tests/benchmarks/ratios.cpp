// gdjit_ratios: single products and whole steps as shares of the FMA peak, steps on two threads
// beside one, kernels that memory bounds as shares of what a plain loop moves, and how compilation
// grows with the graph, as tables in Markdown.
//
// A shared machine is noisy: peak and contestants run in turn, in pieces shorter than a time slice,
// for many rounds, and the best of each counts. No figure stands alone.
//
//     gdjit_ratios [products|steps|threads|memory|growth] [seconds a row] [name...]
#include "Memory.h"
#include "Prepared.h"
#include "Products.h"
#include "Threads.h"

#include "KernelWork.h"
#include "Race.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Driver/Compile.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>

using namespace gdjit;
using namespace gdjit::benchmarks;

namespace {

using tool::Clock;
using tool::seconds_now;
using Wanted = std::function<bool(const std::string&)>;

/// The fastest of several.
double best_seconds(Clock clock, const std::function<void()>& run) {
  double best = 1e30;
  for (int i = 0; i < 3; ++i) {
    const double begin = seconds_now(clock);
    run();
    best = std::min(best, seconds_now(clock) - begin);
  }
  return best;
}

struct Best {
  double peak = 0;             ///< operations a second
  std::vector<double> seconds; ///< per contestant, of its best piece
};

Best race(const std::vector<Contestant>& contestants, double seconds) {
  const tool::Yardstick peak = tool::multiply_adds({});
  std::vector<std::function<void()>> runs = {peak.run};
  for (const Contestant& c : contestants)
    runs.push_back(c.run);
  Best best;
  for (const std::vector<double>& taken : tool::race(runs, seconds, Clock::process))
    best.seconds.push_back(taken.empty() ? 1e30 : std::ranges::min(taken));
  best.peak = peak.amount / best.seconds[0];
  best.seconds.erase(best.seconds.begin());
  return best;
}

void product_table(double seconds, const Wanted& wanted) {
  fmt::print("| product | gdjit | oneDNN | OpenBLAS | libxsmm | gdjit, us | peak, GFLOP/s |\n"
             "|---|---|---|---|---|---|---|\n");
  for (const Product& p : products()) {
    if (!wanted(p.name()))
      continue;
    const std::vector<Contestant> all = contestants(p);
    Best best = race(all, seconds);
    fmt::print("| {} |", p.name());
    for (size_t i = 0; i < all.size(); ++i)
      fmt::print("{}", all[i].run ? fmt::format(" {:.0f} % |",
                                                100 * p.flops() / best.seconds[i] / best.peak)
                                  : " none |");
    fmt::print(" {:.2f} | {:.0f} |\n", best.seconds[0] * 1e6, best.peak / 1e9);
    std::fflush(stdout);
  }
}

/// As `gdjit bench` counts and measures.
void step_table(double seconds, const Wanted& wanted) {
  fmt::print("| step | us | products alone at the peak, us | share | operations | bytes | at the "
             "limits, us | compilation, CPU ms | peak, GFLOP/s | memory, GB/s | cache, GB/s |\n"
             "|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const ModelRow* row : workloads()) {
    if (!wanted(row->name))
      continue;
    Prepared p(*row);
    StepFunction train = p.training();
    const double compilation =
        best_seconds(Clock::process, [&] { compile(p.model.training(), p.state); });
    const Best best = race({{"gdjit", [&] { train.run(); }}}, seconds);
    tool::Limits limits = tool::measure_limits({});
    limits.flops = best.peak;
    const Step declared = p.model.training().step();
    const tool::StepWork least =
        tool::step_work({.step = declared, .program = {}, .stage = Stage::Declared}, {}, limits);
    fmt::print("| {} | {:.3f} | {:.3f} | {:.0f} % | {} | {} | {:.3f} | {:.1f} | {:.0f} | {:.1f} | "
               "{:.1f} |\n",
               row->name, best.seconds[0] * 1e6, least.products / best.peak * 1e6,
               100 * least.products / best.seconds[0] / best.peak,
               tool::amount(least.work.operations, "op"), tool::amount(least.work.bytes(), "B"),
               least.least_seconds * 1e6, compilation * 1e3, best.peak / 1e9,
               limits.reads.memory / 1e9, limits.reads.cache / 1e9);
    std::fflush(stdout);
  }
}

void thread_table(double seconds, const Wanted& wanted) {
  fmt::print("| step | one thread, us: best | of a hundred | two threads, us: best | of a hundred "
             "| times as fast: best | of a hundred | windows that count |\n"
             "|---|---|---|---|---|---|---|---|\n");
  std::vector<std::pair<const ModelRow*, int64_t>> steps;
  for (const ModelRow* row : workloads())
    steps.emplace_back(row, 0);
  for (const int64_t batch : {2, 4, 8, 32}) // bound by the bytes of the weights
    steps.emplace_back(&workload("mnist_mlp512x2_b256_adam"), batch);
  for (const auto& [row, batch] : steps) {
    const std::string name =
        batch == 0 ? std::string(row->name) : fmt::format("{} with {} rows", row->name, batch);
    if (!wanted(name))
      continue;
    const Sharing s = share(*row, batch, seconds);
    if (!s.shared) {
      fmt::print("| {} | | | one thread, by the rule | | | | |\n", name);
      continue;
    }
    if (s.one.steps == 0 || s.two.steps == 0) {
      fmt::print("| {} | | | never both processors at once | | | | {} of {} |\n", name, s.counted,
                 s.windows);
      continue;
    }
    fmt::print("| {} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.2f} | {:.2f} | {} of {} |\n", name,
               s.one.best * 1e6, s.one.hundredth * 1e6, s.two.best * 1e6, s.two.hundredth * 1e6,
               s.one.best / s.two.best, s.one.hundredth / s.two.hundredth, s.counted, s.windows);
    std::fflush(stdout);
  }
}

/// Compilation of deep_tanh from a hundred nodes to a hundred thousand: time as nodes to the power
/// of `exponent`, from the row before and from the first.
void growth_table() {
  const ModelRow& deep = workload("deep_tanh_1000");
  fmt::print("| layers | nodes | model, ms | compilation, ms | us a node | exponent | from the "
             "first row |\n|---|---|---|---|---|---|---|\n");
  struct Row {
    double nodes = 0, seconds = 0;
  };
  Row first, before;
  for (int layers : {10, 30, 100, 300, 1000, 3000, 10000}) {
    std::unique_ptr<Model> model;
    const double model_seconds = best_seconds(Clock::wall, [&] {
      model = std::make_unique<Model>(deep.function, ModelOptions{.options = {{"layers", layers}}});
    });
    State state = initial_state(*model);
    Row row{static_cast<double>(model->training().step().graph.size())};
    row.seconds = best_seconds(Clock::wall, [&] { compile(model->training(), state); });
    const auto exponent = [&](const Row& from) {
      return from.nodes == 0 ? std::string()
                             : fmt::format("{:.2f}", std::log(row.seconds / from.seconds) /
                                                         std::log(row.nodes / from.nodes));
    };
    fmt::print("| {} | {} | {:.1f} | {:.1f} | {:.1f} | {} | {} |\n", layers, row.nodes,
               model_seconds * 1e3, row.seconds * 1e3, row.seconds * 1e6 / row.nodes,
               exponent(before), exponent(first));
    std::fflush(stdout);
    if (first.nodes == 0)
      first = row;
    before = row;
  }
}

void memory_table(double seconds, const Wanted& wanted) {
  fmt::print(
      "| memory | gdjit, GB/s | a loop that only moves, GB/s | with streaming stores | share "
      "of the better |\n|---|---|---|---|---|\n");
  for (const MemoryRow& row : memory_rows()) {
    if (!wanted(row.name))
      continue;
    MemoryBound bound = row.prepare();
    Best best = race(bound.contestants, seconds);
    fmt::print("| {} |", row.name);
    for (double taken : best.seconds)
      fmt::print(" {:.1f} |", bound.bytes / taken / 1e9);
    const double loop = *std::min_element(best.seconds.begin() + 1, best.seconds.end());
    fmt::print("{} {:.0f} % |\n", best.seconds.size() == 2 ? " |" : "",
               100 * loop / best.seconds[0]);
    std::fflush(stdout);
  }
}

/// The opponents on one thread, and OpenBLAS as for the processor that we compile for (one that it
/// does not know gets its oldest kernels), unless the user wants it otherwise. They look at the
/// environment when they are loaded, which is before main: the program begins anew.
void run_opponents_alike(char** argv) {
  std::vector<std::pair<const char*, const char*>> wanted = {{"OMP_NUM_THREADS", "1"},
                                                             {"OPENBLAS_NUM_THREADS", "1"}};
  if (runs_here("x86-64-v4"))
    wanted.emplace_back("OPENBLAS_CORETYPE", "SkylakeX");
  bool changed = false;
  for (auto [name, value] : wanted)
    if (!std::getenv(name))
      changed = setenv(name, value, 0) == 0 || changed;
  if (changed)
    execv("/proc/self/exe", argv);
}

} // namespace

int main(int argc, char** argv) {
  run_opponents_alike(argv);
  const std::string table = argc > 1 ? argv[1] : "";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2;
  const auto tables = {"", "products", "steps", "threads", "memory", "growth"};
  if (std::ranges::find(tables, table) == tables.end() || seconds <= 0) {
    fmt::print(stderr, "gdjit_ratios [products|steps|threads|memory|growth] [seconds a row] "
                       "[name...]\n");
    return 2;
  }
  auto wanted = [&](const std::string& name) {
    bool any = argc <= 3;
    for (int i = 3; i < argc; ++i)
      any = any || name.find(argv[i]) != std::string::npos;
    return any;
  };
  const auto asked = [&](const char* name) { return table.empty() || table == name; };
  if (asked("products"))
    product_table(seconds, wanted);
  if (asked("steps"))
    step_table(seconds, wanted);
  if (asked("threads"))
    thread_table(seconds, wanted);
  if (asked("memory"))
    memory_table(seconds, wanted);
  if (asked("growth"))
    growth_table();
}
