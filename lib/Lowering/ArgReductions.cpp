// argmax and argmin: the value that is best so far and where it stands, carried through the reduced
// loops.
#include "Lowering.h"

#include <limits>

namespace gdjit::lowering {

void Lowering::index_of_extreme(KernelDraft& draft, NodeId n) {
  const Reducer& reducer = info(graph_.op(n)).block->reducer;
  Accesses map = accesses(graph_, n);
  Value operand = graph_.operand(n, 0);
  DType type = graph_.type(operand).dtype, result_type = graph_.type(n).dtype;
  const Shape& shape = graph_.type(n).shape;
  Body body(draft, n);
  std::vector<Index> result = open_loops(body, shape);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  TileId best = body.tile(
      type, {}, loop::to_bits(type, reducer.combine == ScalarOp::max ? -infinity : infinity));
  TileId where = body.tile(result_type, {}, 0);
  LoopId first = draft.kernel.loops;
  std::vector<Index> reduced = open_loops(body, map.reduced, true);
  for (LoopId l = first; l < draft.kernel.loops; ++l)
    body.facts(l).partials = 1;
  std::vector<Index> iteration = result;
  iteration.insert(iteration.end(), reduced.begin(), reduced.end());
  ValueId value = element(body, operand, operand_index(map.operands[0], iteration));
  ValueId old = body.get(best, type, {});
  ValueId better = body.compute(reducer.combine == ScalarOp::max ? ScalarOp::gt : ScalarOp::lt,
                                DType::boolean, {value, old});
  if (is_float(type)) { // the first NaN wins over every number
    ValueId nan = body.compute(ScalarOp::ne, DType::boolean, {value, value});
    ValueId number = body.compute(ScalarOp::eq, DType::boolean, {old, old});
    better = body.compute(ScalarOp::bit_or, DType::boolean, {better, body.both(nan, number)});
  }
  ValueId here = body.convert(body.index(position(map.reduced, reduced)), result_type);
  ValueId there = body.get(where, result_type, {});
  body.set(best, {}, body.compute(ScalarOp::select, type, {better, value, old}));
  body.set(where, {}, body.compute(ScalarOp::select, result_type, {better, here, there}));
  close_loops(body, map.reduced);
  body.store(buffers_.of({n, 0}), result, body.get(where, result_type, {}));
  close_loops(body, shape);
  body.finish();
}

} // namespace gdjit::lowering
