// Graph IR as text: every op with every attribute and very deep graphs parse back to equal steps.
#include "Cases.h"
#include "SameStep.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Ops/GraphParser.h"
#include "gdjit/Ops/Verifier.h"

#include <gmock/gmock.h>

#include <map>

namespace gdjit {
namespace {

using testing::Case;

void expect_round_trip(const Step& step) {
  std::string text = print(step);
  Step again;
  try {
    again = parse_step(text, "t.gdir");
  } catch (const std::exception& error) {
    FAIL() << error.what() << "\n" << text;
  }
  EXPECT_EQ(print(again), text);
  testing::expect_same(step, again);
  if (::testing::Test::HasFailure())
    FAIL() << text;
}

Step empty_step() {
  Step step;
  step.signature.name = "m";
  step.signature.step = "training";
  return step;
}

class GraphTextOfOp : public ::testing::TestWithParam<int> {};

TEST_P(GraphTextOfOp, ParsesBackToAnEqualStepForEveryTypeAndAttribute) {
  auto op = static_cast<Opcode>(GetParam());
  int nodes = 0;
  for (DType dtype : testing::all_dtypes)
    for (const Case& c : testing::cases(op, dtype)) {
      Step step = empty_step();
      Signature& s = step.signature;
      for (const TensorType& type : c.operands)
        s.inputs.push_back({"x" + std::to_string(s.inputs.size()), type, -1, {}});
      GraphBuilder builder(step.graph, s, Sharing::verbatim);
      std::vector<Value> operands;
      for (uint32_t i = 0; i < c.operands.size(); ++i)
        operands.push_back(builder.input(i));
      Value v = builder.append(op, operands, c.attributes);
      s.outputs.push_back({"y", step.graph.type(v), -1, {}});
      step.outputs.push_back(v);
      expect_round_trip(step);
      if (HasFatalFailure())
        return;
      ++nodes;
      Diagnostics diagnostics;
      verify(step, diagnostics);
      for (const Diagnostic& d : diagnostics.all())
        ADD_FAILURE() << d.message;
    }
  bool reads_signature =
      op == Opcode::Input || op == Opcode::State || op == Opcode::Scalar || op == Opcode::Constant;
  EXPECT_TRUE(nodes > 0 || reads_signature) << "no sample of " << name(op);
}

INSTANTIATE_TEST_SUITE_P(AllOps, GraphTextOfOp, ::testing::Range(0, opcode_count),
                         [](const auto& info) {
                           return std::string(name(static_cast<Opcode>(info.param)));
                         });

TEST(GraphText, AChainOfAMillionNodesIsPrintedParsedAndVerified) {
  constexpr NodeId length = 1'000'000;
  Step step = empty_step();
  step.signature.batch = 4;
  step.signature.inputs.push_back({"x", {DType::f32, {4}}, 0, {}});
  GraphBuilder builder(step.graph, step.signature, Sharing::verbatim);
  Value v = builder.input(0);
  for (NodeId n = 1; n < length; ++n) {
    builder.set_origin(step.graph.origin_of({"deep.cpp", n % 1000 + 1, 3}));
    v = builder.append(Opcode::Tanh, {v});
  }
  step.signature.outputs.push_back({"y", step.graph.type(v), 0, {}});
  step.outputs.push_back(v);
  std::string text = print(step);
  Step again = parse_step(text, "t.gdir");
  EXPECT_EQ(again.graph.size(), length);
  EXPECT_TRUE(print(again) == text);
  Diagnostics diagnostics;
  verify(again, diagnostics);
  EXPECT_TRUE(diagnostics.empty());
}

TEST(GraphText, ADeepInitialValueIsCutByLetsAndParsesBack) {
  Step step = empty_step();
  Signature& s = step.signature;
  TensorType type{DType::f32, {2}};
  GraphBuilder builder(s.initial, s, Sharing::shared);
  Value deep = builder.constant(type, 0.5), wide = deep;
  for (int i = 0; i < 2000; ++i)
    deep = builder.append(Opcode::Tanh, {deep});
  for (int i = 0; i < 60; ++i) // as a tree it would have 2^60 leaves
    wide = builder.append(Opcode::Add, {wide, wide});
  s.states.push_back({"deep", type, deep, {}});
  s.states.push_back({"wide", type, wide, {}});
  std::string text = print(step);
  EXPECT_LT(text.size(), 30000u);
  Step again = parse_step(text, "t.gdir");
  EXPECT_EQ(print(again), text);
  EXPECT_EQ(again.signature.initial.size(), s.initial.size());
}

TEST(GraphText, NumbersOfNodesMayBeAny) {
  Step step = parse_step("gdir 1\nstage declared\nmodel m\nstep s\nbatch 0\ninput x : f32[2]\n"
                         "output y : f32[2]\n\ngraph {\n  %700 = input x\n  %3 = add %700, %700\n"
                         "  output y = %3\n}\n",
                         "t.gdir");
  EXPECT_THAT(print(step),
              ::testing::HasSubstr("  %0 = input x : f32[2]\n  %1 = add %0, %0 : f32[2]\n"));
}

/// Stores large literals and knows the user's lines.
class Extras : public TextExtras, public ArrayFiles {
public:
  std::string source(const SourceLocation& place) override {
    return place.line == 7 ? "Tensor p = sigmoid(h);\nx" : "";
  }
  std::string store(const Array& array, const std::string& hint) override {
    files[hint + ".npy"] = array;
    return hint + ".npy";
  }
  Array load(const std::string& file, const TensorType&) override { return files.at(file); }
  std::map<std::string, Array> files;
};

TEST(GraphText, LargeLiteralsGoToFilesAndComeBackFromThem) {
  Step step = empty_step();
  Signature& s = step.signature;
  std::vector<double> values(65);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<double>(i) / 3;
  Array large(TensorType{DType::f32, {65}}, values), small(TensorType{DType::f32, {2}}, {1, 2});
  s.batch = 65;
  s.inputs.push_back({"x", {DType::f32, {65}}, 0, {}});
  s.data.push_back({0, std::make_shared<const Array>(large), ""});
  s.states.push_back(
      {"w", large.type(), GraphBuilder(s.initial, s, Sharing::shared).constant(large), {}});
  GraphBuilder builder(step.graph, s, Sharing::verbatim);
  builder.constant(large);
  step.graph.set_name(builder.constant(small).node, "small");
  Extras extras;
  std::string text = print(step, &extras);
  EXPECT_THAT(text, ::testing::HasSubstr("data x = file \"data.x.npy\""));
  EXPECT_THAT(text, ::testing::HasSubstr("state w : f32[65] = constant(file \"state.w.npy\")"));
  EXPECT_THAT(text, ::testing::HasSubstr("%0 = constant file \"node0.npy\" : f32[65]"));
  EXPECT_THAT(text, ::testing::HasSubstr("%small = constant [1, 2] : f32[2]"));
  Step again = parse_step(text, "t.gdir", &extras);
  EXPECT_EQ(print(again, &extras), text);
  testing::expect_same(step.graph, again.graph);
  EXPECT_EQ(again.signature.data[0].file, "data.x.npy");
  extras.files["node0.npy"] = small;
  EXPECT_THROW(parse_step(text, "t.gdir", &extras), Error);
}

TEST(GraphText, TheUsersWordsStandBesideAsCommentsThatAreSkipped) {
  Step step = empty_step();
  step.signature.batch = 2;
  step.signature.inputs.push_back({"x", {DType::f32, {2}}, 0, {}});
  GraphBuilder builder(step.graph, step.signature, Sharing::verbatim);
  builder.set_origin(step.graph.origin_of({"m.cpp", 7, 3}));
  builder.input(0);
  Extras extras;
  std::string text = print(step, &extras);
  EXPECT_THAT(text, ::testing::HasSubstr("@ m.cpp:7:3  ; Tensor p = sigmoid(h); x\n"));
  testing::expect_same(step, parse_step(text, "t.gdir"));
}

TEST(Verifier, names_what_an_op_lacks_and_takes_no_fault_of_ours_for_it) {
  for (int i = 0; i < opcode_count; ++i) {
    auto op = static_cast<Opcode>(i);
    SCOPED_TRACE(name(op));
    Step step; // the op without attributes, over tensors that most ops take
    TensorType type{DType::f32, {2, 2}};
    std::vector<Value> operands;
    for (int k = 0; k < std::max(operand_count(op), operand_count(op) < 0 ? 1 : 0); ++k)
      operands.push_back(
          {step.graph.append(Opcode::Constant, {},
                             Attributes().array(Attr::value, std::make_shared<const Array>(type)),
                             {&type, 1}),
           0});
    step.graph.append(op, operands, {}, {&type, 1});
    Diagnostics diagnostics;
    EXPECT_NO_THROW(verify(step, diagnostics));
    bool complete = true;
    try {
      GraphBuilder(step.graph, step.signature, Sharing::verbatim).append(op, operands);
    } catch (const Error&) {
      complete = false;
    }
    if (!complete)
      EXPECT_FALSE(diagnostics.empty());
    for (const Diagnostic& d : diagnostics.all())
      EXPECT_EQ(d.message.find("internal error"), std::string::npos) << d.message;
  }
  Step step;
  TensorType type{DType::f32, {2}};
  step.graph.append(Opcode::Constant, {}, Attributes().array(Attr::value, nullptr), {&type, 1});
  Diagnostics diagnostics;
  verify(step, diagnostics);
  ASSERT_EQ(diagnostics.size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].message, "%0 = constant: attribute 'value' holds no elements");
}

} // namespace
} // namespace gdjit
