// Reductions and contractions, term by term in the order of the node, for a chunk of results at
// once.
#include "Elements.h"
#include "GraphNodes.h"

#include <algorithm>

namespace gdjit::interp {

namespace {

using loop::ScalarOp;

void apply(ScalarOp op, DType type, const Column& a, const Column& b, Column& out) {
  loop::evaluate_many(op, type, type, a.data(), b.data(), nullptr, out.data(),
                      static_cast<int64_t>(out.size()));
}

/// The terms that a node accumulates: operand elements, or products of them, in the accumulator's
/// type.
class Terms {
public:
  Terms(const Graph& graph, NodeId node, Operands operands, DType accumulator)
      : operands_(operands), accumulator_(accumulator) {
    Accesses all = accesses(graph, node);
    const Shape& result = graph.type(node).shape;
    for (size_t i = 0; i < operands.size(); ++i) {
      places_.emplace_back(all.operands[i], operands[i]->type().shape, result, all.reduced);
      fills_.push_back(loop::to_bits(operands[i]->type().dtype, all.fill));
    }
    columns_.resize(operands.size());
    count_ = all.reduced.elements();
  }

  int64_t count() const { return count_; }
  void move_to(int64_t first, int64_t count) {
    for (size_t i = 0; i < places_.size(); ++i) {
      places_[i].move_to(first, count);
      columns_[i].resize(count);
    }
    converted_.resize(count);
  }
  /// Operand i's elements for term k.
  const Column& operand(size_t i, int64_t k) {
    DType type = operands_[i]->type().dtype;
    gather(*operands_[i], places_[i].at(k), fills_[i], columns_[i]);
    if (type != accumulator_) {
      loop::evaluate_many(ScalarOp::convert, accumulator_, type, columns_[i].data(), nullptr,
                          nullptr, converted_.data(), static_cast<int64_t>(converted_.size()));
      columns_[i].swap(converted_);
    }
    return columns_[i];
  }
  /// sum = sum combined with term k.
  void accumulate(ScalarOp combine, int64_t k, Column& sum) {
    if (operands_.size() == 1)
      return apply(combine, accumulator_, sum, operand(0, k), sum);
    const Column &a = operand(0, k), &b = operand(1, k);
    if (is_float(accumulator_)) {
      loop::evaluate_many(ScalarOp::fma, accumulator_, accumulator_, a.data(), b.data(), sum.data(),
                          sum.data(), static_cast<int64_t>(sum.size()));
      return;
    }
    apply(ScalarOp::mul, accumulator_, a, b, converted_);
    apply(combine, accumulator_, sum, converted_, sum);
  }

private:
  Operands operands_;
  DType accumulator_;
  int64_t count_ = 0;
  std::vector<Places> places_;
  std::vector<Bits> fills_;
  std::vector<Column> columns_;
  Column converted_;
};

/// Terms first .. last in `partials` chains, joined by a halving tree, into chains[0].
void accumulate_block(Terms& terms, ScalarOp combine, DType type, Bits neutral, int64_t first,
                      int64_t last, std::vector<Column>& chains) {
  for (Column& chain : chains)
    chain.assign(chain.size(), neutral);
  for (int64_t k = first; k < last; ++k)
    terms.accumulate(combine, k, chains[(k - first) % static_cast<int64_t>(chains.size())]);
  for (size_t half = chains.size() / 2; half > 0; half /= 2)
    for (size_t l = 0; l < half; ++l)
      apply(combine, type, chains[l], chains[l + half], chains[l]);
}

/// The position of the greatest or least term: the first of equals, the first NaN before every
/// number.
void find_position(Terms& terms, ScalarOp combine, DType type, Column& index) {
  const int64_t n = static_cast<int64_t>(index.size());
  Column best = terms.operand(0, 0), better(n), number(n), nan(n), here(n);
  index.assign(n, 0);
  auto test = [&](ScalarOp op, const Column& a, const Column& b, Column& out) {
    loop::evaluate_many(op, DType::boolean, type, a.data(), b.data(), nullptr, out.data(), n);
  };
  for (int64_t k = 1; k < terms.count(); ++k) {
    const Column& x = terms.operand(0, k);
    test(combine == ScalarOp::max ? ScalarOp::gt : ScalarOp::lt, x, best, better);
    test(ScalarOp::ne, x, x, nan);
    test(ScalarOp::eq, best, best, number);
    apply(ScalarOp::bit_and, DType::boolean, nan, number, nan);
    apply(ScalarOp::bit_or, DType::boolean, better, nan, better);
    here.assign(n, static_cast<Bits>(k));
    loop::evaluate_many(ScalarOp::select, type, type, better.data(), x.data(), best.data(),
                        best.data(), n);
    loop::evaluate_many(ScalarOp::select, DType::i64, DType::i64, better.data(), here.data(),
                        index.data(), index.data(), n);
  }
}

/// The neutral element; infinities become the least and the greatest integer.
Bits neutral_bits(const Reducer& reducer, DType type) {
  return loop::to_bits(type, reducer.neutral);
}

} // namespace

Array evaluate_accumulation(const Graph& graph, NodeId node, Operands operands) {
  const Reducer& reducer = info(graph.op(node)).block->reducer;
  const TensorType& type = graph.type(node);
  ReductionOrder order{.accumulator = operands[0]->type().dtype, .partials = 1, .block = 0};
  if (graph.attributes(node).has(Attr::order))
    order = graph.attributes(node).order(Attr::order);
  const DType accumulator = order.accumulator;
  Terms terms(graph, node, operands, accumulator);
  const Bits neutral = neutral_bits(reducer, accumulator);
  // The empty sum is +0, though chains start from -0.
  const Bits start = terms.count() == 0 && reducer.combine == ScalarOp::add ? 0 : neutral;

  Array result(type);
  for (int64_t first = 0; first < type.elements(); first += chunk) {
    const int64_t n = std::min(chunk, type.elements() - first);
    terms.move_to(first, n);
    Column total(n, start), converted(n);
    if (reducer.of_index) {
      find_position(terms, reducer.combine, accumulator, total);
      store(result, first, total);
      continue;
    }
    std::vector<Column> chains(order.partials, Column(n));
    const int64_t block = order.block > 0 ? order.block : terms.count();
    for (int64_t k = 0; k < terms.count(); k += block) {
      accumulate_block(terms, reducer.combine, accumulator, neutral, k,
                       std::min(k + block, terms.count()), chains);
      apply(reducer.combine, accumulator, total, chains[0], total);
    }
    if (accumulator != type.dtype) {
      loop::evaluate_many(ScalarOp::convert, type.dtype, accumulator, total.data(), nullptr,
                          nullptr, converted.data(), n);
      total.swap(converted);
    }
    store(result, first, total);
  }
  return result;
}

} // namespace gdjit::interp
