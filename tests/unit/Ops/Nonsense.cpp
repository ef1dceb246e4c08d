// Random operands and attributes: a type rule either refuses with a message or the node runs;
// nothing else happens.
#include "Cases.h"

#include "gdjit/Ops/Verifier.h"
#include "gdjit/Support/Error.h"

#include <limits>

namespace gdjit::testing {
namespace {

class Nonsense : public ::testing::TestWithParam<Opcode> {
protected:
  int64_t integer() {
    static const int64_t values[] = {0,
                                     1,
                                     2,
                                     3,
                                     -1,
                                     -2,
                                     4,
                                     7,
                                     8,
                                     9,
                                     int64_t{1} << 31,
                                     int64_t{1} << 40,
                                     std::numeric_limits<int64_t>::max(),
                                     std::numeric_limits<int64_t>::min()};
    return pick(3) ? values[pick(5)] : values[pick(std::size(values))];
  }
  size_t pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  std::vector<int64_t> integers() {
    std::vector<int64_t> values(pick(pick(8) ? 4 : 10));
    for (int64_t& v : values)
      v = integer();
    return values;
  }
  TensorType type() {
    TensorType t{all_dtypes[pick(dtype_count)], {}};
    for (size_t rank = pick(pick(8) ? 4 : 9); rank > 0; --rank)
      t.shape.push_back(static_cast<int64_t>(pick(4)));
    return t;
  }
  void give(Attributes& attributes, Attr attr) {
    switch (kind(attr)) {
    case AttributeKind::integer:
      attributes.integer(attr, integer());
      break;
    case AttributeKind::real:
      attributes.real(attr, static_cast<double>(integer()));
      break;
    case AttributeKind::boolean:
      attributes.boolean(attr, pick(2));
      break;
    case AttributeKind::text:
      attributes.text(attr, pick(2) ? "" : "a/b");
      break;
    case AttributeKind::integers:
      attributes.integers(attr, integers());
      break;
    case AttributeKind::dtype:
      attributes.dtype(attr, all_dtypes[pick(dtype_count)]);
      break;
    case AttributeKind::order:
      attributes.order(attr,
                       {all_dtypes[pick(dtype_count)], static_cast<int32_t>(integer()), integer()});
      break;
    case AttributeKind::array:
      attributes.array(attr, std::make_shared<const Array>(type()));
      break;
    }
  }

  std::mt19937_64 random_{static_cast<uint64_t>(GetParam())};
};

TEST_P(Nonsense, is_refused_or_runs) {
  const OpInfo& op = info(GetParam());
  for (int round = 0; round < 3000; ++round) {
    Bench bench;
    std::vector<Value> operands;
    size_t count = op.operands >= 0 && pick(10) ? op.operands : pick(4);
    TensorType common = type();
    for (size_t i = 0; i < count; ++i) {
      TensorType t = pick(3) ? common : type();
      if (pick(4) == 0)
        t.dtype = all_dtypes[pick(dtype_count)];
      operands.push_back(bench.input(sample(op, static_cast<int>(i), t, random_)));
    }
    Attributes attributes;
    for (Attr attr : op.block->attributes)
      if (pick(6))
        give(attributes, attr);
    Value v;
    std::string error =
        error_of([&] { v = bench.builder().append(op.opcode, operands, attributes); });
    if (!error.empty()) {
      EXPECT_NE(error.find(std::string(op.name) + ": "), std::string::npos) << error;
      // The verifier refuses the same node, made behind the builder's back.
      Step step;
      step.signature = bench.signature();
      step.graph = bench.graph();
      step.graph.append(op.opcode, operands, attributes, std::vector<TensorType>{common}, {});
      Diagnostics diagnostics;
      verify(step, diagnostics);
      EXPECT_FALSE(diagnostics.empty()) << error;
      continue;
    }
    bool runs = op.kind != OpKind::Derivative && bench.graph().type(v).elements() < 100000;
    bool stored = op.kind == OpKind::Source && !op.block->infer;
    if (runs && !stored) {
      EXPECT_EQ(bench.run(v).type(), bench.graph().type(v));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Nonsense,
                         ::testing::ValuesIn(ops_where([](const OpInfo&) { return true; })),
                         op_name);

} // namespace
} // namespace gdjit::testing
