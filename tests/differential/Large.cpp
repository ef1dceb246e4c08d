// A graph of 100,000 nodes, through the whole chain.
#include "Chain.h"
#include "StepBuilder.h"

#include "gdjit/Driver/Compile.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace gdjit {
namespace {

TEST(Large, AGraphOfAHundredThousandNodesCompilesToTheSameBits) {
  testing::StepBuilder b;
  const TensorType type{DType::f32, {4}};
  std::vector<Expr> values = {b.input("x", type), b.input("y", type)};
  uint32_t draw = 1;
  auto earlier = [&] { // one of the last 20 values
    draw = draw * 1664525u + 1013904223u;
    return values[values.size() - 1 - (draw >> 16) % std::min<size_t>(values.size(), 20)];
  };
  constexpr Opcode ops[] = {Opcode::Add, Opcode::Minimum, Opcode::Subtract, Opcode::Maximum};
  while (values.size() < 50000)
    values.push_back(apply(ops[values.size() % 4], values.back() * 0.5f, earlier()));
  b.output("last", values.back());
  ASSERT_GE(b.step().graph.size(), 100000u);
  CallArguments arguments;
  arguments.inputs = {Array(type, {1, 2, -3, 0.25}), Array(type, {0.5, -1, 4, 8})};
  EXPECT_EQ(testing::broken_link(b.step(), arguments, {{"native", 2}}), "");
}

} // namespace
} // namespace gdjit
