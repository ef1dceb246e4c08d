// Every simplification rule is tried, on every special value, and gives the bits of the node that
// it replaces.
#include "Cases.h"

#include "gdjit/Ops/Rewrite.h"

#include <algorithm>
#include <map>
#include <set>

namespace gdjit::testing {
namespace {

class Simplifications : public ::testing::TestWithParam<Opcode> {};

/// Random elements with every special value among them.
Array special(TensorType type, std::mt19937_64& random) {
  static const double floats[] = {0.0,       -0.0,   1,   -1, NAN,   INFINITY,
                                  -HUGE_VAL, 1e-310, 2.5, -3, 1e300, 1e-40};
  static const double others[] = {0, 1, -1, 2, -7, 2147483647, -2147483648.0, 9e18};
  Array array(type);
  for (int64_t i = 0; i < array.elements(); ++i) {
    size_t k = std::uniform_int_distribution<size_t>(0, 119)(random);
    array.set(i,
              is_float(type.dtype) ? floats[k % std::size(floats)] : others[k % std::size(others)]);
  }
  return array;
}

/// Nodes by the type of their result: ops of one operand, which rules look for as producers.
using Makers = std::map<std::string, std::vector<Case>>;

const Makers& makers() {
  static const Makers all = [] {
    Makers found;
    for (int op = 0; op < opcode_count; ++op)
      for (DType dtype : all_dtypes) {
        OpKind k = kind(static_cast<Opcode>(op));
        if (operand_count(static_cast<Opcode>(op)) != 1 ||
            (k != OpKind::Pointwise && k != OpKind::Movement))
          continue;
        for (const Case& c : cases(static_cast<Opcode>(op), dtype)) {
          Bench bench;
          std::mt19937_64 random(1);
          Built built = build(bench, c, random);
          if (bench.graph().type(built.result).elements() <= 24)
            found[gdjit::to_string(bench.graph().type(built.result))].push_back(c);
        }
      }
    return found;
  }();
  return all;
}

class Tried {
public:
  explicit Tried(const OpInfo& op) : op_(op) {}

  /// Tries every rule on a node over these operands.
  void rules_on(Bench& bench, const Case& c, const std::vector<Value>& operands) {
    Value before = bench.builder().append(c.op, operands, c.attributes);
    Attributes attributes = bench.graph().attributes(before.node);
    TensorType type = bench.graph().type(before);
    for (const SimplifyRule& rule : op_.block->simplifications) {
      Rewrite rewrite(bench.builder(), op_.opcode, operands, attributes, type);
      Value after = rule.apply(rewrite);
      if (!after.valid())
        continue;
      used_.insert(rule.text);
      ASSERT_EQ(bench.graph().type(after), type) << rule.text << " for " << to_string(c);
      Array expected = bench.run(before);
      ASSERT_TRUE(same_bits(bench.run(after), expected)) << rule.text << " for " << to_string(c);
    }
  }
  bool used(const SimplifyRule& rule) const { return used_.count(rule.text) > 0; }

private:
  const OpInfo& op_;
  std::set<std::string_view> used_;
};

/// Rows of class numbers as they stand in losses: sums over the classes, and tests for the 1.
void try_one_hot_rows(Tried& tried, Opcode op) {
  for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64}) {
    Bench bench;
    GraphBuilder& b = bench.builder();
    Value labels = bench.input(row<int64_t>({2, 0, -1, 1, 3, 2})); // two out of range
    Attributes rows = Attributes().integer(Attr::depth, 3).dtype(Attr::dtype, dtype);
    Value h = b.append(Opcode::OneHot, {labels}, rows);
    Value one = b.constant(bench.graph().type(h), 1), zero = b.constant(bench.graph().type(h), 0);
    if (op == Opcode::Select)
      tried.rules_on(bench, {op, {}, {}}, {b.append(Opcode::Equal, {h, one}), one, zero});
    if (op == Opcode::Sum)
      for (Value summed : {h, b.append(Opcode::Negate, {h})})
        for (int64_t axis : {0, 1})
          tried.rules_on(bench, {op, {}, Attributes().integers(Attr::axes, {axis})}, {summed});
  }
}

/// softplus of elements around a bound, compared with it.
template <class T> void try_softplus_bounds(Tried& tried) {
  for (const T bound :
       {T(8), T(12), T(16), T(20), T(30), T(36), T(40), T(100), std::numeric_limits<T>::max()}) {
    Bench bench;
    std::vector<T> elements = {-INFINITY, -1, 0, 15, 17, T(17.5), 20, INFINITY, NAN};
    T above = bound, below = bound;
    for (int i = 0; i < 20; ++i) {
      elements.insert(elements.end(), {above, below});
      above = std::nextafter(above, std::numeric_limits<T>::infinity());
      below = std::nextafter(below, T(0));
    }
    const Value y = bench.builder().append(Opcode::Softplus, {bench.input(row<T>(elements))});
    const Value c = bench.builder().constant(bench.graph().type(y), bound);
    tried.rules_on(bench, {Opcode::LessEqual, {}, {}}, {y, c});
  }
}

TEST_P(Simplifications, keep_every_bit) {
  const OpInfo& op = info(GetParam());
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  Tried tried(op);
  auto inputs = [&](Bench& bench, const Case& c) {
    std::vector<Value> operands;
    for (const TensorType& type : c.operands)
      operands.push_back(bench.input(special(type, random)));
    return operands;
  };
  for (DType dtype : all_dtypes)
    for (const Case& c : cases(op.opcode, dtype)) {
      if (std::any_of(c.operands.begin(), c.operands.end(),
                      [](const TensorType& t) { return t.elements() > 24; }))
        continue;
      {
        Bench bench;
        std::vector<Value> operands = inputs(bench, c);
        tried.rules_on(bench, c, operands);
        if (operands.size() > 1 && c.operands.back() == c.operands[operands.size() - 2]) {
          operands.back() = operands[operands.size() - 2];
          tried.rules_on(bench, c, operands);
        }
      }

      for (size_t i = 0; i < c.operands.size(); ++i) {
        for (double constant : {0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -4.0, 3.0, HUGE_VAL, double{NAN}}) {
          Bench bench;
          std::vector<Value> operands = inputs(bench, c);
          operands[i] = bench.builder().constant(c.operands[i], constant);
          tried.rules_on(bench, c, operands);
        }
        auto found = makers().find(gdjit::to_string(c.operands[i]));
        if (found == makers().end())
          continue;
        for (const Case& m : found->second) {
          Bench bench;
          std::vector<Value> operands = inputs(bench, c);
          for (size_t k = 0; k < operands.size();
               ++k) // the same producer for all operands of this type in one variant
            if (k == i || (c.operands[k] == c.operands[i] && random() % 2))
              operands[k] = bench.builder().append(m.op, inputs(bench, m), m.attributes);
          tried.rules_on(bench, c, operands);
          if (operands.size() == 2) { // a constant beside it
            operands[1 - i] = bench.builder().constant(c.operands[1 - i], 3);
            tried.rules_on(bench, c, operands);
          }
        }
      }
    }
  try_one_hot_rows(tried, op.opcode);
  if (op.opcode == Opcode::LessEqual) {
    try_softplus_bounds<float>(tried);
    try_softplus_bounds<double>(tried);
  }
  for (const SimplifyRule& rule : op.block->simplifications)
    EXPECT_TRUE(tried.used(rule)) << op.name << ": nothing matched '" << rule.text << "'";
}

INSTANTIATE_TEST_SUITE_P(Ops, Simplifications, ::testing::ValuesIn(ops_where([](const OpInfo& op) {
                           return !op.block->simplifications.empty();
                         })),
                         op_name);

} // namespace
} // namespace gdjit::testing
