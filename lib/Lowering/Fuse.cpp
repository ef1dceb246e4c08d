// fuse: the graph in kernels, its nodes kernel by kernel.
//
//   %3 = matmul …  %4 = add %3 …  %5 = matmul …   =>   kernel k0 "x·w+b" { %3 %4 } because "%5 is a
//   contraction …"
//                                                      kernel k1 …
// Needs Simplified; leaves the same nodes, sources that need no code first, then the kernels in the
// order they run.
#include "gdjit/Lowering/Fuse.h"

#include "Grouping.h"

#include "gdjit/Support/Error.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace gdjit {

namespace {

Step sorted_by_kernel(Step step, const Partition& partition, std::vector<NodeId>& moved) {
  const std::vector<NodeId> order = lowering::by_kernel(partition);
  Step sorted;
  sorted.signature = std::move(step.signature);
  sorted.stage = Stage::Fused;
  sorted.graph.share_files(step.graph);
  sorted.graph.reserve_like(step.graph);
  sorted.partition.kernel_of.reserve(order.size());
  moved.assign(step.graph.size(), no_node);
  std::vector<Value> operands;
  std::vector<TensorType> types;
  for (NodeId n : order) {
    operands.clear();
    types.clear();
    for (Value v : step.graph.operands(n)) {
      GDJIT_CHECK(moved[v.node] != no_node);
      operands.push_back({moved[v.node], v.result});
    }
    for (int r = 0; r < step.graph.result_count(n); ++r)
      types.push_back(step.graph.type(Value{n, static_cast<uint32_t>(r)}));
    moved[n] = sorted.graph.append(step.graph.op(n), operands, step.graph.attributes(n), types,
                                   step.graph.origin(n));
    if (const std::string& name = step.graph.name(n); !name.empty())
      sorted.graph.set_name(moved[n], name);
    sorted.partition.kernel_of.push_back(partition.kernel_of[n]);
  }
  for (Value v : step.outputs)
    sorted.outputs.push_back({moved[v.node], v.result});
  for (Value v : step.updates)
    sorted.updates.push_back({moved[v.node], v.result});
  return sorted;
}

} // namespace

std::vector<NodeId> lowering::by_kernel(const Partition& partition) {
  std::vector<NodeId> order(partition.kernel_of.size());
  std::iota(order.begin(), order.end(), NodeId{0});
  auto kernel = [&](NodeId n) { return partition.kernel_of[n] + 1; }; // no_kernel becomes 0
  std::stable_sort(order.begin(), order.end(),
                   [&](NodeId a, NodeId b) { return kernel(a) < kernel(b); });
  return order;
}

Step fuse(Step step, PassContext& context) {
  GDJIT_CHECK(step.stage == Stage::Simplified);
  lowering::Grouping grouping(step);
  Partition partition = grouping.run();
  std::vector<NodeId> moved;
  Step fused = sorted_by_kernel(std::move(step), partition, moved);
  fused.partition.kernels = std::move(partition.kernels);
  std::vector<std::string> titles = lowering::titles(fused, fused.partition);
  for (size_t k = 0; k < titles.size(); ++k) {
    KernelGroup& group = fused.partition.kernels[k];
    group.title = std::move(titles[k]);
    if (NodeId refused = grouping.refused()[k]; refused != no_node) {
      NodeId n = moved[refused];
      const std::string& own = fused.graph.name(n);
      group.reason = fmt::format("%{} ({}){}", own.empty() ? std::to_string(n) : own,
                                 name(fused.graph.op(n)), group.reason);
    }
    context.remarks.push_back(group.name + " \"" + group.title + "\" ends: " + group.reason);
  }
  context.changed = true;
  return fused;
}

} // namespace gdjit
