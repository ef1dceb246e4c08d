// Facts from the step before its schedule, and from the plan.
#include "KernelFacts.h"

#include "StageCounts.h"

#include "gdjit/IR/Opcode.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Ops/Op.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace gdjit::tool {

namespace {

using loop::Statement;
using loop::StatementKind;

std::vector<std::pair<std::string, std::string>>
lines_of(const loop::Program& program, const loop::Kernel& kernel, TextFolder& sources) {
  std::vector<SourceLocation> places;
  for_each(kernel.body, [&](const Statement& s) {
    const loop::Note* note = loop::find_note(program.notes, s.node);
    if (!note || !note->location.known())
      return;
    const bool fresh = std::none_of(places.begin(), places.end(), [&](const SourceLocation& p) {
      return p.file == note->location.file && p.line == note->location.line;
    });
    if (fresh)
      places.push_back(note->location);
  });
  std::stable_sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
    return std::pair(std::string_view(a.file), a.line) <
           std::pair(std::string_view(b.file), b.line);
  });
  std::vector<std::pair<std::string, std::string>> lines;
  for (const SourceLocation& p : places)
    lines.emplace_back(fmt::format("{}:{}", p.file, p.line), sources.source(p));
  return lines;
}

/// The first few of some words.
std::string some_of(const std::vector<std::string>& words, size_t most) {
  return fmt::format("{}{}",
                     fmt::join(words.begin(),
                               words.begin() + static_cast<ptrdiff_t>(std::min(most, words.size())),
                               ", "),
                     words.size() > most ? fmt::format(", … ({} in all)", words.size()) : "");
}

/// The outermost loops of a kernel one by one.
class Nests {
public:
  Nests(const loop::Program& program, const loop::Kernel& kernel, const Graph& fused)
      : program_(program), kernel_(kernel), graph_(fused) {}

  std::vector<std::string> lines() {
    std::vector<std::string> lines;
    const Statement* before = nullptr;
    for (const Statement& s : kernel_.body) {
      if (s.kind != StatementKind::For)
        continue;
      lines.push_back(fmt::format("{}: {}{}", turns_of(s), nodes_of(s),
                                  before ? "; not in the loop above: " + apart(s, *before) : ""));
      before = &s;
    }
    return lines;
  }

private:
  /// "i 64, j 128": the loops around what is done most.
  std::string turns_of(const Statement& nest) const {
    std::string text;
    const Statement* l = &nest;
    while (l) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", kernel_.loop_names[l->loop],
                          loop::turns(*l));
      const Statement* inner = nullptr;
      size_t count = 0;
      for (const Statement& s : l->body)
        if (s.kind == StatementKind::For)
          inner = &s, ++count;
      l = count == 1 ? inner : nullptr;
    }
    return text;
  }

  std::string nodes_of(const Statement& nest) const {
    constexpr size_t most = 6;
    std::vector<std::string> words;
    visit(nest, [&](const Statement& s) {
      if (const loop::Note* note = loop::find_note(program_.notes, s.node);
          note && std::ranges::find(words, note->name) == words.end())
        words.push_back(note->name);
    });
    return some_of(words, most);
  }

  /// Why a nest is not one with the nest before.
  std::string apart(const Statement& nest, const Statement& before) const {
    if (loop::turns(nest) != loop::turns(before))
      return "another number of iterations";
    std::set<loop::BufferId> stored;
    std::set<loop::TileId> set;
    bool product = false, reads = false;
    visit(before, [&](const Statement& s) {
      if (s.kind == StatementKind::Store)
        stored.insert(loop::storage(program_, s.buffer));
      if (s.kind == StatementKind::Set)
        set.insert(s.tile);
      product |= s.node < graph_.size() && gdjit::kind(graph_.op(s.node)) == OpKind::Contraction;
    });
    visit(nest, [&](const Statement& s) {
      reads |=
          (s.kind == StatementKind::Load && stored.contains(loop::storage(program_, s.buffer))) ||
          ((s.kind == StatementKind::Get || s.kind == StatementKind::Join) && set.contains(s.tile));
      product |= s.node < graph_.size() && gdjit::kind(graph_.op(s.node)) == OpKind::Contraction;
    });
    return product ? "a contraction keeps its loops"
           : reads ? "it reads what other iterations of that compute"
                   : "they work on different arrays";
  }

  template <class Visit> static void visit(const Statement& nest, const Visit& visit) {
    visit(nest);
    for_each(nest.body, visit);
  }

  const loop::Program& program_;
  const loop::Kernel& kernel_;
  const Graph& graph_;
};

/// The orders that may have been chosen for a node: those of a gradient follow from its rows, too.
std::vector<ChosenOrder> chosen_for(const Graph& graph, NodeId n, int64_t terms) {
  const TensorType& type = graph.type(n);
  if (kind(graph.op(n)) != OpKind::Contraction)
    return {choose_order(type.dtype, graph.type(graph.operand(n, 0)).shape,
                         graph.attributes(n).integers(Attr::axes))};
  const int rank = type.shape.rank();
  const int64_t columns = type.shape[rank - 1], rows = type.shape[rank - 2];
  std::vector<ChosenOrder> chosen;
  if (graph.attributes(n).boolean(Attr::transpose_lhs))
    chosen.push_back(choose_gradient_order(type.dtype, terms, columns, rows));
  chosen.push_back(choose_product_order(type.dtype, terms, columns));
  return chosen;
}

/// A reduction order in words: the same whatever the machine, the schedule and the threads.
std::string words(const Graph& graph, NodeId n) {
  const ReductionOrder order = graph.attributes(n).order(Attr::order);
  const int64_t terms = accesses(graph, n).reduced.elements();
  const std::vector<ChosenOrder> chosen = chosen_for(graph, n, terms);
  const auto own = std::ranges::find(chosen, order, &ChosenOrder::order);
  const std::string asked = "as its order asks: " + to_string(order); // in a text
  const std::string chains = fmt::format(
      "{}, {}",
      order.partials == 1 ? "one chain"
                          : fmt::format("{} partial sums, added up by a tree", order.partials),
      own == chosen.end() ? asked : own->chains);
  if (order.block > 0)
    return fmt::format("blocks of {} of {} terms, added one after another, {}; each block {}",
                       order.block, terms, own == chosen.end() ? asked : own->blocks, chains);
  return fmt::format("{} in {}", counted(terms, "term"), chains);
}

/// In which order the sums of a kernel are added.
std::vector<std::string> orders_of(const loop::Kernel& kernel, const Graph& graph) {
  std::vector<std::pair<std::string, std::vector<std::string>>> nodes; // by order
  std::set<NodeId> seen;
  for_each(kernel.body, [&](const Statement& s) {
    if (s.node >= graph.size() || !seen.insert(s.node).second)
      return;
    const OpKind kind = gdjit::kind(graph.op(s.node));
    if ((kind != OpKind::Contraction && kind != OpKind::Reduction) ||
        !graph.attributes(s.node).has(Attr::order) || !is_float(graph.type(s.node).dtype))
      return;
    std::string order = words(graph, s.node);
    auto at = std::ranges::find(nodes, order, &decltype(nodes)::value_type::first);
    if (at == nodes.end())
      at = nodes.emplace(at, std::move(order), std::vector<std::string>());
    const std::string& own = graph.name(s.node);
    at->second.push_back(fmt::format("%{} ({})", own.empty() ? std::to_string(s.node) : own,
                                     name(graph.op(s.node))));
  });
  std::vector<std::string> lines;
  for (const auto& [order, names] : nodes)
    lines.push_back(fmt::format("{}: {}", some_of(names, 4), order));
  return lines;
}

/// What the schedule calls "w.packed54" and "between_loops14", for who has not read it.
std::string told(const std::string& buffer) {
  const size_t end = buffer.find_last_not_of("0123456789") + 1;
  const std::string_view stem = std::string_view(buffer).substr(0, end);
  for (const std::string_view copy : {".packed", ".panel", ".rows"})
    if (stem.ends_with(copy))
      return fmt::format("a copy of {}", stem.substr(0, stem.size() - copy.size()));
  if (stem == "sums" || stem.ends_with(".sums"))
    return "sums of blocks";
  return stem == "between_loops" ? "values between two loops" : buffer;
}

KernelFacts called(const loop::Kernel& kernel) {
  KernelFacts facts;
  facts.name = kernel.name;
  facts.title = kernel.title;
  facts.reason = kernel.reason;
  return facts;
}

/// Per kernel of `facts`.
void add_own_arrays(const loop::Program& planned, std::vector<KernelFacts>& facts) {
  constexpr size_t nobody = ~size_t{0};
  std::vector<size_t> toucher(planned.buffers.size(), nobody);
  std::vector<bool> shared(planned.buffers.size());
  for (size_t f = 0; f < facts.size(); ++f)
    for (size_t k : facts[f].parts) {
      const loop::KernelView view(planned, planned.kernels[k]);
      for_each(view.body(), [&](const Statement& s) {
        if (s.buffer == loop::none)
          return;
        const loop::BufferId b = loop::storage(planned, view.buffer(s.buffer));
        shared[b] = shared[b] || (toucher[b] != nobody && toucher[b] != f);
        toucher[b] = f;
      });
    }
  std::vector<loop::BufferId> order;
  for (loop::BufferId b = 0; b < planned.buffers.size(); ++b)
    if (toucher[b] != nobody && !shared[b] &&
        planned.buffers[b].role == loop::BufferRole::temporary)
      order.push_back(b);
  std::ranges::stable_sort(order, std::greater(),
                           [&](loop::BufferId b) { return planned.buffers[b].type.bytes(); });
  for (loop::BufferId b : order) {
    OwnArrays& own = facts[toucher[b]].own;
    if (std::string name = told(planned.buffers[b].name);
        std::ranges::find(own.names, name) == own.names.end())
      own.names.push_back(std::move(name));
    own.bytes += static_cast<double>(planned.buffers[b].type.bytes());
  }
}

} // namespace

std::string words(const OwnArrays& own) {
  constexpr size_t most = 3;
  return fmt::format("{} of temporary arrays: {}", amount(own.bytes, "B"),
                     some_of(own.names, most));
}

std::vector<KernelFacts> facts_of(const loop::Program& planned, const BeforeSchedule& before,
                                  TextFolder& sources) {
  const loop::Program& loops = before.loops;
  std::vector<KernelFacts> facts;
  const std::vector<KernelWork> work = work_of(loops);
  const auto fused = before.simplified.graph.size() == 0 ? std::vector<std::vector<std::string>>()
                                                         : why_fused(before.simplified);
  size_t k = 0;
  for (size_t source = 0; source < loops.kernels.size(); ++source) {
    const loop::Kernel kernel = loop::written_out(loops, loops.kernels[source]);
    KernelFacts& own = facts.emplace_back(called(kernel));
    own.lines = lines_of(loops, kernel, sources);
    if (source < fused.size())
      own.fused = fused[source];
    own.loops = Nests(loops, kernel, before.fused.graph).lines();
    own.order = orders_of(kernel, before.fused.graph);
    own.work = work[source];
    for (; k < planned.kernels.size(); ++k) {
      const std::string& name = planned.kernels[k].name;
      if (name != own.name && !name.starts_with(own.name + "."))
        break;
      own.parts.push_back(k);
    }
  }
  const std::vector<KernelWork> as_planned = work_of(planned);
  for (; k < planned.kernels.size(); ++k) {
    const loop::Kernel kernel = loop::written_out(planned, planned.kernels[k]);
    KernelFacts& own = facts.emplace_back(called(kernel));
    own.lines = lines_of(planned, kernel, sources);
    own.work = as_planned[k];
    own.parts = {k};
  }
  add_own_arrays(planned, facts);
  return facts;
}

} // namespace gdjit::tool
