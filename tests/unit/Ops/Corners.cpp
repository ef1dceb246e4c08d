// The corners of the numeric contract: NaN, signed zeros, subnormals, saturating casts, integer
// division, indices out of range, a host that set flush-to-zero.
#include "Cases.h"

#include <xmmintrin.h>

#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>

namespace gdjit::testing {
namespace {

constexpr float nan32 = std::numeric_limits<float>::quiet_NaN();
constexpr float inf32 = std::numeric_limits<float>::infinity();
constexpr int32_t min32 = std::numeric_limits<int32_t>::min(),
                  max32 = std::numeric_limits<int32_t>::max();
constexpr int64_t min64 = std::numeric_limits<int64_t>::min(),
                  max64 = std::numeric_limits<int64_t>::max();

Array apply_op(Opcode op, const std::vector<Array>& operands, Attributes attributes = {}) {
  Bench bench;
  std::vector<Value> values;
  for (const Array& a : operands)
    values.push_back(bench.input(a));
  return bench.run(bench.builder().append(op, values, std::move(attributes)));
}

/// Bits, NaNs being one, so that zeros of either sign differ.
template <class T> void expect_bits(const Array& got, std::vector<T> expected) {
  Array wanted = row(std::move(expected));
  EXPECT_TRUE(same_bits(got.reshaped({got.elements()}), wanted)) << [&] {
    std::string text = "got";
    for (int64_t i = 0; i < got.elements(); ++i)
      text += " " + std::to_string(got.at(i));
    return text;
  }();
}

Attributes to(DType type) { return Attributes().dtype(Attr::dtype, type); }

TEST(Contract, minimum_and_maximum_order_zeros_and_keep_nan) {
  Array a = row<float>({0.0f, -0.0f, nan32, 1}), b = row<float>({-0.0f, 0.0f, 1, nan32});
  expect_bits<float>(apply_op(Opcode::Maximum, {a, b}), {0.0f, 0.0f, nan32, nan32});
  expect_bits<float>(apply_op(Opcode::Minimum, {a, b}), {-0.0f, -0.0f, nan32, nan32});
}

TEST(Contract, relu_and_sign_pass_nan_and_minus_zero) {
  Array x = row<float>({-1, -0.0f, 0, 2, nan32});
  expect_bits<float>(apply_op(Opcode::Relu, {x}), {0, -0.0f, 0, 2, nan32});
  expect_bits<float>(apply_op(Opcode::Sign, {x}), {-1, -0.0f, 0, 1, nan32});
}

TEST(Contract, a_power_that_rounds_to_zero_underflows_nowhere) {
  const Array bases = row<double>({0.9, 0.999, -0.5, 0.25, 0.0});
  const Array exponents = row<double>({7100, 1e6, 1101, 1e300, 3});
  std::feclearexcept(FE_ALL_EXCEPT);
  const Array powers = apply_op(Opcode::Pow, {bases, exponents});
  EXPECT_FALSE(std::fetestexcept(FE_UNDERFLOW)); // which takes as long as ten products
  expect_bits<double>(powers, {0, 0, -0.0, 0, 0});
  expect_bits<double>(apply_op(Opcode::Pow, {row<double>({0.9, 2}), row<double>({7050, -1074})}),
                      {std::pow(0.9, 7050), 0x1p-1074});
  EXPECT_TRUE(std::fetestexcept(FE_UNDERFLOW)); // subnormal results do
}

TEST(Contract, clamp_with_low_above_high_gives_high) {
  expect_bits<float>(apply_op(Opcode::Clamp, {row<float>({0, 9, -9}), row<float>({2, 2, 2}),
                                              row<float>({1, 1, 1})}),
                     {1, 1, 1});
}

TEST(Contract, rounding_keeps_the_sign_of_zero) {
  Array x = row<float>({-0.3f, 0.5f, 1.5f, 2.5f, -2.5f});
  expect_bits<float>(apply_op(Opcode::Round, {x}), {-0.0f, 0, 2, 2, -2});
  expect_bits<float>(apply_op(Opcode::Ceil, {x}), {-0.0f, 1, 2, 3, -2});
  expect_bits<float>(apply_op(Opcode::Floor, {x}), {-1, 0, 1, 2, -3});
}

TEST(Contract, integers_wrap_and_divide_without_trap) {
  Array a = row<int32_t>({min32, 7, -7, max32, 5}), b = row<int32_t>({-1, 0, 2, 1, 3});
  expect_bits<int32_t>(apply_op(Opcode::Divide, {a, b}), {min32, 0, -3, max32, 1});
  expect_bits<int32_t>(apply_op(Opcode::Add, {a, b}), {max32, 7, -5, min32, 8});
  expect_bits<int32_t>(apply_op(Opcode::Remainder, {a, b}), {0, 7, 1, 0, 2});
  expect_bits<int32_t>(apply_op(Opcode::Negate, {a}), {min32, -7, 7, -max32, -5});
  expect_bits<int32_t>(apply_op(Opcode::Abs, {a}), {min32, 7, 7, max32, 5});
  expect_bits<int64_t>(
      apply_op(Opcode::Multiply, {row<int64_t>({max64, min64}), row<int64_t>({2, -1})}),
      {-2, min64});
}

TEST(Contract, remainder_has_the_sign_of_the_divisor_as_in_python) {
  const double inf = INFINITY, nan = NAN;
  Array a = row<double>({5, -5, 5, -5, -0.0, 6, 5, -5, inf, 5, 1e300, 0.1, 1e17, -1e-300});
  Array b = row<double>({3, 3, -3, -3, 3, -3, inf, inf, 3, 0, 3, 0.01, 7, 1});
  expect_bits<double>(apply_op(Opcode::Remainder, {a, b}),
                      {2, 1, -1, -2, 0, -0.0, 5, inf, nan, nan, 0, std::fmod(0.1, 0.01), 0, 1});
  Array odd = row<float>({16777215, 1e30f}), by = row<float>({3.5f, 1e-3f});
  EXPECT_EQ(apply_op(Opcode::Remainder, {odd, by}).data<float>()[0], std::fmod(16777215.0, 3.5));
  EXPECT_EQ(apply_op(Opcode::Remainder, {odd, by}).data<float>()[1], 0)
      << "the quotient is above 2^53";
}

TEST(Contract, casts_saturate_and_take_nan_to_0) {
  Array x = row<double>({1e300, -1e300, NAN, 2.9, -2.9, INFINITY, 4294967296.0});
  expect_bits<int32_t>(apply_op(Opcode::Cast, {x}, to(DType::i32)),
                       {max32, min32, 0, 2, -2, max32, max32});
  expect_bits<int64_t>(apply_op(Opcode::Cast, {x}, to(DType::i64)),
                       {max64, min64, 0, 2, -2, max64, 4294967296});
  expect_bits<bool>(
      apply_op(Opcode::Cast, {row<double>({0, -0.0, NAN, 0.1, 1e-320})}, to(DType::boolean)),
      {false, false, false, true, true});
  expect_bits<int32_t>(apply_op(Opcode::Cast, {row<int64_t>({max64, min64, -5})}, to(DType::i32)),
                       {max32, min32, -5});
  expect_bits<float>(
      apply_op(Opcode::Cast, {row<int64_t>({(int64_t{1} << 53) + 1, -3})}, to(DType::f32)),
      {9007199254740992.0f, -3});
  expect_bits<float>(apply_op(Opcode::Cast, {row<double>({1e-46, -1e-46, 1e39})}, to(DType::f32)),
                     {0, -0.0f, inf32});
}

TEST(Contract, the_empty_sum_is_plus_zero_and_chains_start_from_minus_zero) {
  expect_bits<float>(
      apply_op(Opcode::Sum, {Array({DType::f32, {2, 0}})}, Attributes().integers(Attr::axes, {1})),
      {0, 0});
  expect_bits<float>(apply_op(Opcode::Sum, {row<float>({-0.0f, -0.0f})}), {-0.0f});
  expect_bits<float>(apply_op(Opcode::Sum, {row<float>({-0.0f, 0.0f})}), {0.0f});
  expect_bits<float>(apply_op(Opcode::Prod, {Array({DType::f32, {0}})}), {1});
  expect_bits<float>(
      apply_op(Opcode::Matmul, {Array({DType::f32, {1, 0}}), Array({DType::f32, {0, 1}})}), {0});
  expect_bits<float>(apply_op(Opcode::Matmul, {row<float>({-0.0f}).reshaped({1, 1}),
                                               row<float>({1}).reshaped({1, 1})}),
                     {-0.0f});
  expect_bits<bool>(apply_op(Opcode::Any, {Array({DType::boolean, {0}})}), {false});
  expect_bits<bool>(apply_op(Opcode::All, {Array({DType::boolean, {0}})}), {true});
}

TEST(Contract, integer_sums_are_i64) {
  expect_bits<int64_t>(apply_op(Opcode::Sum, {row<int32_t>({max32, max32})}), {2 * int64_t{max32}});
  expect_bits<int64_t>(apply_op(Opcode::Sum, {row<bool>({true, false, true})}), {2});
  expect_bits<int64_t>(apply_op(Opcode::Sum, {row<int64_t>({max64, 1})}), {min64});
}

TEST(Contract, max_and_argmax_with_nan_ties_and_zeros) {
  Attributes axis = Attributes().integer(Attr::axis, 0);
  expect_bits<float>(apply_op(Opcode::Max, {row<float>({1, nan32, 3})}), {nan32});
  expect_bits<float>(apply_op(Opcode::Max, {row<float>({-0.0f, 0.0f})}), {0.0f});
  expect_bits<float>(apply_op(Opcode::Min, {row<float>({0.0f, -0.0f})}), {-0.0f});
  expect_bits<int32_t>(apply_op(Opcode::Max, {row<int32_t>({min32, min32})}), {min32});
  expect_bits<float>(apply_op(Opcode::Max, {row<float>({-inf32, -inf32})}), {-inf32});
  expect_bits<int64_t>(apply_op(Opcode::Argmax, {row<float>({1, 3, 3})}, axis), {1});
  expect_bits<int64_t>(apply_op(Opcode::Argmax, {row<float>({-0.0f, 0.0f})}, axis), {0});
  expect_bits<int64_t>(apply_op(Opcode::Argmax, {row<float>({9, nan32, nan32})}, axis), {1});
  expect_bits<int64_t>(apply_op(Opcode::Argmin, {row<float>({9, 1, nan32, -inf32})}, axis), {2});
  expect_bits<int64_t>(apply_op(Opcode::Argmin, {row<int64_t>({max64, min64, min64})}, axis), {1});
}

TEST(Contract, comparisons_with_nan) {
  Array a = row<float>({nan32, nan32, 0.0f}), b = row<float>({nan32, 1, -0.0f});
  expect_bits<bool>(apply_op(Opcode::Equal, {a, b}), {false, false, true});
  expect_bits<bool>(apply_op(Opcode::NotEqual, {a, b}), {true, true, false});
  expect_bits<bool>(apply_op(Opcode::LessEqual, {a, b}), {false, false, true});
  expect_bits<bool>(apply_op(Opcode::Less, {row<bool>({false, true}), row<bool>({true, true})}),
                    {true, false});
}

TEST(Contract, movement_keeps_every_bit_even_of_a_nan) {
  Array x = row<float>({1, 2});
  uint32_t odd = 0xffc12345;
  std::memcpy(x.data<float>(), &odd, 4);
  Array reversed = apply_op(Opcode::Reverse, {x}, Attributes().integers(Attr::axes, {0}));
  uint32_t kept = 0;
  std::memcpy(&kept, reversed.data<float>() + 1, 4);
  EXPECT_EQ(kept, odd);
}

TEST(Contract, subnormals_count_though_the_host_flushes_them) {
  unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040); // flush to zero, denormals are zero
  Array half = apply_op(Opcode::Multiply, {row<float>({1e-38f}), row<float>({0.5f})});
  Array sum = apply_op(Opcode::Sum, {row<float>({1e-40f, 1e-40f})});
  unsigned during = _mm_getcsr();
  _mm_setcsr(before);
  EXPECT_EQ(during & 0x8040, 0x8040u) << "the host's mode is its own";
  EXPECT_EQ(half.data<float>()[0], 1e-38f * 0.5f);
  EXPECT_EQ(sum.data<float>()[0], 1e-40f + 1e-40f);
  EXPECT_GT(sum.data<float>()[0], 0);
}

TEST(Contract, an_index_out_of_range_gives_zeros_and_is_reported) {
  Bench bench;
  Value data = bench.input(row<float>({1, 2, 3}));
  Value fine = bench.input(row<int32_t>({2, 0}));
  Value wrong = bench.input(row<int32_t>({1, 3, -1}));
  Value wide = bench.input(row<int64_t>({0, int64_t{1} << 32, max64, min64}));
  auto gather = [&](Value at) { return bench.builder().append(Opcode::Gather, {data, at}); };
  expect_bits<float>(bench.run(gather(fine)), {3, 1});
  EXPECT_TRUE(bench.status().ok());
  Value first = gather(wrong);
  expect_bits<float>(bench.run(first), {2, 0, 0});
  EXPECT_EQ(bench.status(), (CallStatus{first.node, 1}));
  expect_bits<float>(bench.run(gather(wide)), {1, 0, 0, 0});
  EXPECT_EQ(bench.status(), (CallStatus{first.node, 1})) << "the first node is named";
  Value scatter = bench.builder().append(Opcode::ScatterAdd, {data, wrong},
                                         Attributes().integer(Attr::rows, 2));
  expect_bits<float>(bench.run(scatter), {0, 1});
  Value hot = bench.builder().append(
      Opcode::OneHot, {wrong}, Attributes().integer(Attr::depth, 2).dtype(Attr::dtype, DType::i32));
  expect_bits<int32_t>(bench.run(hot), {0, 1, 0, 0, 0, 0});
}

TEST(Contract, scatter_add_adds_in_the_order_of_the_indices) {
  Array data = row<float>({1e8f, 1, -1e8f, 1}), at = row<int64_t>({1, 1, 1, 1});
  expect_bits<float>(apply_op(Opcode::ScatterAdd, {data, at}, Attributes().integer(Attr::rows, 2)),
                     {0, ((1e8f + 1) + -1e8f) + 1});
}

} // namespace
} // namespace gdjit::testing
