// Every op's numbers against its independent double-precision reference, over all its types and
// many shapes.
#include "Cases.h"

#include <algorithm>
#include <cmath>

namespace gdjit::testing {
namespace {

/// All but what the signature gives, and gradient, which has no value of its own.
bool has_numbers(const OpInfo& op) { return op.kind != OpKind::Derivative && op.block->infer; }

class Numbers : public ::testing::TestWithParam<Opcode> {};

/// Distance between neighbours of `value` in a float type.
double ulp(DType type, double value) {
  int digits = type == DType::f32 ? 24 : 53, least = type == DType::f32 ? -149 : -1074,
      exponent = 0;
  std::frexp(value, &exponent);
  return std::ldexp(1, std::max(exponent - digits, least));
}

std::vector<double> reference(const OpInfo& op, const Bench& bench, const Built& built,
                              const Graph& graph) {
  std::vector<ReferenceTensor> operands;
  for (size_t i = 0; i < built.operands.size(); ++i) {
    const Array& array = const_cast<Bench&>(bench).arguments().inputs[i];
    ReferenceTensor tensor{array.type(), {}};
    for (int64_t k = 0; k < array.elements(); ++k)
      tensor.values.push_back(array.at(k));
    operands.push_back(std::move(tensor));
  }
  const TensorType& type = graph.type(built.result);
  if (op.kind != OpKind::Pointwise)
    return op.block->reference_tensor(operands, type, graph.attributes(built.result.node));
  std::vector<double> values;
  for (int64_t i = 0; i < type.elements(); ++i) {
    std::vector<double> arguments;
    for (const ReferenceTensor& tensor : operands)
      arguments.push_back(tensor.values[i]);
    values.push_back(op.block->reference(arguments));
  }
  return values;
}

/// What may lie between result and reference: the row's bound, or the rounding of a sum in its own
/// order.
double tolerance(const OpInfo& op, DType type, double expected) {
  if (!is_float(type))
    return 0;
  bool sums = op.block->reducer.combine == loop::ScalarOp::add &&
              (op.kind == OpKind::Reduction || op.kind == OpKind::Contraction);
  if (sums || op.block->index_use == IndexUse::scatter)
    return 600 * ulp(type, 1);
  if (op.kind == OpKind::Reduction && op.block->attributes.back() == Attr::order)
    return 100 * ulp(type, expected);
  double bound = type == DType::f32 ? op.f32_ulp : op.f64_ulp;
  if (bound <= 0.5)
    return 0;
  return (type == DType::f32 ? bound : bound + 1) *
         ulp(type, expected); // a double reference errs itself
}

TEST_P(Numbers, agree_with_the_reference) {
  const OpInfo& op = info(GetParam());
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  int checked = 0;
  for (DType dtype : all_dtypes)
    for (const Case& c : cases(op.opcode, dtype)) {
      Bench bench;
      Built built = build(bench, c, random);
      std::vector<double> expected = reference(op, bench, built, bench.graph());
      Array got = bench.run(built.result);
      ASSERT_TRUE(bench.status().ok()) << to_string(c);
      ASSERT_EQ(static_cast<int64_t>(expected.size()), got.elements()) << to_string(c);
      Array rounded(got.type(), expected);
      for (int64_t i = 0; i < got.elements(); ++i)
        ASSERT_LE(std::fabs(got.at(i) - rounded.at(i)),
                  tolerance(op, got.type().dtype, expected[i]))
            << to_string(c) << " element " << i << ": " << got.at(i) << " against " << expected[i];
      ++checked;
    }
  EXPECT_GT(checked, 0) << "no case covers " << op.name;
}

INSTANTIATE_TEST_SUITE_P(Ops, Numbers, ::testing::ValuesIn(ops_where(has_numbers)), op_name);

/// A sum by the words of IR/ReductionOrder.h, in plain floats.
template <class T> T ordered_sum(const std::vector<T>& terms, int64_t partials, int64_t block) {
  if (terms.empty())
    return 0;
  T total = -0.0;
  int64_t k = static_cast<int64_t>(terms.size()), width = block ? block : k;
  for (int64_t first = 0; first < k; first += width) {
    std::vector<T> s(partials, T(-0.0));
    for (int64_t i = first; i < std::min(first + width, k); ++i)
      s[(i - first) % partials] += terms[i];
    for (int64_t h = partials / 2; h > 0; h /= 2)
      for (int64_t l = 0; l < h; ++l)
        s[l] = s[l] + s[l + h];
    total += s[0];
  }
  return total;
}

TEST(Orders, a_sum_adds_in_the_order_of_its_node) {
  std::mt19937_64 random(1);
  for (int64_t n : {0, 1, 2, 31, 33, 100, 1023, 5000, 70000}) {
    for (ReductionOrder order :
         {ReductionOrder{DType::f32, 1, 0}, ReductionOrder{DType::f32, 16, 0},
          ReductionOrder{DType::f32, 64, 1 << 14}, ReductionOrder{DType::f32, 4, 8}}) {
      std::vector<float> terms(n);
      for (float& t : terms)
        t = std::normal_distribution<float>()(random);
      Bench bench;
      Value x = bench.input(row(terms));
      Value sum = bench.builder().append(Opcode::Sum, {x}, Attributes().order(Attr::order, order));
      EXPECT_EQ(bench.run(sum).data<float>()[0], ordered_sum(terms, order.partials, order.block))
          << n << " terms, " << to_string(order);
    }
  }
}

TEST(Orders, a_sum_of_f32_may_accumulate_in_f64) {
  Bench bench;
  Value x = bench.input(row<float>({1e8f, 1, -1e8f, 1}));
  ReductionOrder wide{DType::f64, 1, 0};
  EXPECT_EQ(
      bench.run(bench.builder().append(Opcode::Sum, {x}, Attributes().order(Attr::order, wide)))
          .at(0),
      2);
}

TEST(Orders, a_matmul_is_a_chain_of_fma_from_minus_zero) {
  std::mt19937_64 random(2);
  const int64_t m = 3, k = 100, n = 20;
  std::vector<float> a(m * k), b(k * n);
  for (std::vector<float>* v : {&a, &b})
    for (float& x : *v)
      x = std::normal_distribution<float>()(random);
  Bench bench;
  Value x = bench.input(row(a).reshaped({m, k})), y = bench.input(row(b).reshaped({k, n}));
  Value product = bench.builder().append(Opcode::Matmul, {x, y});
  EXPECT_EQ(to_string(bench.graph().attributes(product.node).order(Attr::order)), "f32:sequential");
  Array got = bench.run(product);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float acc = -0.0f;
      for (int64_t l = 0; l < k; ++l)
        acc = std::fma(a[i * k + l], b[l * n + j], acc);
      ASSERT_EQ(got.data<float>()[i * n + j], acc);
    }
}

TEST(Orders, the_bits_of_a_row_do_not_depend_on_its_batch) {
  std::mt19937_64 random(3);
  for (int64_t k : {10, 100, 3000}) {
    std::vector<float> rows(5 * k);
    for (float& x : rows)
      x = std::normal_distribution<float>()(random);
    Bench all, one;
    Value x = all.input(row(rows).reshaped({5, k}));
    Value y = one.input(
        row(std::vector<float>(rows.begin() + 3 * k, rows.begin() + 4 * k)).reshaped({1, k}));
    Attributes over_last = Attributes().integers(Attr::axes, {1});
    EXPECT_EQ(all.run(all.builder().append(Opcode::Sum, {x}, over_last)).at(3),
              one.run(one.builder().append(Opcode::Sum, {y}, over_last)).at(0));
  }
}

} // namespace
} // namespace gdjit::testing
