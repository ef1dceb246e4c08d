// What type rules refuse, and in which words: op, both types, place, remedy.
#include "Cases.h"

namespace gdjit::testing {
namespace {

using ::testing::Test;

struct Refused {
  const char* what;
  Opcode op;
  std::vector<TensorType> operands;
  Attributes attributes;
  const char* message; ///< part of the error
};

Attributes none() { return {}; }
Attributes axes(std::vector<int64_t> values) {
  return Attributes().integers(Attr::axes, std::move(values));
}
Attributes axis(int64_t value) { return Attributes().integer(Attr::axis, value); }
Attributes shape(std::vector<int64_t> values) {
  return Attributes().integers(Attr::shape, std::move(values));
}
Attributes permutation(std::vector<int64_t> values) {
  return Attributes().integers(Attr::permutation, std::move(values));
}
Attributes window(std::vector<int64_t> start, std::vector<int64_t> limit,
                  std::vector<int64_t> step) {
  return Attributes()
      .integers(Attr::start, std::move(start))
      .integers(Attr::limit, std::move(limit))
      .integers(Attr::step, std::move(step));
}
Attributes order(ReductionOrder value) { return Attributes().order(Attr::order, value); }
Attributes draw(DType dtype) {
  return Attributes().dtype(Attr::dtype, dtype).shape(Attr::shape, {2}).text(Attr::stream, "s");
}

constexpr DType f32 = DType::f32, f64 = DType::f64, i32 = DType::i32, i64 = DType::i64,
                boolean = DType::boolean;

const Refused refused[] = {
    {"types differ",
     Opcode::Add,
     {{f32, {2}}, {i32, {2}}},
     none(),
     "add: element types differ, f32 and i32"},
    {"cast is named",
     Opcode::Add,
     {{f32, {2}}, {f64, {2}}},
     none(),
     "convert one operand with cast"},
    {"shapes differ",
     Opcode::Multiply,
     {{f32, {2, 3}}, {f32, {3}}},
     none(),
     "mul: shapes differ, [2,3] and [3]"},
    {"bool arithmetic",
     Opcode::Add,
     {{boolean, {}}, {boolean, {}}},
     none(),
     "add: takes f32, f64, i32 or i64, not bool"},
    {"integer rounding", Opcode::Floor, {{i32, {}}}, none(), "floor: takes f32 or f64, not i32"},
    {"number logic",
     Opcode::LogicalAnd,
     {{f32, {}}, {f32, {}}},
     none(),
     "logical_and: takes bool, not f32"},
    {"too few operands", Opcode::Add, {{f32, {}}}, none(), "add: takes 2 operands, 1 given"},
    {"too many operands",
     Opcode::Negate,
     {{f32, {}}, {f32, {}}},
     none(),
     "neg: takes 1 operand, 2 given"},
    {"no operands", Opcode::Concat, {}, axis(0), "concat: takes at least 1 operand, 0 given"},
    {"foreign attribute",
     Opcode::Add,
     {{f32, {}}, {f32, {}}},
     axis(0),
     "add: has no attribute 'axis'"},
    {"condition",
     Opcode::Select,
     {{f32, {2}}, {f32, {2}}, {f32, {2}}},
     none(),
     "select: the condition is f32, not bool"},
    {"condition's shape",
     Opcode::Select,
     {{boolean, {}}, {f32, {2}}, {f32, {2}}},
     none(),
     "condition [] for values of [2]"},
    {"branches differ",
     Opcode::Select,
     {{boolean, {2}}, {f32, {2}}, {f64, {2}}},
     none(),
     "element types differ, f32 and f64"},
    {"cast to nothing", Opcode::Cast, {{f32, {}}}, none(), "cast: attribute 'dtype' is missing"},
    {"axis out of range",
     Opcode::Sum,
     {{f32, {2, 3}}},
     axes({2}),
     "sum: axis 2 is out of range for rank 2"},
    {"axes are named", Opcode::Sum, {{f32, {2, 3}}}, axes({-3}), "axes are -2 to 1"},
    {"axis of rank 0", Opcode::Max, {{f32, {}}}, axes({0}), "a tensor of rank 0 has no axes"},
    {"axis twice", Opcode::Sum, {{f32, {2, 3}}}, axes({1, -1}), "sum: axis 1 is given twice"},
    {"max of nothing", Opcode::Max, {{f32, {2, 0}}}, axes({1}), "max: no elements to choose from"},
    {"max of bool",
     Opcode::Max,
     {{boolean, {2}}},
     axes({0}),
     "max: takes f32, f64, i32 or i64, not bool"},
    {"any of numbers", Opcode::Any, {{i32, {2}}}, axes({0}), "any: takes bool, not i32"},
    {"argmax of nothing",
     Opcode::Argmax,
     {{f32, {0}}},
     axis(0),
     "argmax: no elements to choose from"},
    {"argmax without axis",
     Opcode::Argmax,
     {{f32, {2}}},
     none(),
     "argmax: attribute 'axis' is missing"},
    {"accumulator",
     Opcode::Sum,
     {{f64, {2}}},
     order({f32, 1, 0}),
     "sum: accumulator f32 does not hold f64"},
    {"accumulator's class",
     Opcode::Sum,
     {{f32, {2}}},
     order({i64, 1, 0}),
     "sum: accumulator i64 does not hold f32"},
    {"partials", Opcode::Sum, {{f32, {2}}}, order({f32, 3, 0}), "sum: 3 partial sums"},
    {"no partials", Opcode::Sum, {{f32, {2}}}, order({f32, 0, 0}), "sum: 0 partial sums"},
    {"blocks",
     Opcode::Sum,
     {{f32, {2}}},
     order({f32, 8, 12}),
     "sum: blocks of 12 with 8 partial sums"},
    {"inner",
     Opcode::Matmul,
     {{f32, {64, 784}}, {f32, {780, 128}}},
     none(),
     "matmul: inner dimensions differ, 784 and 780"},
    {"matmul types",
     Opcode::Matmul,
     {{f32, {2, 2}}, {f64, {2, 2}}},
     none(),
     "matmul: element types differ, f32 and f64"},
    {"matmul rank",
     Opcode::Matmul,
     {{f32, {2}}, {f32, {2, 2}}},
     none(),
     "matmul: takes operands of rank 2 or more, not 1 and 2"},
    {"matmul batch",
     Opcode::Matmul,
     {{f32, {3, 2, 2}}, {f32, {4, 2, 2}}},
     none(),
     "matmul: batch axes differ, [3,2,2] and [4,2,2]"},
    {"matmul of bool",
     Opcode::Matmul,
     {{boolean, {2, 2}}, {boolean, {2, 2}}},
     none(),
     "matmul: takes f32, f64, i32 or i64"},
    {"broadcast",
     Opcode::Broadcast,
     {{f32, {3}}},
     shape({3, 2}),
     "broadcast: [3] does not broadcast to [3,2]"},
    {"broadcast down",
     Opcode::Broadcast,
     {{f32, {1, 2}}},
     shape({2}),
     "broadcast: [1,2] does not broadcast to [2]"},
    {"negative extent",
     Opcode::Broadcast,
     {{f32, {}}},
     shape({-1}),
     "broadcast: extent -1 is negative"},
    {"absurd extents",
     Opcode::Broadcast,
     {{f32, {}}},
     shape({1 << 30, 1 << 30, 1 << 30}),
     "more than 2^40 elements"},
    {"absurd but empty",
     Opcode::Broadcast,
     {{f32, {}}},
     shape({0, int64_t{1} << 62, 4}),
     "more than 2^40 elements"},
    {"rank 9",
     Opcode::Broadcast,
     {{f32, {}}},
     shape({1, 1, 1, 1, 1, 1, 1, 1, 1}),
     "rank 9 is above 8"},
    {"reshape",
     Opcode::Reshape,
     {{f32, {2, 3}}},
     shape({5}),
     "reshape: [2,3] has 6 elements, [5] has 5"},
    {"permutation",
     Opcode::Transpose,
     {{f32, {2, 3}}},
     permutation({0, 0}),
     "transpose: [0,0] is not a permutation of the axes"},
    {"permutation's size",
     Opcode::Transpose,
     {{f32, {2, 3}}},
     permutation({0}),
     "'permutation' has 1 entries for rank 2"},
    {"permutation's range",
     Opcode::Transpose,
     {{f32, {2, 3}}},
     permutation({0, 64}),
     "is not a permutation"},
    {"slice's end",
     Opcode::Slice,
     {{f32, {3}}},
     window({0}, {4}, {1}),
     "slice: 0:4 on axis 0 of extent 3"},
    {"slice's direction",
     Opcode::Slice,
     {{f32, {3}}},
     window({2}, {1}, {1}),
     "slice: 2:1 on axis 0 of extent 3"},
    {"slice's step", Opcode::Slice, {{f32, {3}}}, window({0}, {3}, {0}), "slice: step 0 on axis 0"},
    {"slice's rank",
     Opcode::Slice,
     {{f32, {3}}},
     window({0, 0}, {3, 1}, {1, 1}),
     "'start' has 2 entries for rank 1"},
    {"pad",
     Opcode::Pad,
     {{f32, {3}}},
     Attributes().integers(Attr::low, {-1}).integers(Attr::high, {0}),
     "pad: pads -1 and 0 on axis 0"},
    {"concat's shapes",
     Opcode::Concat,
     {{f32, {2, 3}}, {f32, {3, 3}}},
     axis(1),
     "concat: shapes [2,3] and [3,3] differ outside axis 1"},
    {"concat's types",
     Opcode::Concat,
     {{f32, {2}}, {f64, {2}}},
     axis(0),
     "concat: element types differ, f32 and f64"},
    {"reverse twice",
     Opcode::Reverse,
     {{f32, {2, 3}}},
     axes({0, 0}),
     "reverse: axis 0 is given twice"},
    {"float indices",
     Opcode::Gather,
     {{f32, {3}}, {f32, {2}}},
     none(),
     "gather: indices are f32, not i32 or i64"},
    {"no rows",
     Opcode::Gather,
     {{f32, {}}, {i32, {2}}},
     none(),
     "gather: data of rank 0 has no rows"},
    {"scatter's data",
     Opcode::ScatterAdd,
     {{f32, {3}}, {i32, {2}}},
     Attributes().integer(Attr::rows, 4),
     "does not begin with the extents of the indices, [2]"},
    {"scatter of bool",
     Opcode::ScatterAdd,
     {{boolean, {2}}, {i32, {2}}},
     Attributes().integer(Attr::rows, 4),
     "scatter_add: takes f32, f64, i32 or i64"},
    {"one_hot's depth",
     Opcode::OneHot,
     {{i32, {2}}},
     Attributes().integer(Attr::depth, -1).dtype(Attr::dtype, f32),
     "one_hot: -1 classes"},
    {"iota of bool",
     Opcode::Iota,
     {},
     Attributes().shape(Attr::shape, {3}).integer(Attr::axis, 0).dtype(Attr::dtype, boolean),
     "iota: gives numbers, not bool"},
    {"uniform integers",
     Opcode::Uniform,
     {{i64, {}}, {i64, {}}},
     draw(i32),
     "uniform: does not give i32"},
    {"float seed",
     Opcode::Normal,
     {{f32, {}}, {i64, {}}},
     draw(f32),
     "normal: seed and step are i64[], not f32[]"},
    {"integer loss",
     Opcode::Gradient,
     {{i32, {}}, {f32, {2}}},
     none(),
     "gradient: takes f32 or f64, not i32"},
    {"loss of a shape",
     Opcode::Gradient,
     {{f32, {3}}, {f32, {2}}},
     none(),
     "gradient: the loss has shape [3], not []"},
    {"integer parameter",
     Opcode::Gradient,
     {{f32, {}}, {i64, {2}}},
     none(),
     "gradient: takes f32 or f64, not i64"},
    {"foreign row",
     Opcode::State,
     {},
     Attributes().integer(Attr::index, 0),
     "state: row 0 of 0 in the signature"},
};

class TypeRules : public ::testing::TestWithParam<Refused> {};

TEST_P(TypeRules, refuse_with_a_reason) {
  const Refused& r = GetParam();
  Bench bench;
  std::vector<Value> operands;
  for (const TensorType& type : r.operands)
    operands.push_back(
        bench.input(Array(type.elements() < 1 << 20 ? type : TensorType{type.dtype, {}})));
  NodeId before = bench.graph().size();
  std::string text = error_of([&] { bench.builder().append(r.op, operands, r.attributes); });
  EXPECT_NE(text.find(r.message), std::string::npos) << "the message is: " << text;
  EXPECT_EQ(bench.graph().size(), before) << "a refused node must not be appended";
}

INSTANTIATE_TEST_SUITE_P(Ops, TypeRules, ::testing::ValuesIn(refused), [](const auto& test) {
  std::string text = std::string(name(test.param.op)) + "_" + test.param.what;
  for (char& c : text)
    c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return text;
});

TEST(TypeRules, an_error_names_both_operands_with_their_lines) {
  Graph graph;
  Signature signature;
  signature.inputs.push_back({"x", {f32, {64, 784}}, 0, {}});
  signature.states.push_back({"w1", {f32, {780, 128}}, {}, {}});
  GraphBuilder builder(graph, signature, Sharing::verbatim);
  builder.set_origin(graph.origin_of({"mlp.cpp", 31, 0}));
  Value x = builder.input(0);
  builder.set_origin(graph.origin_of({"mlp.cpp", 35, 0}));
  Value w = builder.state(0);
  builder.set_origin(graph.origin_of({"mlp.cpp", 42, 17}));
  EXPECT_EQ(error_of([&] { builder.append(Opcode::Matmul, {x, w}); }),
            "mlp.cpp:42:17: error: matmul: inner dimensions differ, 784 and 780\n"
            "  lhs x  : f32[64,784]    mlp.cpp:31\n"
            "  rhs w1 : f32[780,128]   mlp.cpp:35\n"
            "  transpose or reshape one operand");
}

TEST(TypeRules, give_the_types_people_expect) {
  struct {
    Opcode op;
    std::vector<TensorType> operands;
    Attributes attributes;
    TensorType result;
  } const table[] = {
      {Opcode::Less, {{f32, {2}}, {f32, {2}}}, none(), {boolean, {2}}},
      {Opcode::Sum, {{i32, {2, 3}}}, axes({0}), {i64, {3}}},
      {Opcode::Sum, {{boolean, {2, 3}}}, none(), {i64, {}}},
      {Opcode::Prod, {{i32, {2}}}, axes({-1}), {i64, {}}},
      {Opcode::Sum, {{f32, {2, 3}}}, axes({1}).boolean(Attr::keepdims, true), {f32, {2, 1}}},
      {Opcode::Max, {{i32, {2, 3}}}, axes({1}), {i32, {2}}},
      {Opcode::Argmax, {{f32, {2, 3}}}, axis(-1), {i64, {2}}},
      {Opcode::Matmul, {{i32, {4, 2, 3}}, {i32, {4, 3, 5}}}, none(), {i32, {4, 2, 5}}},
      {Opcode::Slice, {{f32, {7}}}, window({1}, {6}, {2}), {f32, {3}}},
      {Opcode::Gather, {{f32, {10, 3}}, {i64, {4, 5}}}, none(), {f32, {4, 5, 3}}},
      {Opcode::ScatterAdd,
       {{f32, {4, 5, 3}}, {i64, {4, 5}}},
       Attributes().integer(Attr::rows, 10),
       {f32, {10, 3}}},
      {Opcode::OneHot,
       {{i32, {4}}},
       Attributes().integer(Attr::depth, 7).dtype(Attr::dtype, f64),
       {f64, {4, 7}}},
      {Opcode::Gradient, {{f32, {}}, {f64, {2, 3}}}, none(), {f64, {2, 3}}},
  };
  for (const auto& row : table) {
    Bench bench;
    std::vector<Value> operands;
    for (const TensorType& type : row.operands)
      operands.push_back(bench.input(Array(type)));
    EXPECT_EQ(
        to_string(bench.graph().type(bench.builder().append(row.op, operands, row.attributes))),
        to_string(row.result))
        << name(row.op);
  }
}

} // namespace
} // namespace gdjit::testing
