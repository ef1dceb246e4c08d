// Grouping: which kernel each node belongs to, and why each kernel ends where it ends.
//
// Nodes are taken in order. One that computes joins the latest kernel that it reads from if it
// works on the same elements; a contraction begins a kernel of its own, so that equal layers have
// equal kernels and each keeps its schedule; a node that reads nothing computed goes where it is
// first needed, or, a single number that is long to compute, in front of everything. Linear in the
// graph.
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/Ops/Expansions.h"

namespace gdjit::lowering {

/// Why a node is in its kernel.
enum class Why : uint8_t {
  maps,        ///< Movement: an index map of what it reads
  begins,      ///< no kernel that it reads from can take it: it begins one
  source,      ///< it reads nothing that is computed, and cannot wait for a reader: it begins one
  elements,    ///< it reads what the kernel computes, and runs over the same elements
  reader,      ///< it reads nothing that is computed, and is done where it is first read
  kept,        ///< what it reads is kept for later kernels: it is done where it is first read
  number,      ///< a single number that comes before everything
  rows,        ///< a look-up over the rows that the newest kernel runs over
  long_kernel, ///< the kernel that it reads from is full: it goes on in the newest
  late,        ///< an update behind the last read of its state
  outside,     ///< only the outside reads it
  whole_step,  ///< there is one kernel
};

class Grouping {
public:
  explicit Grouping(const Step& step);

  Partition run();
  /// Per node that is in a kernel.
  const std::vector<Why>& why() const { return why_; }
  /// Where the whole step is one kernel: its statements, and its scalar operations.
  int64_t statements() const { return statements_; }
  double work() const { return work_; }
  /// True where one loop takes several rows at once through all of it, however many there are.
  bool rows_are_lanes() const { return rows_are_lanes_; }
  /// Per kernel, the node that could not join it, whose name goes in front of the reason; no_node
  /// for none.
  const std::vector<NodeId>& refused() const { return refused_; }

private:
  struct Group {
    std::vector<Shape> spaces; ///< shapes that it iterates over, without axes of extent 1
    int64_t operations = 0;    ///< estimated Loop IR statements
    int64_t chain_bytes = 0;   ///< of tiles of chains
    std::string reason;        ///< of its end
    NodeId refused = no_node;  ///< the first node that could not join
  };

  int maps(NodeId n);
  void assign_numbers();
  void assign(NodeId n);
  uint32_t begin_group(NodeId n);
  void join(NodeId n, uint32_t group, Why why);
  bool fits(NodeId n, uint32_t group);
  /// True where `group` with `n` would be too long.
  bool is_full(NodeId n, uint32_t group) const;
  /// True where it would have more chains than fit its tiles.
  bool is_full_of_chains(NodeId n, uint32_t group) const;
  /// True where `group` has loops over the elements of `n`.
  bool runs_over(NodeId n, uint32_t group) const;
  /// Puts the nodes below `n` that wait for a reader into its kernel.
  void settle_operands(NodeId n, uint32_t group);
  void find_kept();
  void keep_for_readers(const std::vector<NodeId>& place, std::vector<bool> kept);
  /// True where `n` waits for its first reader, and notes until when it may: all that it reads is
  /// kept behind its last reader.
  bool waits(NodeId n);
  void find_late_updates();
  void assign_late_updates();
  uint32_t latest_operand(NodeId n);
  /// The shape that a node iterates over, without axes of extent 1.
  Shape space(NodeId n) const;
  bool whole_step_fits();
  void look_at_layers();

  const Step& step_;
  const Graph& graph_;
  std::string several_; ///< why contractions have kernels of their own; "" for no such reason
  bool rows_are_lanes_ = false; ///< one loop over the rows holds all layers
  Expansions expansions_;
  std::vector<int32_t> cost_;        ///< statements per node
  std::vector<int64_t> chain_bytes_; ///< per node, of its tile of chains
  std::vector<uint8_t> maps_;        ///< Movement nodes in a row, from arguments on
  std::vector<int64_t> waiting_; ///< statements of a node that is open and of those below it, or 0
  std::vector<uint32_t> kernel_; ///< per node, Partition::no_kernel while open
  std::vector<Why> why_;
  std::vector<NodeId> kept_until_;  ///< the last node whose kernel reads it where it is stored; of
                                    ///< what waits, the first of those of its operands
  std::vector<NodeId> last_reader_; ///< the last node that its readers follow in one kernel;
                                    ///< no_node unless all are Pointwise, of the same shape
  std::vector<bool> late_;          ///< updates whose old value is read by a later node
  std::vector<uint32_t> looked_at_; ///< per node, the last of the looks_ of latest_operand
  uint32_t looks_ = 0;
  int64_t statements_ = 0;
  double work_ = 0;
  std::vector<Group> groups_;
  std::vector<NodeId> refused_;
  uint32_t numbers_ = Partition::no_kernel;    ///< the kernel of single numbers that come first
  uint32_t last_check_ = Partition::no_kernel; ///< index checks run in the order of their nodes
};

/// Statements around the operation of a node: load, store, loop.
inline constexpr int32_t access_cost = 3;
/// LLVM's cost grows faster than the kernel: a kernel is cut behind this many Loop IR statements.
inline constexpr int64_t kernel_operations = 2000;
/// A step of at most this many scalar operations is one kernel: calls and passes over memory would
/// cost more.
inline constexpr int64_t whole_step_work = int64_t{1} << 20;

/// The tiles of chains of a kernel together, in bytes: they live as long as the loop over what they
/// add, on the stack, and are read and written in each of its turns.
inline constexpr int64_t kernel_chain_bytes = 256 << 10;
/// Of the tile that holds the chains of the whole small result of `n`; 0 where it has none
/// (Accumulate.cpp).
int64_t chain_tile_bytes(const Graph& graph, NodeId n);

/// The nodes sorted by kernel, keeping their order within each, those of no kernel first. Operands
/// stay before their readers, since no node reads from a later kernel.
std::vector<NodeId> by_kernel(const Partition& partition);

/// "x·w+b, sigmoid, loss": what the nodes of each kernel compute, from names and ops.
std::vector<std::string> titles(const Step& step, const Partition& partition);

} // namespace gdjit::lowering
