// lower: node by node into naive nests, nests into loops, kernel by kernel.
#include "gdjit/Lowering/Lower.h"

#include "EqualDrafts.h"
#include "Lowering.h"
#include "Passes.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <ranges>
#include <unordered_map>

namespace gdjit {

namespace {

using namespace lowering;

/// The kernel in which a copy of `v` into an output or state is made.
uint32_t kernel_of(const Step& step, Value v, size_t kernels) {
  uint32_t k = step.partition.kernel_of[v.node];
  return k == Partition::no_kernel ? static_cast<uint32_t>(kernels - 1) : k;
}

/// A read, and an unnamed operation that is used once, on the user's same line, compute for the
/// node that uses them: a line of text can then hold them together.
void attribute_to_users(loop::Kernel& kernel, const Graph& graph) {
  struct Use {
    const Statement* first = nullptr;
    int count = 0;
  };
  std::unordered_map<loop::ValueId, Use> uses;
  std::vector<Statement*> statements;
  for_each(kernel.body, [&](Statement& s) {
    statements.push_back(&s);
    for (loop::ValueId operand : s.operands) {
      Use& use = uses[operand];
      if (use.count++ == 0)
        use.first = &s;
    }
  });
  auto on_line_of = [&](NodeId n, NodeId user) {
    return n != no_node && user != no_node && graph.name(n).empty() &&
           graph.location(n).line == graph.location(user).line &&
           graph.location(n).file == graph.location(user).file &&
           graph.origin(n).part == graph.origin(user).part;
  };
  for (Statement* s : std::views::reverse(statements)) { // users stand behind what they use
    auto use = uses.find(s->result);
    if (s->result == loop::none || use == uses.end())
      continue;
    NodeId user = use->second.first->node;
    bool read = s->kind == StatementKind::Load || s->kind == StatementKind::Get ||
                (s->kind == StatementKind::Compute && s->op == loop::ScalarOp::constant);
    if (read || (use->second.count == 1 && on_line_of(s->node, user)))
      s->node = user;
  }
}

/// True for reductions to few elements that wait neither for inputs nor for many elements, for what
/// they need and for what follows from them alone: a softmax of parameters. They come first: loops
/// over rows then read them where the rows are computed, and no array of rows waits for them. Nodes
/// that check indices stay where they are, since a call reports the first failure.
std::vector<bool> come_first(const Step& step) {
  constexpr int64_t few_elements = 64;
  const Graph& graph = step.graph;
  std::vector<bool> may(graph.size()), first(graph.size());
  for (NodeId n = 0; n < graph.size(); ++n) {
    const OpKind k = kind(graph.op(n));
    auto few = [&](Value v) { return graph.type(v).elements() <= few_elements; };
    std::span<const Value> operands = graph.operands(n);
    may[n] = graph.op(n) != Opcode::Input && k != OpKind::Indexing && few({n, 0}) &&
             std::ranges::all_of(operands, [&](Value v) { return few(v) && may[v.node]; });
    first[n] = may[n] && (k == OpKind::Reduction || k == OpKind::Contraction ||
                          std::ranges::any_of(operands, [&](Value v) { return first[v.node]; }));
  }
  for (NodeId n = graph.size(); n-- > 0;)
    for (Value v : graph.operands(n))
      first[v.node] = first[v.node] || first[n];
  return first;
}

std::vector<loop::Note> notes_of(const Step& step, const loop::Program& program) {
  std::vector<NodeId> nodes;
  for (const loop::Kernel& kernel : program.kernels) {
    const loop::KernelView view(program, kernel);
    NodeId last = no_node;
    for_each(view.body(), [&](const Statement& s) {
      if (s.node != last)
        nodes.push_back(view.node(last = s.node));
    });
  }
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  std::vector<loop::Note> notes;
  for (NodeId n : nodes) {
    if (n == no_node)
      continue;
    const std::string& name = step.graph.name(n);
    notes.push_back({n, name.empty() ? std::string(gdjit::name(step.graph.op(n))) : name,
                     step.graph.location(n), step.graph.origin(n).part});
  }
  return notes;
}

} // namespace

loop::Program lower(Step step, PassContext& context) {
  GDJIT_CHECK(step.stage == Stage::Fused);
  loop::Program program;
  program.stage = Stage::Loops;
  Lowering lowering(step, program);

  // Nodes and copies by kernel, in the order of the graph but for what comes first.
  const Partition& partition = step.partition;
  const size_t kernels = std::max<size_t>(partition.kernels.size(), 1);
  std::vector<std::vector<NodeId>> nodes(kernels);
  for (NodeId n = 0; n < step.graph.size(); ++n)
    if (partition.kernel_of[n] != Partition::no_kernel)
      nodes[partition.kernel_of[n]].push_back(n);
  const std::vector<bool> first = come_first(step);
  for (std::vector<NodeId>& of_kernel : nodes)
    std::stable_partition(of_kernel.begin(), of_kernel.end(), [&](NodeId n) { return first[n]; });
  struct Result {
    Value value;
    loop::BufferRole role;
    uint32_t number;
  };
  std::vector<std::vector<Result>> results(kernels);
  for (uint32_t i = 0; i < step.updates.size(); ++i)
    results[kernel_of(step, step.updates[i], kernels)].push_back(
        {step.updates[i], loop::BufferRole::update, i});
  for (uint32_t i = 0; i < step.outputs.size(); ++i)
    results[kernel_of(step, step.outputs[i], kernels)].push_back(
        {step.outputs[i], loop::BufferRole::output, i});

  EqualDrafts drafts(step, program);
  KernelDraft draft;
  for (size_t k = 0; k < kernels; ++k) {
    draft.clear();
    draft.kernel.name = "k" + std::to_string(k);
    if (k < partition.kernels.size()) {
      draft.kernel.name = partition.kernels[k].name;
      draft.kernel.title = partition.kernels[k].title;
      draft.kernel.reason = partition.kernels[k].reason;
    }
    for (NodeId n : nodes[k])
      lowering.node(draft, n);
    for (const Result& r : results[k])
      lowering.result(draft, r.value, r.role, r.number);
    program.kernels.push_back(drafts.loops_of(
        draft, [&](BufferId b) { return lowering.is_private(b, static_cast<uint32_t>(k)); }));
  }
  remove_dead(program);
  for (loop::Kernel& kernel : program.kernels) {
    if (kernel.same_as != loop::none)
      continue;
    sink(kernel, program);
    number_ids(kernel);
    attribute_to_users(kernel, step.graph);
  }
  program.notes = notes_of(step, program);
  program.signature = std::move(step.signature);
  context.changed = true;
  return program;
}

} // namespace gdjit
