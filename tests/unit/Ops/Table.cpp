// The op table is complete: every op says what it is, and nothing about an op is left open.
#include "Cases.h"

#include <algorithm>

namespace gdjit::testing {
namespace {

class Table : public ::testing::TestWithParam<Opcode> {
protected:
  const OpInfo& op() const { return info(GetParam()); }
};

TEST_P(Table, says_what_the_op_is) {
  const OpBlock& block = *op().block;
  EXPECT_EQ(op().opcode, GetParam());
  EXPECT_FALSE(block.summary.empty());
  EXPECT_FALSE(block.formula.empty());
  EXPECT_NE(block.summary.back(), '.');
  Opcode found{};
  ASSERT_TRUE(find_opcode(op().name, found));
  EXPECT_EQ(found, op().opcode);
}

TEST_P(Table, decides_on_the_derivative) {
  const OpBlock& block = *op().block;
  EXPECT_NE(block.vjp == nullptr, block.not_differentiable.empty())
      << "either a rule or a reason, not both and not neither";
  EXPECT_FALSE(block.vjp && block.zero_gradient);
}

TEST_P(Table, has_what_its_kind_needs) {
  const OpBlock& block = *op().block;
  bool stored = op().kind == OpKind::Source && !block.expand;
  EXPECT_TRUE(block.infer || stored);
  switch (op().kind) {
  case OpKind::Pointwise:
    EXPECT_TRUE(block.expand && block.reference);
    break;
  case OpKind::Source:
    EXPECT_TRUE(stored || block.reference_tensor);
    break;
  case OpKind::Reduction:
  case OpKind::Contraction:
  case OpKind::Movement:
    EXPECT_TRUE(block.accesses && block.reference_tensor);
    break;
  case OpKind::Indexing:
    EXPECT_TRUE(block.index_use != IndexUse::none && block.reference_tensor);
    break;
  case OpKind::Derivative:
    break;
  }
  for (const SimplifyRule& rule : block.simplifications) {
    EXPECT_FALSE(rule.text.empty());
    EXPECT_TRUE(rule.apply);
  }
}

TEST_P(Table, infers_the_same_type_and_attributes_from_completed_attributes) {
  for (DType dtype : all_dtypes)
    for (const Case& c : cases(op().opcode, dtype)) {
      Bench bench;
      std::mt19937_64 random(1);
      Built built = build(bench, c, random);
      Attributes completed = bench.graph().attributes(built.result.node);
      Value again = bench.builder().append(c.op, built.operands, completed);
      EXPECT_EQ(bench.graph().type(again), bench.graph().type(built.result)) << to_string(c);
      EXPECT_EQ(bench.graph().attributes(again.node), completed) << to_string(c);
      for (const Attributes::Entry& e : completed.entries())
        EXPECT_NE(std::find(op().block->attributes.begin(), op().block->attributes.end(), e.attr),
                  op().block->attributes.end())
            << "attribute " << name(e.attr) << " is not in the block's list";
    }
}

INSTANTIATE_TEST_SUITE_P(Ops, Table,
                         ::testing::ValuesIn(ops_where([](const OpInfo&) { return true; })),
                         op_name);

} // namespace
} // namespace gdjit::testing
