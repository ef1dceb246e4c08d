// A sum over statements, each as often as it is written out.
#include "CompileCost.h"

#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/ShortRows.h"

#include <algorithm>
#include <map>

namespace gdjit::codegen {

namespace {

using loop::Statement;
using loop::StatementKind;

constexpr int64_t of_function = 20;
constexpr int64_t of_loop = 24; ///< its blocks, sums that it carries, what is hoisted from it
constexpr int64_t of_joined_vector = 2;
constexpr int of_integer = 3; ///< LLVM looks for bits that are known

class Cost {
public:
  explicit Cost(const loop::Program& program) : program_(program) {}

  double of(const std::vector<Statement>& body) {
    double sum = 0;
    for (const Statement& s : body)
      sum += of(s);
    return sum;
  }

private:
  double of(const Statement& s) {
    switch (s.kind) {
    case StatementKind::For:
      return s.loop_kind == loop::LoopKind::unrolled
                 ? static_cast<double>(std::max<int64_t>(1, loop::turns(s))) * of(s.body)
                 : of_loop + of(s.body);
    case StatementKind::Tile:
      tiles_[s.tile] = &s;
      return 0;
    case StatementKind::Get:
      return 0;
    case StatementKind::Compute:
      return s.op == loop::ScalarOp::constant ? 0 : is_integer(s.type.dtype) ? of_integer : 1;
    case StatementKind::Join:
      return static_cast<double>(of_joined_vector * loop::tile_elements(*tiles_.at(s.tile)));
    case StatementKind::Transpose:
      return static_cast<double>(
          loop::shuffles_of_transposition(tiles_.at(s.tile)->extents.back()));
    default:
      return static_cast<double>(loop::operations_of(program_, s));
    }
  }

  const loop::Program& program_;
  std::map<loop::TileId, const Statement*> tiles_;
};

} // namespace

int64_t compile_cost(const loop::Program& program, const loop::Kernel& kernel) {
  constexpr double most = 1e12;
  return of_function + static_cast<int64_t>(std::min(most, Cost(program).of(kernel.body)));
}

} // namespace gdjit::codegen
