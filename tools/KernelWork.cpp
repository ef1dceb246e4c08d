// Each statement as often as its loops turn, each buffer no further than it is long.
#include "KernelWork.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Ops/Op.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace gdjit::tool {

namespace {

using loop::Statement;
using loop::StatementKind;

class Counter {
public:
  explicit Counter(const loop::Program& program) : program_(program) {}

  void body(const std::vector<Statement>& statements, double times) {
    for (const Statement& s : statements) {
      const double lanes = times * s.type.lanes;
      if (s.kind == StatementKind::For)
        body(s.body, times * static_cast<double>(loop::turns(s)));
      else if (s.kind == StatementKind::Compute && s.op != loop::ScalarOp::constant &&
               s.type.dtype != DType::boolean)
        work_.operations += s.op == loop::ScalarOp::fma ? 2 * lanes : lanes;
      else if (s.kind == StatementKind::Load)
        touch(loads_, s, lanes);
      else if (s.kind == StatementKind::Store)
        touch(stores_, s, lanes);
    }
  }

  KernelWork finish() {
    for (const auto* touched : {&loads_, &stores_})
      for (auto [buffer, bytes] : *touched)
        work_.bytes += std::min(bytes, static_cast<double>(program_.buffers[buffer].type.bytes()));
    return work_;
  }

private:
  using Bytes = std::map<loop::BufferId, double>;
  void touch(Bytes& bytes, const Statement& s, double lanes) {
    bytes[loop::storage(program_, s.buffer)] +=
        lanes * static_cast<double>(byte_size(s.type.dtype));
  }

  const loop::Program& program_;
  KernelWork work_;
  Bytes loads_, stores_;
};

} // namespace

KernelWork work_of(const loop::Program& program, const loop::Kernel& kernel) {
  Counter counter(program);
  counter.body(kernel.body, 1);
  return counter.finish();
}

StepWork work_of(const loop::Program& program, const Limits& limits) {
  StepWork step;
  for (const loop::Kernel& kernel : program.kernels) {
    const KernelWork work = work_of(program, loop::written_out(program, kernel));
    step.work.operations += work.operations;
    step.work.bytes += work.bytes;
    step.least_seconds += least_seconds(work, limits);
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

double least_seconds(const KernelWork& work, const Limits& limits) {
  return std::max(work.operations / limits.flops, limits.seconds_of_bytes(work.bytes));
}

std::string amount(double number, const char* unit) {
  static constexpr std::pair<double, const char*> scales[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (auto [scale, letter] : scales)
    if (number >= scale)
      return fmt::format("{:.3g} {}{}", number / scale, letter, unit);
  return fmt::format("{:.3g} {}", number, unit);
}

} // namespace gdjit::tool
