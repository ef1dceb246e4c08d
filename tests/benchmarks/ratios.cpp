// gdjit_ratios: single products and whole steps as shares of the FMA peak, kernels that memory
// bounds as shares of what a plain loop moves, and how compilation grows with the graph, as tables
// in Markdown.
//
// A shared machine is noisy: peak and contestants run in turn, in pieces shorter than a time slice,
// for many rounds, and the best of each counts. No figure stands alone.
//
//     gdjit_ratios [products|steps|memory|growth] [seconds a row] [name...]
#include "Limits.h"
#include "Memory.h"
#include "Products.h"
#include "Workloads.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <memory>

using namespace gdjit;
using namespace gdjit::benchmarks;

namespace {

using Clock = std::chrono::steady_clock;

/// Of the process: what others do to the machine in the meantime does not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::function<void()>& run, int64_t times) {
  double begin = cpu_seconds();
  for (int64_t i = 0; i < times; ++i)
    run();
  return (cpu_seconds() - begin) / static_cast<double>(times);
}

struct Best {
  double peak = 0;             ///< operations a second
  std::vector<double> seconds; ///< per contestant
};

/// All in turn until `seconds` are over.
Best race(const std::vector<Contestant>& contestants, double seconds) {
  constexpr double piece = 300e-6;
  Best best{0, std::vector<double>(contestants.size(), 1e30)};
  std::vector<int64_t> times;
  for (const Contestant& c : contestants) {
    if (!c.run) {
      times.push_back(0);
      continue;
    }
    c.run();
    times.push_back(std::max<int64_t>(1, static_cast<int64_t>(piece / seconds_of(c.run, 3))));
  }
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    best.peak = std::max(best.peak, fma_peak_once());
    for (size_t i = 0; i < contestants.size(); ++i) {
      if (!contestants[i].run)
        continue;
      seconds_of(contestants[i].run, 1); // the others have taken the caches
      best.seconds[i] = std::min(best.seconds[i], seconds_of(contestants[i].run, times[i]));
    }
  } while (Clock::now() < end);
  return best;
}

void product_table(double seconds, const std::function<bool(const std::string&)>& wanted) {
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

void step_table(double seconds, const std::function<bool(const std::string&)>& wanted) {
  fmt::print("| step | us | products alone at the peak, us | share | compilation, CPU ms | peak, "
             "GFLOP/s |\n"
             "|---|---|---|---|---|---|\n");
  for (const Workload& w : workloads()) {
    if (!wanted(w.name))
      continue;
    Prepared p(w);
    double compilation = 1e30;
    for (int i = 0; i < 3; ++i)
      compilation =
          std::min(compilation, seconds_of([&] { compile(p.model.training(), p.state); }, 1));
    StepFunction train = compile(p.model.training(), p.state);
    train.bind(p.views());
    train.run({.lr = 1e-6});
    Best best = race({{"gdjit", [&] { train.run(); }}}, seconds);
    fmt::print("| {} | {:.3f} | {:.3f} | {:.0f} % | {:.1f} | {:.0f} |\n", w.name,
               best.seconds[0] * 1e6, w.flops / best.peak * 1e6,
               100 * w.flops / best.seconds[0] / best.peak, compilation * 1e3, best.peak / 1e9);
    std::fflush(stdout);
  }
}

double wall_seconds_of(const std::function<void()>& run) {
  const auto begin = Clock::now();
  run();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Compilation of deep_tanh from a hundred nodes to a hundred thousand: time as nodes to the power
/// of `exponent`, from the row before and from the first.
void growth_table() {
  const auto deep = std::ranges::find(workloads(), std::string_view("deep_tanh_1000"),
                                      [](const Workload& w) { return std::string_view(w.name); });
  fmt::print("| layers | nodes | model, ms | compilation, ms | us a node | exponent | from the "
             "first row |\n|---|---|---|---|---|---|---|\n");
  struct Row {
    double nodes = 0, seconds = 0;
  };
  Row first, before;
  for (int layers : {10, 30, 100, 300, 1000, 3000, 10000}) {
    Row row{0, 1e30};
    double model_seconds = 1e30;
    for (int i = 0; i < 3; ++i) {
      std::unique_ptr<Model> model;
      model_seconds = std::min(
          model_seconds, wall_seconds_of([&] {
            const double option = layers;
            model = std::make_unique<Model>(
                deep->model, ModelOptions{.batch = deep->batch, .options = {{"layers", option}}});
          }));
      State state = initial_state(*model);
      row.nodes = model->training().step().graph.size();
      row.seconds =
          std::min(row.seconds, wall_seconds_of([&] { compile(model->training(), state); }));
    }
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

void memory_table(double seconds, const std::function<bool(const std::string&)>& wanted) {
  fmt::print("| memory | gdjit, GB/s | a loop that only moves, GB/s | share |\n"
             "|---|---|---|---|\n");
  for (const MemoryRow& row : memory_rows()) {
    if (!wanted(row.name))
      continue;
    MemoryBound bound = row.prepare();
    Best best = race(bound.contestants, seconds);
    fmt::print("| {} | {:.1f} | {:.1f} | {:.0f} % |\n", row.name,
               bound.bytes / best.seconds[0] / 1e9, bound.bytes / best.seconds[1] / 1e9,
               100 * best.seconds[1] / best.seconds[0]);
    std::fflush(stdout);
  }
}

} // namespace

int main(int argc, char** argv) {
  const char* table = argc > 1 ? argv[1] : "";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2;
  auto wanted = [&](const std::string& name) {
    bool any = argc <= 3;
    for (int i = 3; i < argc; ++i)
      any = any || name.find(argv[i]) != std::string::npos;
    return any;
  };
  const auto asked = [&](const char* name) { return *table == 0 || !std::strcmp(table, name); };
  if (asked("products"))
    product_table(seconds, wanted);
  if (asked("steps"))
    step_table(seconds, wanted);
  if (asked("memory"))
    memory_table(seconds, wanted);
  if (asked("growth"))
    growth_table();
}
