// The greedy partition of a graph.
#include "Grouping.h"

#include <fmt/format.h>

#include <algorithm>

namespace gdjit::lowering {

namespace {

/// What waits for its first reader together holds at most this many statements: a kernel that takes
/// it stays near its length. Single numbers of more (an optimizer's bias correction) come first, so
/// that no update waits for them.
constexpr int64_t waiting_operations = 100;
/// Loops over rows of at most this many elements may run with the rows as lanes.
constexpr int64_t short_row = 64;
/// Movement of arguments belongs to no kernel while a chain of it is shorter than this: a longer
/// one is cut by a copy.
constexpr int most_free_maps = 6;

Shape without_units(const Shape& shape) {
  Shape s;
  for (int64_t e : shape)
    if (e != 1)
      s.push_back(e);
  return s;
}

/// True where `part` is `whole` with some axes left out: reduced, or not yet broadcast.
bool is_part_of(const Shape& part, const Shape& whole) {
  int at = 0;
  for (int i = 0; i < whole.rank() && at < part.rank(); ++i)
    if (part[at] == whole[i])
      ++at;
  return at == part.rank();
}

/// Per node, the greatest number(reader) over the nodes that read it, through Movement too; 0 for
/// none.
template <class Number>
std::vector<uint32_t> greatest_reader(const Graph& graph, const Number& number) {
  std::vector<uint32_t> greatest(graph.size(), 0);
  for (NodeId n = graph.size(); n-- > 0;) {
    uint32_t reader = kind(graph.op(n)) == OpKind::Movement ? greatest[n] : number(n);
    for (Value v : graph.operands(n))
      greatest[v.node] = std::max(greatest[v.node], reader);
  }
  return greatest;
}

/// Per node, how many nodes of more than one element read it, through Movement too.
std::vector<uint32_t> readers_of_many(const Graph& graph) {
  std::vector<uint32_t> readers(graph.size(), 0);
  for (NodeId n = graph.size(); n-- > 0;) {
    uint32_t own = graph.type(n).elements() > 1 ? 1 : 0;
    if (kind(graph.op(n)) == OpKind::Movement)
      own = readers[n];
    for (Value v : graph.operands(n))
      readers[v.node] += own;
  }
  return readers;
}

/// By row of Signature::states, the greatest of what its nodes have.
std::unordered_map<int64_t, uint32_t> by_state(const Graph& graph,
                                               const std::vector<uint32_t>& of_node) {
  std::unordered_map<int64_t, uint32_t> greatest;
  for (NodeId n = 0; n < graph.size(); ++n)
    if (graph.op(n) == Opcode::State) {
      uint32_t& g = greatest[graph.attributes(n).integer(Attr::index)];
      g = std::max(g, of_node[n]);
    }
  return greatest;
}

} // namespace

Shape Grouping::space(NodeId n) const {
  bool reduces = kind(graph_.op(n)) == OpKind::Reduction;
  return without_units((reduces ? graph_.type(graph_.operand(n, 0)) : graph_.type(n)).shape);
}

/// The length of the chain of Movement nodes from arguments and literals up to `n`; most_free_maps
/// where it is longer, or computed things are below it.
int Grouping::maps(NodeId n) {
  int longest = 0;
  for (Value v : graph_.operands(n))
    longest = std::max(longest, cost_[v.node] > 0 ? most_free_maps : maps_[v.node] + 1);
  return maps_[n] = static_cast<uint8_t>(std::min(longest, most_free_maps));
}

Grouping::Grouping(const Step& step)
    : step_(step), graph_(step.graph), expansions_(step.graph), cost_(step.graph.size(), 0),
      chain_bytes_(step.graph.size(), 0), maps_(step.graph.size(), 0),
      waiting_(step.graph.size(), 0), kernel_(step.graph.size(), Partition::no_kernel),
      why_(step.graph.size(), Why::maps), kept_until_(step.graph.size(), 0),
      last_reader_(step.graph.size(), no_node), late_(step.graph.size(), false),
      looked_at_(step.graph.size(), 0) {
  for (NodeId n = 0; n < graph_.size(); ++n) {
    if (is_argument(graph_, n) || is_literal(graph_, n))
      continue;
    switch (kind(graph_.op(n))) {
    case OpKind::Pointwise:
    case OpKind::Source:
      cost_[n] = access_cost + static_cast<int32_t>(expansions_.of(n).instructions.size());
      break;
    case OpKind::Movement: // of arguments alone: an index map that any kernel may read through
      cost_[n] = maps(n) < most_free_maps ? 0 : 1;
      break;
    default:
      cost_[n] = 3 * access_cost;
      chain_bytes_[n] = chain_tile_bytes(graph_, n);
      break;
    }
  }
}

void Grouping::find_late_updates() {
  const std::vector<uint32_t> last = greatest_reader(graph_, [](NodeId n) { return n; });
  const std::unordered_map<int64_t, uint32_t> of_state = by_state(graph_, last);
  for (size_t i = 0; i < step_.updates.size(); ++i) {
    NodeId n = step_.updates[i].node;
    auto reader = of_state.find(step_.signature.updates[i].state);
    if (kind(graph_.op(n)) == OpKind::Pointwise && last[n] == 0 && reader != of_state.end() &&
        reader->second > n)
      late_[n] = true; // of one of the states that it updates, if it updates several
  }
}

void Grouping::assign_late_updates() {
  const std::unordered_map<int64_t, uint32_t> of_state =
      by_state(graph_, greatest_reader(graph_, [&](NodeId n) {
                 return kernel_[n] == Partition::no_kernel ? 0 : kernel_[n];
               }));
  uint32_t updates = Partition::no_kernel;
  for (size_t i = 0; i < step_.updates.size(); ++i) {
    NodeId n = step_.updates[i].node;
    if (!late_[n] || kernel_[n] != Partition::no_kernel)
      continue;
    uint32_t gradient = latest_operand(n);
    auto reader = of_state.find(step_.signature.updates[i].state);
    if (gradient != Partition::no_kernel &&
        (reader == of_state.end() || gradient >= reader->second) && fits(n, gradient)) {
      join(n, gradient, Why::elements);
      continue;
    }
    if (updates == Partition::no_kernel ||
        groups_[updates].operations + cost_[n] > kernel_operations) {
      updates = begin_group(n);
      groups_[updates].reason = "updates behind the last read of their states";
    }
    join(n, updates, Why::late);
  }
}

/// What waits below `n` comes with it: what that reads counts, too.
uint32_t Grouping::latest_operand(NodeId n) {
  uint32_t latest = Partition::no_kernel;
  std::vector<NodeId> open = {n};
  ++looks_;
  while (!open.empty()) {
    NodeId reader = open.back();
    open.pop_back();
    for (Value v : graph_.operands(reader)) {
      const uint32_t k = kernel_[v.node];
      if (k != Partition::no_kernel) {
        latest = latest == Partition::no_kernel ? k : std::max(latest, k);
      } else if (cost_[v.node] > 0 && looked_at_[v.node] != looks_) {
        looked_at_[v.node] = looks_;
        open.push_back(v.node);
      }
    }
  }
  return latest;
}

uint32_t Grouping::begin_group(NodeId n) {
  Group& group = groups_.emplace_back();
  group.spaces.push_back(space(n));
  return static_cast<uint32_t>(groups_.size() - 1);
}

void Grouping::join(NodeId n, uint32_t group, Why why) {
  kernel_[n] = group;
  why_[n] = why;
  groups_[group].operations += cost_[n];
  groups_[group].chain_bytes += chain_bytes_[n];
  OpKind k = kind(graph_.op(n));
  if (k == OpKind::Indexing) {
    last_check_ = group;
    groups_[group].spaces.push_back(without_units(graph_.type(n).shape));
  }
  settle_operands(n, group);
}

void Grouping::settle_operands(NodeId n, uint32_t group) {
  std::vector<NodeId> open = {n};
  while (!open.empty()) {
    NodeId reader = open.back();
    open.pop_back();
    for (Value v : graph_.operands(reader))
      if (cost_[v.node] > 0 && kernel_[v.node] == Partition::no_kernel) {
        kernel_[v.node] = group;
        if (why_[v.node] != Why::kept && kind(graph_.op(v.node)) != OpKind::Movement)
          why_[v.node] = Why::reader;
        groups_[group].operations += cost_[v.node];
        open.push_back(v.node);
      }
  }
}

bool Grouping::is_full(NodeId n, uint32_t group) const {
  return groups_[group].operations + cost_[n] > kernel_operations;
}

bool Grouping::is_full_of_chains(NodeId n, uint32_t group) const {
  return chain_bytes_[n] > 0 && groups_[group].chain_bytes + chain_bytes_[n] > kernel_chain_bytes;
}

bool Grouping::runs_over(NodeId n, uint32_t group) const {
  return std::ranges::any_of(groups_[group].spaces, [own = space(n)](const Shape& known) {
    return is_part_of(own, known);
  });
}

bool Grouping::fits(NodeId n, uint32_t group) {
  Group& g = groups_[group];
  OpKind k = kind(graph_.op(n));
  auto refuse = [&](std::string why) {
    if (g.reason.empty()) {
      g.reason = std::move(why);
      g.refused = n;
    }
    return false;
  };
  if (is_full(n, group))
    return refuse(fmt::format(" would make it longer than {} operations", kernel_operations));
  if (is_full_of_chains(n, group))
    return refuse(
        fmt::format(" would make the chains of its sums longer than {} bytes", kernel_chain_bytes));
  if (k == OpKind::Contraction)
    return refuse(" is a contraction, with loops of its own" + several_);
  if (runs_over(n, group))
    return true;
  return refuse(fmt::format(" runs over {}, not {}", to_string(space(n)), to_string(g.spaces[0])));
}

/// Single numbers that follow from arguments alone and are too long to wait for a reader, or have
/// several: the first one's kernel would draw in all others.
void Grouping::assign_numbers() {
  const std::vector<uint32_t> readers = readers_of_many(graph_);
  std::vector<int64_t> statements(graph_.size(), 0); // of a number and those below it
  for (NodeId n = 0; n < graph_.size(); ++n) {
    OpKind k = kind(graph_.op(n));
    if (cost_[n] == 0 || late_[n] || (k != OpKind::Pointwise && k != OpKind::Source) ||
        graph_.type(n).elements() != 1)
      continue;
    bool given = true;
    int64_t total = cost_[n];
    for (Value v : graph_.operands(n)) {
      given = given && (cost_[v.node] == 0 || statements[v.node] > 0);
      total += statements[v.node];
    }
    if (!given)
      continue;
    statements[n] = std::min(total, waiting_operations + 1);
    if (total <= waiting_operations && readers[n] < 2)
      continue;
    if (numbers_ == Partition::no_kernel) {
      numbers_ = begin_group(n);
      groups_[numbers_].reason = "single numbers, for all that follows";
    }
    if (!is_full(n, numbers_))
      join(n, numbers_, Why::number);
  }
}

void Grouping::assign(NodeId n) {
  uint32_t latest = latest_operand(n);
  OpKind k = kind(graph_.op(n));
  int64_t waiting = cost_[n];
  for (Value v : graph_.operands(n))
    waiting += waiting_[v.node];
  if (k == OpKind::Movement) { // an index map: belongs to what it reads
    waiting_[n] = waiting;
    if (latest != Partition::no_kernel) {
      kernel_[n] = latest;
      settle_operands(n, latest);
    }
    return;
  }
  if (k == OpKind::Indexing && last_check_ != Partition::no_kernel)
    latest = latest == Partition::no_kernel ? last_check_ : std::max(latest, last_check_);
  if (latest != Partition::no_kernel && latest != numbers_ && waiting <= waiting_operations &&
      waits(n)) {
    waiting_[n] = waiting;
    why_[n] = Why::kept;
    return;
  }
  if (latest != Partition::no_kernel && fits(n, latest))
    return join(n, latest, Why::elements);
  // The kernel of numbers comes before all others: what reads of no other can wait, too.
  if ((latest == Partition::no_kernel || latest == numbers_) &&
      (k == OpKind::Pointwise || k == OpKind::Source) && waiting <= waiting_operations) {
    waiting_[n] = waiting;
    kept_until_[n] = no_node;
    return; // for its first reader
  }
  // What was too long for the kernel that it reads from goes on in the newest one.
  const auto newest = static_cast<uint32_t>(groups_.size()) - 1;
  // So does a look-up that reads nothing computed, where that has loops over its rows: its reader
  // finds them at hand. Among short rows, which are lanes, its check would be in the way.
  const Shape& shape = graph_.type(n).shape;
  if (latest == Partition::no_kernel && k == OpKind::Indexing && !groups_.empty() &&
      shape.rank() > 0 && shape[shape.rank() - 1] > short_row && runs_over(n, newest) &&
      !is_full(n, newest))
    return join(n, newest, Why::rows);
  if (latest != Partition::no_kernel && (is_full(n, latest) || is_full_of_chains(n, latest)) &&
      latest < newest && fits(n, newest))
    return join(n, newest, Why::long_kernel);
  join(n, begin_group(n), latest == Partition::no_kernel ? Why::source : Why::begins);
}

Partition Grouping::run() {
  Partition partition;
  auto computes = [&](NodeId n) { return cost_[n] > 0; };
  if (whole_step_fits()) {
    groups_.emplace_back().reason =
        work_ > static_cast<double>(whole_step_work)
            ? "one loop over the rows takes all layers: one call, one pass"
            : "the whole step is small: one call, one pass";
    for (NodeId n = 0; n < graph_.size(); ++n)
      if (computes(n)) {
        kernel_[n] = 0;
        why_[n] = Why::whole_step;
      }
  } else {
    find_kept();
    find_late_updates();
    assign_numbers();
    for (NodeId n = 0; n < graph_.size(); ++n)
      if (computes(n) && !late_[n] && kernel_[n] == Partition::no_kernel)
        assign(n);
    assign_late_updates();
    uint32_t rest = Partition::no_kernel; // what only the outside reads
    for (NodeId n = 0; n < graph_.size(); ++n)
      if (computes(n) && kernel_[n] == Partition::no_kernel) {
        if (rest == Partition::no_kernel ||
            groups_[rest].operations + cost_[n] > kernel_operations) {
          rest = begin_group(n);
          groups_[rest].reason = "only the outside reads its results";
        }
        kernel_[n] = rest;
        why_[n] = Why::outside;
        groups_[rest].operations += cost_[n];
      }
  }
  for (Group& group : groups_) {
    if (group.reason.empty())
      group.reason = "nothing more works on its elements";
    refused_.push_back(group.refused);
    partition.kernels.push_back(
        {fmt::format("k{}", partition.kernels.size()), "", std::move(group.reason)});
  }
  partition.kernel_of = std::move(kernel_);
  return partition;
}

} // namespace gdjit::lowering
