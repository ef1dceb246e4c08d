// Sample nodes of every op.
#include "Cases.h"

#include <cmath>

namespace gdjit::testing {

namespace {

using Integers = std::vector<int64_t>;
using List = std::vector<Case>;

bool accepted(const Case& c) {
  Graph graph;
  Signature signature;
  std::vector<Value> operands;
  for (const TensorType& type : c.operands)
    signature.inputs.push_back({"x" + std::to_string(signature.inputs.size()), type, -1, {}});
  GraphBuilder builder(graph, signature, Sharing::verbatim);
  for (size_t i = 0; i < c.operands.size(); ++i)
    operands.push_back(builder.input(static_cast<uint32_t>(i)));
  try {
    builder.append(c.op, operands, c.attributes);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void add_pointwise(List& all, Opcode op, DType dtype) {
  for (Shape shape : {Shape{}, Shape{1}, Shape{5}, Shape{0}, Shape{2, 3}, Shape{2, 0, 3},
                      Shape{3, 1, 2}, Shape{1500}}) {
    Case c{op, std::vector<TensorType>(operand_count(op), TensorType{dtype, shape}), {}};
    if (op == Opcode::Select)
      c.operands[0].dtype = DType::boolean;
    if (op != Opcode::Cast) {
      all.push_back(c);
      continue;
    }
    for (DType to : all_dtypes)
      all.push_back({op, c.operands, Attributes().dtype(Attr::dtype, to)});
  }
}

void add_reductions(List& all, Opcode op, DType dtype) {
  struct {
    Shape shape;
    Integers axes;
  } const table[] = {{{}, {}},         {{1}, {0}},       {{7}, {0}},        {{0}, {0}},
                     {{3, 4}, {1}},    {{3, 4}, {0}},    {{3, 4}, {0, 1}},  {{2, 3, 4}, {-1, 0}},
                     {{2, 3, 4}, {1}}, {{2, 0, 3}, {1}}, {{2, 0, 3}, {0}},  {{3, 4}, {}},
                     {{100}, {0}},     {{2, 1, 3}, {1}}, {{2, 40, 20}, {1}}};
  for (const auto& row : table)
    for (bool keep : {false, true}) {
      all.push_back({op,
                     {{dtype, row.shape}},
                     Attributes().integers(Attr::axes, row.axes).boolean(Attr::keepdims, keep)});
      if (row.axes.size() == 1)
        all.push_back(
            {op,
             {{dtype, row.shape}},
             Attributes().integer(Attr::axis, row.axes[0]).boolean(Attr::keepdims, keep)});
    }
  all.push_back({op, {{dtype, {2, 3}}}, {}});
}

void add_matmuls(List& all, Opcode op, DType dtype) {
  struct {
    Shape batch;
    int64_t m, k, n;
  } const table[] = {{{}, 2, 3, 4},  {{}, 1, 1, 1},     {{}, 3, 0, 2},  {{}, 0, 3, 2},
                     {{2}, 3, 2, 1}, {{2, 3}, 2, 4, 2}, {{}, 2, 50, 1}, {{}, 2, 40, 17}};
  for (const auto& row : table)
    for (bool left : {false, true})
      for (bool right : {false, true}) {
        TensorType a{dtype, row.batch}, b{dtype, row.batch};
        a.shape.push_back(left ? row.k : row.m);
        a.shape.push_back(left ? row.m : row.k);
        b.shape.push_back(right ? row.n : row.k);
        b.shape.push_back(right ? row.k : row.n);
        all.push_back(
            {op,
             {a, b},
             Attributes().boolean(Attr::transpose_lhs, left).boolean(Attr::transpose_rhs, right)});
      }
}

void add_windows(List& all, Opcode op, DType dtype) {
  auto slice = [&](Shape shape, const Integers& start, const Integers& limit,
                   const Integers& step) {
    all.push_back({op,
                   {{dtype, shape}},
                   Attributes()
                       .integers(Attr::start, start)
                       .integers(Attr::limit, limit)
                       .integers(Attr::step, step)});
  };
  slice({5}, {1}, {4}, {1});
  slice({7}, {0}, {7}, {3});
  slice({7}, {1}, {6}, {2});
  slice({3}, {2}, {3}, {5});
  slice({3, 6}, {1, 0}, {3, 5}, {1, 2});
  slice({4, 5, 3}, {0, 1, 2}, {4, 5, 3}, {3, 3, 1});
  slice({4}, {2}, {2}, {1});
  slice({}, {}, {}, {});
  slice({0, 2}, {0, 0}, {0, 1}, {1, 1});
  auto pad = [&](Shape shape, const Integers& low, const Integers& high, double fill) {
    all.push_back(
        {op,
         {{dtype, shape}},
         Attributes().integers(Attr::low, low).integers(Attr::high, high).real(Attr::fill, fill)});
  };
  pad({3}, {1}, {2}, 0);
  pad({2, 3}, {0, 2}, {1, 0}, 1);
  pad({0}, {2}, {1}, 1);
  pad({}, {}, {}, 0);
  pad({2, 3}, {0, 0}, {0, 0}, 0);
}

void add_movements(List& all, Opcode op, DType dtype) {
  struct {
    Shape from, to;
  } const shapes[] = {{{}, {2, 3}},
                      {{3}, {2, 3}},
                      {{2, 1}, {2, 3}},
                      {{1}, {4}},
                      {{1}, {0}},
                      {{}, {}},
                      {{1, 3, 1}, {2, 2, 3, 2}},
                      {{6}, {2, 3}},
                      {{2, 3}, {6}},
                      {{2, 3}, {3, 2}},
                      {{1}, {}},
                      {{0, 3}, {0}},
                      {{2, 3, 4}, {4, 6}}};
  for (const auto& row : shapes)
    all.push_back({op, {{dtype, row.from}}, Attributes().shape(Attr::shape, row.to)});
  struct {
    Shape from;
    Integers axes;
  } const permutations[] = {{{}, {}},
                            {{3}, {0}},
                            {{2, 3}, {1, 0}},
                            {{2, 3, 4}, {2, 0, 1}},
                            {{2, 0, 4}, {1, 2, 0}},
                            {{2, 3, 1, 2}, {3, 1, 0, 2}}};
  for (const auto& row : permutations)
    all.push_back({op, {{dtype, row.from}}, Attributes().integers(Attr::permutation, row.axes)});
  struct {
    Shape from;
    Integers axes;
  } const reversals[] = {{{4}, {0}}, {{2, 3}, {1}}, {{2, 3}, {0, -1}},
                         {{0}, {0}}, {{2, 3}, {}},  {{1}, {0}}};
  for (const auto& row : reversals)
    all.push_back({op, {{dtype, row.from}}, Attributes().integers(Attr::axes, row.axes)});
}

void add_concats(List& all, Opcode op, DType dtype) {
  auto concat = [&](const std::vector<Shape>& shapes, int64_t axis) {
    Case c{op, {}, Attributes().integer(Attr::axis, axis)};
    for (const Shape& shape : shapes)
      c.operands.push_back({dtype, shape});
    all.push_back(c);
  };
  concat({{2}, {3}}, 0);
  concat({{2}}, 0);
  concat({{2, 3}, {2, 1}, {2, 0}, {2, 2}}, -1);
  concat({{1, 3}, {4, 3}}, 0);
  concat({{0}, {0}}, 0);
  concat({{2, 1, 2}, {2, 3, 2}}, 1);
}

void add_indexing(List& all, Opcode op, DType dtype) {
  for (DType index : {DType::i32, DType::i64}) {
    for (Shape at : {Shape{}, Shape{4}, Shape{2, 3}, Shape{0}}) {
      all.push_back({op, {{dtype, {3, 2}}, {index, at}}, {}});
      all.push_back({op, {{dtype, {3}}, {index, at}}, {}});
      all.push_back({op, {{dtype, {3, 0}}, {index, at}}, {}});
      for (int64_t extra : {-1, 2}) {
        Shape data = at;
        if (extra >= 0)
          data.push_back(extra);
        all.push_back({op, {{dtype, data}, {index, at}}, Attributes().integer(Attr::rows, 4)});
      }
      all.push_back(
          {op, {{index, at}}, Attributes().integer(Attr::depth, 3).dtype(Attr::dtype, dtype)});
    }
  }
}

void add_sources(List& all, Opcode op, DType dtype) {
  TensorType number{DType::i64, {}};
  for (Shape shape : {Shape{}, Shape{5}, Shape{0}, Shape{3, 4}, Shape{2, 3, 2}, Shape{1100}}) {
    all.push_back({op,
                   {number, number},
                   Attributes()
                       .shape(Attr::shape, shape)
                       .dtype(Attr::dtype, dtype)
                       .text(Attr::stream, "block1/w")});
    for (int axis = 0; axis < shape.rank(); ++axis)
      all.push_back({op,
                     {},
                     Attributes()
                         .shape(Attr::shape, shape)
                         .dtype(Attr::dtype, dtype)
                         .integer(Attr::axis, axis)});
  }
  all.push_back({op,
                 {},
                 Attributes().array(
                     Attr::value, std::make_shared<const Array>(TensorType{dtype, {2, 2}},
                                                                std::vector<double>{1, 0, 1, 0}))});
}

void add_derivatives(List& all, Opcode op, DType dtype) {
  all.push_back({op, {{dtype, {}}, {dtype, {2, 3}}}, {}});
}

} // namespace

std::vector<Case> cases(Opcode op, DType dtype) {
  List all;
  switch (kind(op)) {
  case OpKind::Source:
    add_sources(all, op, dtype);
    break;
  case OpKind::Pointwise:
    add_pointwise(all, op, dtype);
    break;
  case OpKind::Reduction:
    add_reductions(all, op, dtype);
    break;
  case OpKind::Contraction:
    add_matmuls(all, op, dtype);
    break;
  case OpKind::Movement:
    add_windows(all, op, dtype);
    add_movements(all, op, dtype);
    add_concats(all, op, dtype);
    break;
  case OpKind::Indexing:
    add_indexing(all, op, dtype);
    break;
  case OpKind::Derivative:
    add_derivatives(all, op, dtype);
    break;
  }
  std::erase_if(all, [](const Case& c) { return !accepted(c); });
  return all;
}

std::string to_string(const Case& c) {
  std::string text(name(c.op));
  for (const TensorType& type : c.operands)
    text += " " + gdjit::to_string(type);
  for (const Attributes::Entry& e : c.attributes.entries()) {
    text += " " + std::string(name(e.attr)) + "=" + std::to_string(e.number) + e.text;
    for (int64_t i : e.integers)
      text += "," + std::to_string(i);
  }
  return text;
}

Value Bench::input(Array value) {
  uint32_t row = static_cast<uint32_t>(signature_.inputs.size());
  signature_.inputs.push_back({"x" + std::to_string(row), value.type(), -1, {}});
  arguments_.inputs.push_back(std::move(value));
  return builder_.input(row);
}

Array Bench::run(Value v) { return interpret_nodes(graph_, arguments_, status_)[v.node]; }

Array sample(const OpInfo& op, int operand, const TensorType& type, std::mt19937_64& random) {
  SampleRange range;
  std::span<const SampleRange> ranges = op.block->samples;
  if (!ranges.empty())
    range = ranges[std::min<size_t>(operand, ranges.size() - 1)];
  Array array(type);
  for (int64_t i = 0; i < array.elements(); ++i) {
    double unit = std::uniform_real_distribution<double>(0, 1)(random);
    double value = range.low + unit * (range.high - range.low);
    if (is_integer(type.dtype))
      value = std::ceil(range.low) +
              std::floor(unit * (std::floor(range.high) - std::ceil(range.low) + 1));
    if (type.dtype == DType::boolean)
      value = unit < 0.5;
    array.set(i, value);
  }
  return array;
}

Built build(Bench& bench, const Case& c, std::mt19937_64& random) {
  Built built;
  for (size_t i = 0; i < c.operands.size(); ++i)
    built.operands.push_back(
        bench.input(sample(info(c.op), static_cast<int>(i), c.operands[i], random)));
  built.result = bench.builder().append(c.op, built.operands, c.attributes);
  return built;
}

} // namespace gdjit::testing
