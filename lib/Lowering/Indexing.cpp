// Nodes whose places come from data: gather, scatter-add, one-hot.
//
// The index is loaded and checked once per index, outside the loops over the row it selects; an
// access outside is masked, so that it touches no foreign memory.
#include "Lowering.h"

#include "gdjit/Support/Error.h"

namespace gdjit::lowering {

namespace {
Shape tail(const Shape& shape, int from) {
  Shape rest;
  for (int axis = from; axis < shape.rank(); ++axis)
    rest.push_back(shape[axis]);
  return rest;
}
std::vector<Index> joined(std::vector<Index> a, const std::vector<Index>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
/// The coordinate that an i64 value gives.
Index at_value(ValueId row) { return {{}, row, 0}; }
} // namespace

ValueId Lowering::row_in_range(Body& body, Value indices, const std::vector<Index>& index,
                               int64_t rows, ValueId& row) {
  row = body.convert(element(body, indices, index), DType::i64);
  ValueId from = body.compute(ScalarOp::ge, DType::boolean, {row, body.constant(DType::i64, 0)});
  ValueId to = body.compute(ScalarOp::lt, DType::boolean,
                            {row, body.constant(DType::i64, static_cast<Bits>(rows))});
  ValueId ok = body.both(from, to);
  body.check(ok, position(graph_.type(indices).shape, index));
  return ok;
}

void Lowering::indexing(KernelDraft& draft, NodeId n) {
  const TensorType& type = graph_.type(n);
  IndexUse use = info(graph_.op(n)).block->index_use;
  GDJIT_CHECK(use != IndexUse::none);
  Value indices = graph_.operands(n).back();
  const Shape& places = graph_.type(indices).shape;
  Value data = graph_.operand(n, 0);
  const bool scatter = use == IndexUse::scatter;
  if (use == IndexUse::gather)
    materialize(draft, data); // before the nest: rows are looked up in memory

  Body body(draft, n);
  BufferId buffer = buffers_.of({n, 0});
  ValueId row = loop::none;
  if (scatter) {
    std::vector<Index> all = open_loops(body, type.shape);
    body.store(buffer, all, body.constant(type.dtype, 0));
    close_loops(body, type.shape);
  }
  std::vector<Index> at = open_loops(body, places);
  Shape rest = scatter ? tail(type.shape, 1) : tail(type.shape, places.rank());
  int64_t rows = use == IndexUse::gather    ? graph_.type(data).shape[0]
                 : use == IndexUse::scatter ? type.shape[0]
                                            : rest[0];
  ValueId ok = row_in_range(body, indices, at, rows, row);
  // A vector holds twice as many i32; an index beyond them becomes their last, which no column is.
  const bool narrow = use == IndexUse::one_hot && rows < INT32_MAX;
  if (narrow)
    row = body.convert(row, DType::i32);
  std::vector<Index> inner = open_loops(body, rest);
  if (use == IndexUse::gather) {
    ValueId value = body.load(materialize(draft, data), type.dtype, joined({at_value(row)}, inner),
                              ok, body.constant(type.dtype, 0));
    body.store(buffer, joined(at, inner), value);
  } else if (scatter) {
    std::vector<Index> place = joined({at_value(row)}, inner);
    ValueId old = body.load(buffer, type.dtype, place, ok, body.constant(type.dtype, 0));
    ValueId value = element(body, data, joined(at, inner));
    body.store(buffer, place, body.compute(ScalarOp::add, type.dtype, {old, value}), ok);
  } else {
    ValueId column = body.index(inner[0].affine);
    if (narrow)
      column = body.compute(ScalarOp::low32, DType::i32, {column});
    ValueId hit = body.compute(ScalarOp::eq, DType::boolean, {row, column});
    body.store(buffer, joined(at, inner), body.convert(hit, type.dtype));
  }
  close_loops(body, rest);
  close_loops(body, places);
  body.finish();
}

} // namespace gdjit::lowering
