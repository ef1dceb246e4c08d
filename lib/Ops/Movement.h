// What the Movement blocks share: index maps of one axis and a rule about repeated elements.
#pragma once

#include "gdjit/Ops/Op.h"
#include "gdjit/Ops/Rewrite.h"
#include "gdjit/Ops/Vjp.h"

namespace gdjit::movement {

/// One operand coordinate: offset + factor * the iteration index `source` of `rank` axes.
inline AxisMap axis(int rank, int source, int64_t factor, int64_t offset = 0,
                    bool guarded = false) {
  AxisMap map;
  map.factors.assign(rank, 0);
  map.factors[source] = factor;
  map.offset = offset;
  map.guarded = guarded;
  return map;
}

/// Where operand 0 repeats one element, moving it repeats it too.
inline Value of_one_element(Rewrite& r) {
  if (r.producer(0) != Opcode::Broadcast)
    return {};
  Expr element = r.producer_operand(0, 0);
  if (element.type().elements() != 1)
    return {};
  return broadcast_to(reshape(element, Shape{}), r.type().shape).value;
}

} // namespace gdjit::movement
