// FusionTree: the loops of a kernel while nests are being merged into them.
//
// A scope holds loops in order and, around them, slots of straight statements; its times count
// slots and loops alike (slot 0, loop 0, slot 1, loop 1 …), so that "after what it reads" is a
// comparison of two numbers.
#pragma once

#include "Body.h"

#include <deque>
#include <memory>
#include <unordered_map>
#include <unordered_set>

namespace gdjit::lowering {

/// What statements depend on each other through: a buffer's memory, a tile, an SSA value, the
/// status of the call.
using Resource = uint64_t;
Resource of_buffer(const loop::Program& program, BufferId buffer);
Resource of_tile(TileId tile);
Resource of_value(ValueId value);
inline constexpr Resource call_status = ~Resource{0};

/// One use of a resource by a statement.
struct Use {
  Resource resource;
  const Statement* statement;
};

/// What a statement, or a loop with all it holds, reads and writes.
struct Uses {
  std::vector<Use> reads, writes;
};
void collect(const loop::Program& program, const Statement& statement, Uses& uses);

/// Slot p has time 2p, loop p time 2p + 1.
using Time = int;

struct FusionLoop;

struct FusionScope {
  std::vector<Statement> tiles;
  std::vector<std::vector<Statement>> slots = {{}}; ///< slots[p] runs before loops[p]
  std::deque<FusionLoop> loops;
  std::unordered_map<Resource, Time> written;         ///< when last
  std::unordered_map<int64_t, size_t> last_of_extent; ///< the last loop of that many turns
};

struct FusionLoop {
  Statement head; ///< without its body
  FusionScope body;
  std::unordered_set<Resource> arrays; ///< buffers of more than one element that it reads or writes
};

/// True where a coordinate of `written` is the same function of the turn of loop `writer` alone as
/// that of `read` is of `reader`'s: what a turn of one writes, the same turn of the other reads.
bool same_turn(const std::vector<loop::Index>& written, LoopId writer,
               const std::vector<loop::Index>& read, LoopId reader);

/// Which of a kernel's outermost loops read states last. A nest that only overwrites one is better
/// in that loop than in one of its own: the state's elements are at hand there.
class StateReads {
public:
  StateReads(const loop::Program& program, const Signature& signature)
      : program_(program), signature_(signature) {}

  /// Loop `number` now does what `uses` says, in the turns of `turn`.
  void note(const Uses& uses, LoopId turn, size_t number);
  /// The last loop to read the state that `uses` overwrites in the turns of `turn`, reading nothing
  /// itself; `none` where there is none, or its turns read what other turns overwrite.
  size_t reader(const Uses& uses, LoopId turn, size_t none) const;

private:
  struct Read {
    LoopId turn;
    std::vector<loop::Index> index;
  };
  struct Reader {
    size_t loop = 0;
    std::vector<Read> reads;
  };
  const loop::Program& program_;
  const Signature& signature_;
  std::unordered_map<uint32_t, Reader> last_; ///< by row of Signature::states
};

/// The statements of a scope in order; a tile is declared before the first statement that names it.
std::vector<Statement> flatten(FusionScope&& scope);

} // namespace gdjit::lowering
