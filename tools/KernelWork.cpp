// Each statement as often as its loops turn, each buffer no further than it is long.
#include "KernelWork.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Ops/Op.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace gdjit::tool {

namespace {

using loop::Statement;
using loop::StatementKind;

constexpr size_t by_several = ~size_t{0} - 1, by_none = ~size_t{0};

class Counter {
public:
  explicit Counter(const loop::Program& program)
      : program_(program), toucher_(program.buffers.size(), by_none) {
    for (size_t k = 0; k < program.kernels.size(); ++k) {
      const loop::KernelView view(program, program.kernels[k]);
      for_each(view.body(), [&](const Statement& s) {
        if (s.kind == StatementKind::Load || s.kind == StatementKind::Store) {
          size_t& toucher = toucher_[loop::storage(program, view.buffer(s.buffer))];
          toucher = toucher == by_none || toucher == k ? k : by_several;
        }
      });
    }
  }

  KernelWork kernel(const loop::Kernel& kernel) {
    work_ = {};
    loads_.clear();
    stores_.clear();
    const loop::KernelView view(program_, kernel);
    body(view, view.body(), 1);
    for (auto [buffer, bytes] : stores_)
      if (leaves(buffer))
        work_.written += whole_at_most(buffer, bytes);
    for (auto [buffer, bytes] : loads_)
      if (!stores_.contains(buffer) || is_state(buffer))
        work_.read += whole_at_most(buffer, bytes);
    return work_;
  }

private:
  using Bytes = std::map<loop::BufferId, double>;

  void body(const loop::KernelView& view, const std::vector<Statement>& statements, double times) {
    for (const Statement& s : statements) {
      const double lanes = times * s.type.lanes;
      if (s.kind == StatementKind::For)
        body(view, s.body, times * static_cast<double>(loop::turns(s)));
      else if (s.kind == StatementKind::Compute && s.op != loop::ScalarOp::constant &&
               s.type.dtype != DType::boolean)
        work_.operations += s.op == loop::ScalarOp::fma ? 2 * lanes : lanes;
      else if (s.kind == StatementKind::Load || s.kind == StatementKind::Store)
        (s.kind == StatementKind::Load ? loads_
                                       : stores_)[loop::storage(program_, view.buffer(s.buffer))] +=
            lanes * static_cast<double>(byte_size(s.type.dtype));
    }
  }

  /// Which an update in place may have made one with its next value.
  bool is_state(loop::BufferId buffer) const {
    return program_.buffers[buffer].role == loop::BufferRole::state;
  }
  bool leaves(loop::BufferId buffer) const {
    return program_.buffers[buffer].role != loop::BufferRole::temporary ||
           toucher_[buffer] == by_several;
  }
  double whole_at_most(loop::BufferId buffer, double bytes) const {
    return std::min(bytes, static_cast<double>(program_.buffers[buffer].type.bytes()));
  }

  const loop::Program& program_;
  std::vector<size_t> toucher_; ///< per buffer, the kernel that loads or stores it
  KernelWork work_;             ///< of the kernel at hand
  Bytes loads_, stores_;
};

} // namespace

std::vector<KernelWork> work_of(const loop::Program& program) {
  Counter counter(program);
  std::vector<KernelWork> all;
  for (const loop::Kernel& kernel : program.kernels)
    all.push_back(counter.kernel(kernel));
  return all;
}

void BeforeSchedule::after_pass(const PassRecord& record, const Work& work) {
  if (work.stage == Stage::Simplified)
    simplified = work.step;
  else if (work.stage == Stage::Fused)
    fused = work.step;
  else if (work.stage == Stage::Loops && record.name == "expand")
    loops = work.program;
}

Least least_time(const KernelWork& work, const Limits& limits) {
  const double operations = work.operations / limits.flops,
               bytes = limits.seconds_of_bytes(work.read, work.written);
  return {std::max(operations, bytes), operations >= bytes};
}

StepWork step_work(const Work& work, CompileOptions options, const Limits& limits) {
  BeforeSchedule before;
  if (work.stage == Stage::Simplified)
    before.simplified = work.step;
  options.observer = &before;
  options.last = std::max(work.stage, Stage::Planned);
  const loop::Program planned = compile(work, options).work.program;
  StepWork step{.work = {}, .products = product_operations(before.simplified.graph)};
  for (const KernelWork& kernel : work_of(before.loops.kernels.empty() ? planned : before.loops)) {
    step.work.operations += kernel.operations;
    step.work.read += kernel.read;
    step.work.written += kernel.written;
    step.least_seconds += least_time(kernel, limits).seconds;
  }
  return step;
}

double product_operations(const Graph& graph) {
  double operations = 0;
  for (NodeId n = 0; n < graph.size(); ++n)
    if (kind(graph.op(n)) == OpKind::Contraction)
      operations += 2.0 * static_cast<double>(graph.type(n).elements()) *
                    static_cast<double>(accesses(graph, n).reduced.elements());
  return operations;
}

std::string amount(double number, const char* unit) {
  static constexpr std::pair<double, const char*> scales[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (auto [scale, letter] : scales)
    if (number >= scale)
      return fmt::format("{:.3g} {}{}", number / scale, letter, unit);
  return fmt::format("{:.3g} {}", number, unit);
}

std::string duration(double seconds) {
  return seconds < 1e-6   ? fmt::format("{:.1f} ns", seconds * 1e9)
         : seconds < 1e-3 ? fmt::format("{:.2f} us", seconds * 1e6)
         : seconds < 1    ? fmt::format("{:.2f} ms", seconds * 1e3)
                          : fmt::format("{:.2f} s", seconds);
}

std::string words(const Limits& limits) {
  const Limits::Rates &reads = limits.reads, &updates = limits.updates;
  return fmt::format(
      "{}; reads {} of {}, {} of {}, {} of more, in place reads and writes {}, {}, {} together",
      amount(limits.flops, "op/s"), amount(reads.cache, "B/s"),
      amount(static_cast<double>(limits.cache_bytes), "B"), amount(reads.far_cache, "B/s"),
      amount(static_cast<double>(Limits::far_bytes), "B"), amount(reads.memory, "B/s"),
      amount(updates.cache, "B/s"), amount(updates.far_cache, "B/s"),
      amount(updates.memory, "B/s"));
}

Json to_json(const Limits& limits) {
  Json json = {{"flops", limits.flops}};
  for (const auto& [prefix, rates] :
       {std::pair{"", limits.reads}, std::pair{"updates_", limits.updates}}) {
    json[prefix + std::string("memory")] = rates.memory;
    json[prefix + std::string("far_cache")] = rates.far_cache;
    json[prefix + std::string("cache")] = rates.cache;
  }
  return json;
}

} // namespace gdjit::tool
