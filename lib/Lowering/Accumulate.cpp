// Reductions and contractions: chains of accumulation in the order that the node's attribute says.
//
//   sum(x, axis 1)          =>   for i { t = tile(-0); for k { t = t + x[i, k] }; y[i] = t }
//
//   sum(x, axis 0), few j   =>   t = tile[j](-0)
//                                for k { for j { t[j] = t[j] + x[k, j] } }
//                                for j { y[j] = t[j] }
//
// The second form keeps the whole small result in a tile, so that losses and the gradients of
// biases and small weights run in the loop over the batch that computes what they sum.
#include "Lowering.h"

#include "gdjit/Support/Error.h"

#include <algorithm>

namespace gdjit::lowering {

namespace {
/// A result of at most this many elements may live in a tile while the reduced loop is outermost.
constexpr int64_t whole_result_in_tile = 64;
/// The same with the partial chains of each element counted: 64 of each.
constexpr int64_t tile_elements = 4096;
/// A contraction that makes more products than this per turn of its outermost loop is scheduled on
/// its own: only its epilogue may be fused with it.
constexpr int64_t products_per_row = 64;
} // namespace

/// What one node accumulates, and over which loops.
struct Lowering::Chain {
  ScalarOp combine = ScalarOp::add;
  DType type = DType::f32;
  Bits neutral = 0;
  int32_t partials = 1;
  int64_t block = 0;
  Shape result;
  Shape reduced;
  std::vector<Value> operands;
  std::vector<IndexMap> maps;
  std::vector<BufferId> flat; ///< per operand, where the reduced axes run as one: its elements as
                              ///< [loops of the result..., k]
  bool reduced_first = false;
  bool sealed = false;
  bool is_flat() const { return !flat.empty(); }
};

namespace {

/// True where the first axis of every operand that has more than one element is a reduced one.
bool reduced_axis_leads(const std::vector<IndexMap>& maps, const Graph& graph, NodeId n) {
  const int result_rank = graph.type(n).shape.rank();
  for (size_t i = 0; i < maps.size(); ++i) {
    const Shape& shape = graph.type(graph.operand(n, static_cast<int>(i))).shape;
    int axis = 0;
    while (axis < shape.rank() && shape[axis] == 1)
      ++axis;
    if (axis == shape.rank())
      continue;
    const std::vector<int64_t>& factors = maps[i].axes[static_cast<size_t>(axis)].factors;
    if (std::all_of(factors.begin() + result_rank, factors.end(), [](int64_t f) { return f == 0; }))
      return false;
  }
  return true;
}

std::vector<int64_t> loop_extents(const Shape& shape) {
  std::vector<int64_t> extents;
  for (int64_t e : shape)
    if (e != 1)
      extents.push_back(e);
  return extents;
}

/// The coordinates that are loops: how a tile over a result without its axes of extent 1 is
/// addressed.
std::vector<Index> loop_coordinates(const std::vector<Index>& index) {
  std::vector<Index> loops;
  for (const Index& i : index)
    if (!i.affine.terms.empty())
      loops.push_back(i);
  return loops;
}

/// True where the whole result is a tile and the reduced loop outermost.
bool is_whole_in_tile(const Graph& graph, NodeId n, const std::vector<IndexMap>& maps,
                      int32_t partials) {
  const int64_t results = graph.type(n).elements();
  return results > 1 && results <= whole_result_in_tile && results * partials <= tile_elements &&
         reduced_axis_leads(maps, graph, n);
}

/// The order of a reduction or contraction. A minimum or maximum has the same bits in every one:
/// the one that a sum would have runs beside sums.
ReductionOrder order_of(const Graph& graph, NodeId n) {
  if (graph.attributes(n).has(Attr::order))
    return graph.attributes(n).order(Attr::order);
  const TensorType& type = graph.type(graph.operand(n, 0));
  ReductionOrder order{type.dtype, 1, 0};
  if (type.dtype == DType::boolean)
    return order;
  Accesses map = accesses(graph, n);
  const int free = graph.type(n).shape.rank();
  int64_t behind = 1;
  for (size_t axis = map.operands[0].axes.size(); axis-- > 0;) {
    const std::vector<int64_t>& factors = map.operands[0].axes[axis].factors;
    if (std::any_of(factors.begin() + free, factors.end(), [](int64_t f) { return f != 0; }))
      break;
    behind *= type.shape[static_cast<int>(axis)];
  }
  const int64_t terms = map.reduced.elements();
  order.partials =
      choose_order(type.dtype, terms, behind, terms * behind == type.elements()).order.partials;
  return order;
}

} // namespace

int64_t chain_tile_bytes(const Graph& graph, NodeId n) {
  const OpKind k = kind(graph.op(n));
  if ((k != OpKind::Reduction && k != OpKind::Contraction) ||
      graph.type(n).elements() > whole_result_in_tile)
    return 0;
  if (k == OpKind::Reduction && info(graph.op(n)).block->reducer.of_index)
    return 0;
  const ReductionOrder order = order_of(graph, n);
  if (!is_whole_in_tile(graph, n, accesses(graph, n).operands, order.partials))
    return 0;
  return graph.type(n).elements() * order.partials *
         static_cast<int64_t>(byte_size(order.accumulator));
}

void Lowering::reduction(KernelDraft& draft, NodeId n) {
  const Reducer& reducer = info(graph_.op(n)).block->reducer;
  if (reducer.of_index)
    return index_of_extreme(draft, n);
  Chain chain;
  chain.combine = reducer.combine;
  const ReductionOrder order = order_of(graph_, n);
  chain.type = order.accumulator;
  chain.partials = order.partials;
  chain.block = order.block;
  chain.neutral = loop::to_bits(chain.type, reducer.neutral);
  accumulate(draft, n, chain);
}

void Lowering::contraction(KernelDraft& draft, NodeId n) {
  ReductionOrder order = graph_.attributes(n).order(Attr::order);
  Chain chain;
  chain.type = order.accumulator;
  chain.partials = order.partials;
  chain.block = order.block;
  chain.neutral = loop::to_bits(chain.type, -0.0);
  accumulate(draft, n, chain);
}

void Lowering::accumulate(KernelDraft& draft, NodeId n, const Chain& given) {
  Chain chain = given;
  Accesses map = accesses(graph_, n);
  DType type = graph_.type(n).dtype;
  chain.result = graph_.type(n).shape;
  chain.reduced = map.reduced;
  chain.maps = std::move(map.operands);
  chain.operands.assign(graph_.operands(n).begin(), graph_.operands(n).end());
  const int64_t terms = chain.reduced.elements(), results = chain.result.elements();
  if (terms <= chain.block)
    chain.block = 0;
  if ((chain.partials > 1 || chain.block > 0) && loop_extents(chain.reduced).size() > 1)
    for (size_t i = 0; i < chain.operands.size(); ++i)
      chain.flat.push_back(flattened(draft, n, chain.operands[i], chain.maps[i], chain));
  chain.reduced_first = is_whole_in_tile(graph_, n, chain.maps, chain.partials);
  if (kind(graph_.op(n)) == OpKind::Contraction && !chain.reduced_first) {
    std::vector<int64_t> extents = loop_extents(chain.result);
    chain.sealed =
        !extents.empty() && results > 0 && results / extents[0] * terms > products_per_row;
  }

  Body body(draft, n);
  std::vector<Index> outer;
  if (!chain.reduced_first) {
    LoopId first = draft.kernel.loops;
    outer = open_loops(body, chain.result);
    for (LoopId l = first; l < draft.kernel.loops; ++l)
      body.facts(l).sealed = chain.sealed;
  }
  BufferId buffer = buffers_.of({n, 0});
  auto store = [&](const std::vector<Index>& index, ValueId value) {
    body.store(buffer, index, body.convert(value, type));
  };
  if (terms == 0) {
    // An empty sum is +0, although its chain would start from -0.0.
    if (chain.reduced_first)
      outer = open_loops(body, chain.result);
    store(outer, body.constant(chain.type, chain.combine == ScalarOp::add ? 0 : chain.neutral));
  } else if (chain.block == 0) {
    accumulate_block(body, chain, {}, terms, outer, store);
    if (!chain.reduced_first)
      close_loops(body, chain.result);
    return body.finish();
  } else {
    std::vector<int64_t> extents =
        chain.reduced_first ? loop_extents(chain.result) : std::vector<int64_t>{};
    TileId total = body.tile(chain.type, extents, chain.neutral);
    auto add = [&](const std::vector<Index>& index, ValueId value) {
      std::vector<Index> place =
          chain.reduced_first ? loop_coordinates(index) : std::vector<Index>{};
      ValueId sum =
          body.compute(chain.combine, chain.type, {body.get(total, chain.type, place), value});
      body.set(total, place, sum);
    };
    LoopId b = body.open("b", terms / chain.block);
    accumulate_block(body, chain, {0, {{b, chain.block}}}, chain.block, outer, add);
    body.close();
    if (int64_t rest = terms % chain.block)
      accumulate_block(body, chain, {terms - rest, {}}, rest, outer, add);
    if (chain.reduced_first)
      outer = open_loops(body, chain.result);
    store(outer, body.get(total, chain.type,
                          chain.reduced_first ? loop_coordinates(outer) : std::vector<Index>{}));
  }
  close_loops(body, chain.result);
  body.finish();
}

void Lowering::accumulate_block(Body& body, const Chain& chain, const Affine& start, int64_t count,
                                const std::vector<Index>& outer, const Sink& sink) {
  const bool partial = chain.partials > 1;
  std::vector<int64_t> extents =
      chain.reduced_first ? loop_extents(chain.result) : std::vector<int64_t>{};
  const bool many = !extents.empty();
  if (partial)
    extents.push_back(chain.partials);
  TileId tile = body.tile(chain.type, extents, chain.neutral);

  // The reduced loops: one over all terms where chains interleave or blocks are cut, else one per
  // axis.
  const LoopId first = body.draft().kernel.loops;
  std::vector<Index> reduced;
  int opened = 0;
  if (chain.is_flat() || partial || chain.block > 0) {
    Index k = at(body.open("k", count));
    opened = 1;
    add_scaled(k.affine, start, 1);
    for (int64_t e : chain.reduced)
      reduced.push_back(e == 1 ? at_constant(0) : k);
  } else {
    reduced = open_loops(body, chain.reduced, true);
    opened = static_cast<int>(loop_coordinates(reduced).size());
  }
  for (LoopId l = first; l < body.draft().kernel.loops; ++l)
    body.facts(l).partials = chain.partials;
  if (partial)
    body.draft().partials_loop[tile] = first;

  std::vector<Index> result = chain.reduced_first ? open_loops(body, chain.result) : outer;
  std::vector<Index> iteration = result;
  iteration.insert(iteration.end(), reduced.begin(), reduced.end());
  ValueId mask = loop::none;
  std::vector<ValueId> factors;
  for (size_t i = 0; i < chain.operands.size(); ++i) {
    ValueId value;
    if (chain.is_flat()) {
      std::vector<Index> index = loop_coordinates(result);
      index.push_back(*std::find_if(reduced.begin(), reduced.end(),
                                    [](const Index& x) { return !x.affine.terms.empty(); }));
      value = body.load(chain.flat[i], graph_.type(chain.operands[i]).dtype, std::move(index));
    } else {
      std::vector<Index> index = operand_index(chain.maps[i], iteration);
      // A term outside an operand is no term: the chain keeps its value, so padding changes no bit.
      ValueId inside = within(body, chain.maps[i], index, graph_.type(chain.operands[i]).shape);
      mask = body.both(mask, inside);
      value = element(body, chain.operands[i], std::move(index), {inside, 0});
    }
    factors.push_back(body.convert(value, chain.type));
  }
  std::vector<Index> place = chain.reduced_first ? loop_coordinates(result) : std::vector<Index>{};
  std::vector<Index> whole = place;
  if (partial)
    place.push_back(at(first));
  ValueId old = body.get(tile, chain.type, place);
  ValueId next;
  if (factors.size() == 1)
    next = body.compute(chain.combine, chain.type, {old, factors[0]});
  else if (is_float(chain.type))
    next = body.compute(ScalarOp::fma, chain.type, {factors[0], factors[1], old});
  else
    next = body.compute(ScalarOp::add, chain.type,
                        {old, body.compute(ScalarOp::mul, chain.type, {factors[0], factors[1]})});
  body.set(tile, place, next, mask);
  if (chain.reduced_first)
    close_loops(body, chain.result);
  for (; opened > 0; --opened)
    body.close();

  if (chain.reduced_first) {
    result = open_loops(body, chain.result);
    whole = loop_coordinates(result);
  }
  ValueId value;
  if (partial && many) { // the chains of one element, gathered from the tile of all
    TileId one = body.tile(chain.type, {chain.partials}, chain.neutral);
    LoopId l = body.open("l", chain.partials);
    whole.push_back(at(l));
    body.set(one, {at(l)}, body.get(tile, chain.type, whole));
    body.close();
    value = body.join(one, chain.type, chain.combine);
  } else {
    value =
        partial ? body.join(tile, chain.type, chain.combine) : body.get(tile, chain.type, whole);
  }
  sink(result, value);
  if (chain.reduced_first)
    close_loops(body, chain.result);
}

BufferId Lowering::flattened(KernelDraft& draft, NodeId n, Value v, const IndexMap& map,
                             const Chain& chain) {
  // Reduced axes that are the last ones of the operand, in order, are a view of it; others are
  // copied into that order.
  // Axes of extent 1 count nowhere: with keepdims there may be more of them than a shape holds.
  const TensorType& type = graph_.type(v);
  Shape flat, full;
  std::vector<size_t> loops; // the iteration axes that are loops
  auto add_loops = [&](const Shape& extents, size_t first) {
    for (int i = 0; i < extents.rank(); ++i)
      if (extents[i] != 1) {
        loops.push_back(first + static_cast<size_t>(i));
        full.push_back(extents[i]);
      }
  };
  add_loops(chain.result, 0);
  flat = full;
  flat.push_back(chain.reduced.elements());
  add_loops(chain.reduced, static_cast<size_t>(chain.result.rank()));
  size_t axes = 0;
  bool in_order = true;
  for (int a = 0; a < type.shape.rank(); ++a) {
    if (type.shape[a] == 1)
      continue;
    const AxisMap& axis = map.axes[static_cast<size_t>(a)];
    in_order = in_order && axes < loops.size() && axis.offset == 0 &&
               type.shape[a] == full[static_cast<int>(axes)];
    for (size_t i = 0; in_order && i < loops.size(); ++i)
      in_order = axis.factors[loops[i]] == (i == axes ? 1 : 0);
    ++axes;
  }
  if (in_order && axes == loops.size())
    return buffers_.view(materialize(draft, v), flat);
  BufferId buffer = buffers_.temporary(n, {type.dtype, full});
  Body body(draft, n);
  std::vector<Index> copied = open_loops(body, full);
  std::vector<Index> whole(static_cast<size_t>(chain.result.rank() + chain.reduced.rank()));
  for (size_t i = 0; i < loops.size(); ++i)
    whole[loops[i]] = copied[i];
  body.store(buffer, copied, element(body, v, operand_index(map, whole)));
  close_loops(body, full);
  body.finish();
  return buffers_.view(buffer, flat);
}

} // namespace gdjit::lowering
