// Graph IR as text: random steps with everything that a text can hold parse back to equal steps.
#include "Cases.h"
#include "SameStep.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Ops/GraphBuilder.h"
#include "gdjit/Ops/GraphParser.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

namespace gdjit {
namespace {

using testing::Case;

/// A random step: nodes that the type rules accept, with names, places, parts, kernels and initial
/// values.
class RandomStep {
public:
  explicit RandomStep(uint64_t seed) : random_(seed) {}

  Step make() {
    step_ = {};
    Signature& s = step_.signature;
    s.step = "training";
    s.name = pick(names_);
    s.batch = static_cast<int64_t>(number(4));
    s.scalars = {{"seed", DType::i64, 0, false, {}}, {"step", DType::i64, 3, true, {}}};
    for (int i = 0; i < 4; ++i) {
      TensorType type = random_type();
      Origin origin = s.initial.origin_of(random_place());
      s.inputs.push_back(
          {unique(), type, type.shape.rank() && type.shape[0] == s.batch ? 0 : -1, origin});
      s.states.push_back({unique(), type, initial(type, 3), origin});
    }
    GraphBuilder builder(step_.graph, s, Sharing::verbatim);
    for (uint32_t i = 0; i < 4; ++i) {
      values_.push_back(builder.input(i));
      values_.push_back(builder.state(i));
    }
    for (int i = 0; i < 60; ++i)
      append(builder);
    decorate();
    for (uint32_t i = 0; i < 3; ++i) {
      Value v = values_[number(values_.size())];
      s.outputs.push_back({unique(), step_.graph.type(v), -1, {}});
      step_.outputs.push_back(v);
      s.updates.push_back({i, {}});
      step_.updates.push_back({2 * i, 0}); // the input of the same type
    }
    rows();
    return std::move(step_);
  }

private:
  uint64_t number(uint64_t below) { return random_() % below; }
  template <class T> const T& pick(const std::vector<T>& list) { return list[number(list.size())]; }
  std::string unique() { return pick(names_) + std::to_string(++count_); }

  TensorType random_type() {
    constexpr DType types[] = {DType::f32, DType::f32, DType::f64, DType::i32, DType::boolean};
    TensorType type{types[number(5)], {}};
    for (uint64_t rank = number(4); rank > 0; --rank)
      type.shape.push_back(static_cast<int64_t>(number(4)));
    return type;
  }

  SourceLocation random_place() {
    if (number(4) == 0)
      return {};
    return {pick(files_), static_cast<uint32_t>(number(100)), static_cast<uint32_t>(number(30))};
  }

  Array random_array(const TensorType& type) {
    Array array(type);
    bool equal = number(3) == 0;
    double value = pick(numbers_);
    for (int64_t i = 0; i < array.elements(); ++i)
      array.set(i, equal ? value : pick(numbers_));
    return array;
  }

  /// Leaves are shared, as a reader of the text does.
  Value initial(const TensorType& type, int depth) {
    Signature& s = step_.signature;
    GraphBuilder builder(s.initial, s, Sharing::shared);
    if (is_float(type.dtype) && depth > 0 && number(2) == 0) {
      Value a = initial(type, depth - 1), b = initial(type, depth - 1);
      return GraphBuilder(s.initial, s, Sharing::verbatim).append(Opcode::Add, {a, b});
    }
    if (is_float(type.dtype) && number(2) == 0) {
      Value seed = builder.scalar(0), step = builder.scalar(1);
      return GraphBuilder(s.initial, s, Sharing::verbatim)
          .append(Opcode::Normal, {seed, step},
                  Attributes()
                      .dtype(Attr::dtype, type.dtype)
                      .shape(Attr::shape, type.shape)
                      .text(Attr::stream, unique()));
    }
    if (number(2) == 0 && type.shape.rank() > 0)
      return GraphBuilder(s.initial, s, Sharing::verbatim).constant(random_array(type));
    return builder.constant(type, type.dtype == DType::boolean ? 1 : pick(numbers_));
  }

  void append(GraphBuilder& builder) {
    for (int attempt = 0; attempt < 200; ++attempt) {
      auto op = static_cast<Opcode>(number(opcode_count));
      if (op == Opcode::Constant) {
        values_.push_back(builder.constant(random_array(random_type())));
        return;
      }
      constexpr DType types[] = {DType::f32, DType::f64, DType::i32, DType::boolean};
      uint64_t type = number(4);
      std::vector<Case>& cases = cases_[type][static_cast<size_t>(op)];
      if (cases.empty())
        cases = testing::cases(op, types[type]);
      if (cases.empty())
        continue;
      const Case& c = pick(cases);
      std::vector<Value> operands;
      for (size_t i = 0; i < c.operands.size(); ++i)
        operands.push_back(values_[number(values_.size())]);
      try {
        values_.push_back(builder.append(op, operands, c.attributes));
        return;
      } catch (const Error&) {
        continue; // these operands do not fit: draw again
      }
    }
  }

  void decorate() {
    Graph& graph = step_.graph;
    auto part = Part::forward;
    for (NodeId n = 0; n < graph.size(); ++n) {
      if (number(10) == 0)
        part = static_cast<Part>(number(3));
      graph.set_origin(n, graph.origin_of(random_place(), part));
      if (number(4) == 0)
        graph.set_name(n, unique());
    }
    if (number(2) == 0)
      return;
    step_.stage = Stage::Fused;
    for (uint32_t k = 0; k < 4; ++k)
      step_.partition.kernels.push_back(
          {"k" + std::to_string(k), pick(names_), number(2) ? pick(names_) : ""});
    uint32_t kernel = 0;
    for (NodeId n = 0; n < graph.size(); ++n) {
      if (number(15) == 0 && kernel < 3)
        ++kernel;
      step_.partition.kernel_of.push_back(
          graph.operands(n).empty() && number(2) ? Partition::no_kernel : kernel);
    }
  }

  void rows() {
    Signature& s = step_.signature;
    for (uint32_t i = 0; i < 4; ++i) {
      Rows rows;
      rows.input = i;
      if (number(2))
        rows.values = std::make_shared<const Array>(random_array(s.inputs[i].type));
      else
        rows.file = pick(names_);
      (number(2) ? s.data : s.examples).push_back(rows);
    }
  }

  std::mt19937_64 random_;
  Step step_;
  std::vector<Value> values_;
  int count_ = 0;
  std::vector<Case> cases_[4][opcode_count];
  const std::vector<std::string> names_ = {"x",       "block1/w", "a.b-c_",    "with blank",
                                           "Größe",   "7",        "quote\"\\", "line\nbreak",
                                           "nul\x01", "update",   "@"};
  const std::vector<std::string> files_ = {"a.cpp", "dir/b c.cpp", "update", "x:y", "/abs/c++.cc"};
  const std::vector<double> numbers_ = {0,     -0.0,   1,   -1,       0.1,       1e-45,    3e38,
                                        1e300, 5e-324, NAN, INFINITY, -HUGE_VAL, 123456789};
};

TEST(GraphText, RandomStepsParseBackToEqualSteps) {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Step step = RandomStep(seed).make();
    std::string text = print(step);
    Step again;
    ASSERT_NO_THROW(again = parse_step(text, "t.gdir")) << text;
    ASSERT_EQ(print(again), text);
    // Initial values are numbered in the order of the text; the body is equal in every field.
    Step first = parse_step(text, "t.gdir"), second = parse_step(print(first), "t.gdir");
    testing::expect_same(first, second);
    testing::expect_same(step.graph, again.graph);
    EXPECT_EQ(step.outputs, again.outputs);
    EXPECT_EQ(step.updates, again.updates);
    EXPECT_EQ(step.partition.kernel_of, again.partition.kernel_of);
    testing::expect_same(step.signature.data, again.signature.data);
    testing::expect_same(step.signature.examples, again.signature.examples);
    ASSERT_FALSE(HasFailure()) << text;
  }
}

} // namespace
} // namespace gdjit
