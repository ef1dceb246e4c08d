// Steps drawn by trial: operands and attributes are drawn to fit by kind, and what a type rule
// refuses is drawn again.
#include "RandomStep.h"

#include "RowPasses.h"
#include "StepBuilder.h"
#include "gdjit/Autodiff/Differentiate.h"
#include "gdjit/Ops/Op.h"

#include <algorithm>
#include <random>

namespace gdjit::testing {

namespace {

constexpr int64_t max_elements = 3000;

class Generator {
public:
  Generator(uint64_t seed, const RandomStepOptions& options) : random_(seed), options_(options) {}
  Step run();

private:
  // Draws.
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  DType dtype();
  Shape shape();
  Shape refactored(const Shape& shape);

  // Operands.
  Expr fresh(TensorType type);
  Expr any();
  Expr of_type(TensorType type);
  bool operands(Opcode op, std::vector<Value>& result);
  Expr matching_rhs(Expr lhs, const Attributes& attributes);
  Attributes attributes(Opcode op, Expr first);

  void append(Opcode op);
  void add_gradient();
  Expr moved(Expr leaf);
  void add_results();
  void add_sums();

  std::mt19937_64 random_;
  RandomStepOptions options_;
  StepBuilder b_;
  std::vector<Expr> values_;
  std::vector<Expr> leaves_; ///< inputs and states
  Expr seed_, step_;
  int names_ = 0;
};

/// One of all values; newer ones more often, so that graphs grow deep.
Expr Generator::any() {
  int64_t n = static_cast<int64_t>(values_.size());
  return values_[chance(60) ? n - 1 - below(std::min<int64_t>(n, 4)) : below(n)];
}

DType Generator::dtype() {
  if (options_.smooth)
    return DType::f64;
  constexpr DType likely[] = {DType::f32, DType::f32, DType::f32, DType::f64,
                              DType::f64, DType::i32, DType::i64, DType::boolean};
  return likely[below(std::size(likely))];
}

Shape Generator::shape() {
  constexpr int ranks[] = {0, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 6};
  constexpr int64_t extents[] = {1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 16, 17, 33};
  Shape shape;
  for (int i = ranks[below(std::size(ranks))]; i > 0; --i)
    shape.push_back(chance(2) ? 0 : extents[below(std::size(extents))]);
  while (shape.elements() > max_elements)
    for (int i = 0; i < shape.rank(); ++i)
      shape[i] = (shape[i] + 1) / 2;
  return shape;
}

/// Another shape of as many elements.
Shape Generator::refactored(const Shape& from) {
  Shape shape;
  int64_t rest = from.elements();
  for (int64_t factor : {2, 3, 5, 1})
    if (rest > 0 && rest % factor == 0 && chance(50)) {
      shape.push_back(factor);
      rest /= factor;
    }
  shape.push_back(rest);
  return shape;
}

Expr Generator::fresh(TensorType type) {
  std::string name = std::to_string(names_++);
  if (chance(10) && type.elements() <= 40) { // a literal
    std::vector<double> elements;
    for (int64_t i = 0; i < type.elements(); ++i)
      elements.push_back(type.dtype == DType::boolean ? static_cast<double>(below(2))
                                                      : static_cast<double>(below(9)) / 2 - 2);
    values_.push_back(b_.constant(type, elements));
  } else {
    values_.push_back(chance(25) ? b_.state("s" + name, type) : b_.input("x" + name, type));
    leaves_.push_back(values_.back());
  }
  return values_.back();
}

/// A value of this type: one that is there, a broadcast constant, or a new input.
Expr Generator::of_type(TensorType type) {
  size_t start = static_cast<size_t>(below(static_cast<int64_t>(values_.size())));
  for (size_t i = 0; i < values_.size(); ++i)
    if (Expr v = values_[(start + i) % values_.size()]; v.type() == type)
      return v;
  return chance(20) ? b_.constant(type, static_cast<double>(below(5)) - 1) : fresh(type);
}

Expr Generator::matching_rhs(Expr lhs, const Attributes& attributes) {
  TensorType type = lhs.type();
  int rank = type.shape.rank();
  int64_t k = type.shape[attributes.boolean(Attr::transpose_lhs) ? rank - 2 : rank - 1],
          n = 1 + below(20);
  type.shape[rank - 2] = attributes.boolean(Attr::transpose_rhs) ? n : k;
  type.shape[rank - 1] = attributes.boolean(Attr::transpose_rhs) ? k : n;
  return of_type(type);
}

bool Generator::operands(Opcode op, std::vector<Value>& result) {
  Expr first = any();
  switch (kind(op)) {
  case OpKind::Source:
    for (int i = 0; i < operand_count(op); ++i)
      result.push_back(i == 0 ? seed_.value : step_.value);
    return true;
  case OpKind::Pointwise: {
    bool select = info(op).operands == 3 &&
                  chance(50); // clamp takes three of a type, select a condition first
    for (int i = 0; i < operand_count(op); ++i) {
      TensorType type = first.type();
      if (i == 0 && select)
        type.dtype = DType::boolean;
      result.push_back(i == 0 && !select ? first.value : of_type(type).value);
    }
    return true;
  }
  case OpKind::Indexing: {
    TensorType indices{chance(50) ? DType::i32 : DType::i64, {}};
    if (operand_count(op) == 2) {
      result.push_back(first.value);
      int rank = static_cast<int>(below(std::min(first.shape().rank(), 2) + 1));
      for (int i = 0; i < rank; ++i)
        indices.shape.push_back(first.shape()[i]);
    } else {
      indices.shape = shape();
    }
    leaves_.push_back(b_.input("i" + std::to_string(names_++), indices));
    result.push_back(leaves_.back().value);
    return true;
  }
  case OpKind::Reduction:
  case OpKind::Contraction:
  case OpKind::Movement:
    result.push_back(first.value);
    if (operand_count(op) < 0)
      for (int64_t i = below(3); i > 0; --i)
        result.push_back(of_type(first.type()).value);
    return true;
  case OpKind::Derivative:
    return false;
  }
  return false;
}

Attributes Generator::attributes(Opcode op, Expr first) {
  Attributes result;
  Shape from = first.valid() ? first.shape() : shape();
  int rank = from.rank();
  auto per_axis = [&](auto&& draw) {
    std::vector<int64_t> list;
    for (int i = 0; i < rank; ++i)
      list.push_back(draw(i));
    return list;
  };
  std::vector<int64_t> start = per_axis([&](int i) { return from[i] ? below(from[i]) : 0; });
  for (Attr attr : info(op).block->attributes)
    switch (attr) {
    case Attr::value:
      result.array(attr, std::make_shared<const Array>(TensorType{dtype(), shape()}));
      break;
    case Attr::dtype:
      result.dtype(attr, dtype());
      break;
    case Attr::shape:
      if (!first.valid())
        result.shape(attr, shape());
      else if (chance(50))
        result.shape(attr, refactored(from));
      else { // what a broadcast may take
        Shape to;
        if (rank < 5 && chance(60))
          to.push_back(1 + below(4));
        for (int64_t extent : from)
          to.push_back(extent == 1 && chance(70) ? 1 + below(9) : extent);
        result.shape(attr, to);
      }
      break;
    case Attr::stream:
      result.text(attr, "stream" + std::to_string(below(3)));
      break;
    case Attr::axis:
      result.integer(attr, rank ? below(rank) : 0);
      break;
    case Attr::axes: {
      std::vector<int64_t> axes;
      for (int i = 0; i < rank; ++i)
        if (chance(50))
          axes.push_back(i);
      result.integers(attr, axes);
      break;
    }
    case Attr::permutation: {
      std::vector<int64_t> permutation = per_axis([](int i) { return i; });
      std::shuffle(permutation.begin(), permutation.end(), random_);
      result.integers(attr, permutation);
      break;
    }
    case Attr::start:
      result.integers(attr, start);
      break;
    case Attr::limit:
      result.integers(attr,
                      per_axis([&](int i) { return start[i] + below(from[i] - start[i] + 1); }));
      break;
    case Attr::step:
      result.integers(attr, per_axis([&](int) { return 1 + below(3); }));
      break;
    case Attr::low:
    case Attr::high:
      result.integers(attr, per_axis([&](int) { return chance(50) ? 0 : below(3); }));
      break;
    case Attr::fill:
      result.real(attr, static_cast<double>(below(3)) - 1);
      break;
    case Attr::depth:
    case Attr::rows:
      result.integer(attr, 1 + below(6));
      break;
    case Attr::keepdims:
    case Attr::transpose_lhs:
    case Attr::transpose_rhs:
      result.boolean(attr, chance(50));
      break;
    case Attr::index:
    case Attr::order: // the type rule chooses it
      break;
    }
  return result;
}

void Generator::append(Opcode op) {
  for (int attempt = 0; attempt < 4; ++attempt) {
    std::vector<Value> chosen;
    if (!operands(op, chosen))
      return;
    Expr first =
        chosen.empty() || kind(op) == OpKind::Source ? Expr{} : Expr{&b_.builder(), chosen[0]};
    Attributes drawn = attributes(op, first);
    if (kind(op) == OpKind::Contraction) {
      if (first.shape().rank() < 2)
        continue;
      chosen.push_back(matching_rhs(first, drawn).value);
    }
    try {
      Expr v{&b_.builder(), b_.builder().append(op, chosen, drawn)};
      if (v.type().elements() <= max_elements) // else it stays, dead
        values_.push_back(v);
      return;
    } catch (const Error&) {
      continue; // the type rule refuses: draw again
    }
  }
}

/// Differentiates the sum of some float value by some leaf, where a derivative exists.
void Generator::add_gradient() {
  for (int attempt = 0; attempt < 4; ++attempt) {
    Expr y = any(), x = leaves_[below(static_cast<int64_t>(leaves_.size()))];
    if (!is_float(y.dtype()) || !is_float(x.dtype()))
      continue;
    std::vector<int64_t> axes;
    for (int i = 0; i < y.shape().rank(); ++i)
      axes.push_back(i);
    Expr loss = sum(y, axes, false);
    StepBuilder trial;
    Step step = b_.step();
    GraphBuilder builder(step.graph, step.signature, Sharing::verbatim);
    builder.append(Opcode::Gradient, {loss.value, x.value});
    try {
      PassContext context;
      differentiate(step, context);
    } catch (const Error&) {
      continue; // independent of x, or no derivative
    }
    values_.push_back(b_.gradient(loss, x));
    return;
  }
}

/// The elements of a leaf at other places under its own shape, by way of a view of its memory.
Expr Generator::moved(Expr leaf) {
  Shape to = leaf.shape(), from;
  for (int i = to.rank(); i-- > 0;)
    from.push_back(to[i]);
  std::vector<int64_t> none, limit, low, high, step;
  for (int i = 0; i < to.rank(); ++i) {
    none.push_back(0);
    limit.push_back(std::min(from[i], to[i]));
    int64_t rest = to[i] - limit.back();
    low.push_back(below(rest + 1));
    high.push_back(rest - low.back());
    step.push_back(1);
  }
  Attributes slice, pad;
  slice.integers(Attr::start, none).integers(Attr::limit, limit).integers(Attr::step, step);
  pad.integers(Attr::low, low).integers(Attr::high, high).real(Attr::fill, 0);
  return apply(Opcode::Pad, apply(Opcode::Slice, reshape(leaf, from), slice), pad);
}

/// What nothing reads becomes an output, the newest first.
void Generator::add_results() {
  const Graph& graph = b_.step().graph;
  std::vector<bool> read(graph.size());
  for (NodeId n = 0; n < graph.size(); ++n)
    for (Value v : graph.operands(n))
      read[v.node] = true;
  int outputs = 0;
  for (size_t i = values_.size(); i-- > 0 && outputs < 6;)
    if (!read[values_[i].value.node])
      b_.output("y" + std::to_string(outputs++), values_[i]);
  for (Expr leaf : std::vector<Expr>(leaves_)) {
    if (b_.step().graph.op(leaf.value.node) != Opcode::State || chance(40))
      continue;
    Expr next = of_type(leaf.type());
    if (is_float(leaf.dtype()) && chance(50))
      next = leaf - next * 0.25;
    if (leaf.dtype() != DType::boolean && leaf.shape().rank() > 0 && chance(50))
      next = moved(leaf) + (chance(50) ? leaf : next);
    b_.update(leaf, next);
  }
}

/// Many sums beside each other, each of few long chains that all are in tiles of one loop.
void Generator::add_sums() {
  Expr x = b_.input("rows", {DType::f32, {1024 + below(200), 1 + below(15)}});
  Expr rows = x * x, total;
  for (int64_t i = 20 + below(70); i > 0; --i) {
    Expr one = sum(rows * (static_cast<double>(i) / 4), {0}, false);
    total = total.valid() ? total + one : one;
  }
  b_.output("sums", total);
}

Step Generator::run() {
  seed_ = b_.scalar("seed", DType::i64, 7);
  step_ = b_.scalar("step", DType::i64, 3);
  values_.push_back(b_.scalar("lr", DType::f32, 0.5));
  for (int64_t i = 2 + below(2); i > 0; --i)
    fresh({dtype(), shape()});
  if (leaves_.empty())
    leaves_.push_back(b_.input("x", {DType::f64, {2, 3}})), values_.push_back(leaves_.back());

  std::vector<Opcode> ops;
  for (int i = 0; i < opcode_count; ++i)
    if (Opcode op = static_cast<Opcode>(i); op != Opcode::Input && op != Opcode::State &&
                                            op != Opcode::Scalar && kind(op) != OpKind::Derivative)
      if (!options_.smooth || info(op).block->vjp)
        ops.push_back(op);
  for (int64_t i = options_.nodes / 3 + below(options_.nodes); i > 0; --i)
    append(ops[below(static_cast<int64_t>(ops.size()))]);
  if (options_.gradients && chance(50)) {
    add_gradient();
    for (int64_t i = below(3); i > 0; --i)
      append(ops[below(static_cast<int64_t>(ops.size()))]);
    if (chance(20)) // second order
      add_gradient();
  }
  add_results();
  if (!options_.smooth && chance(1))
    add_sums();
  return with_batch(b_.step());
}

} // namespace

Step random_step(uint64_t seed, const RandomStepOptions& options) {
  return Generator(seed, options).run();
}

} // namespace gdjit::testing
