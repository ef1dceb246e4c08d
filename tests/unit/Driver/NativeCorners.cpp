// The corners of the numeric contract by native code, at every level and target: NaN, signed zeros,
// subnormals, saturating casts, integer division, indices out of range. Whole vectors and tails.
#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Support/Error.h"

#include "StepBuilder.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace gdjit {
namespace {

constexpr float nan32 = std::numeric_limits<float>::quiet_NaN();
constexpr float inf32 = std::numeric_limits<float>::infinity();
constexpr float tiny32 = std::numeric_limits<float>::denorm_min();
constexpr double tiny64 = std::numeric_limits<double>::denorm_min();
constexpr int32_t min32 = std::numeric_limits<int32_t>::min(),
                  max32 = std::numeric_limits<int32_t>::max();
constexpr int64_t min64 = std::numeric_limits<int64_t>::min(),
                  max64 = std::numeric_limits<int64_t>::max();

template <class T> constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::i32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::i64;
  else
    return DType::boolean;
}

/// The row, `times` over: 1 for itself, more so that its corners reach every lane and a tail.
template <class T> Array row(const std::vector<T>& values, int times = 1) {
  int64_t n = static_cast<int64_t>(values.size());
  Array array({dtype_of<T>(), {n * times}});
  for (int64_t i = 0; i < n * times; ++i)
    array.data<T>()[i] = values[static_cast<size_t>(i % n)];
  return array;
}

/// What every level and target gives for the step; the first whose bits differ fails.
CallResults native(const Step& step, const CallArguments& arguments) {
  CallResults first;
  for (const std::string& target : code_targets())
    for (int level : {0, 2, 3}) {
      try {
        check(CodeGenOptions{.target = target, .level = level});
      } catch (const Error&) {
        continue; // not a target of this machine
      }
      CallResults results = compile(step, {.target = target, .level = level, .verify = true})
                                .executable->call(arguments);
      if (first.outputs.empty())
        first = results;
      EXPECT_TRUE(same_bits(first.outputs[0], results.outputs[0])) << target << " at O" << level;
      EXPECT_EQ(first.status, results.status) << target << " at O" << level;
    }
  return first;
}

/// Likewise for one op on these operands.
CallResults native(Opcode op, const std::vector<Array>& operands, const Attributes& attributes) {
  testing::StepBuilder b;
  CallArguments arguments;
  std::vector<Value> values;
  for (const Array& array : operands) {
    values.push_back(b.input("x" + std::to_string(values.size()), array.type()).value);
    arguments.inputs.push_back(array);
  }
  b.output("y", {&b.builder(), b.builder().append(op, values, attributes)});
  return native(b.step(), arguments);
}

std::string to_text(const Array& array) {
  std::string text;
  for (int64_t i = 0; i < array.elements(); ++i)
    text += " " + std::to_string(array.at(i));
  return text;
}

/// A pointwise op on rows, once and over 7 copies.
template <class T, class... Rows> void expect(Opcode op, const std::vector<T>& wanted,
                                              const Attributes& attributes,
                                              const Rows&... operands) {
  for (int times : {1, 7}) {
    Array got = native(op, {row(operands, times)...}, attributes).outputs.at(0);
    EXPECT_TRUE(same_bits(got, row(wanted, times))) << name(op) << " gives" << to_text(got);
  }
}

using F = std::vector<float>;
using D = std::vector<double>;
using I = std::vector<int32_t>;
using L = std::vector<int64_t>;
using B = std::vector<bool>;

Attributes to(DType type) { return Attributes().dtype(Attr::dtype, type); }

TEST(NativeCorners, minimum_and_maximum_order_zeros_and_keep_nan) {
  F a{0.0f, -0.0f, nan32, 1, inf32}, b{-0.0f, 0.0f, 1, nan32, nan32};
  expect<float>(Opcode::Maximum, {0.0f, 0.0f, nan32, nan32, nan32}, {}, a, b);
  expect<float>(Opcode::Minimum, {-0.0f, -0.0f, nan32, nan32, nan32}, {}, a, b);
}

TEST(NativeCorners, relu_sign_and_rounding_keep_nan_and_the_sign_of_zero) {
  F x{-1, -0.0f, 0, 2, nan32};
  expect<float>(Opcode::Relu, {0, -0.0f, 0, 2, nan32}, {}, x);
  expect<float>(Opcode::Sign, {-1, -0.0f, 0, 1, nan32}, {}, x);
  F halves{-0.3f, 0.5f, 1.5f, 2.5f, -2.5f, -0.0f};
  expect<float>(Opcode::Round, {-0.0f, 0, 2, 2, -2, -0.0f}, {}, halves);
  expect<float>(Opcode::Ceil, {-0.0f, 1, 2, 3, -2, -0.0f}, {}, halves);
  expect<float>(Opcode::Floor, {-1, 0, 1, 2, -3, -0.0f}, {}, halves);
  expect<float>(Opcode::Clamp, {1, 1, 1}, {}, F{0, 9, -9}, F{2, 2, 2}, F{1, 1, 1});
}

TEST(NativeCorners, relu_of_a_conversion_keeps_the_sign_of_zero) {
  testing::StepBuilder b;
  Expr x = b.input("x", {DType::f32, {15}});
  b.output("y", apply(Opcode::Relu, apply(Opcode::Cast, x, to(DType::f64))));
  CallArguments arguments;
  arguments.inputs = {row(F{-1, -0.0f, 0, 2, nan32}, 3)};
  CallResults results = native(b.step(), arguments);
  EXPECT_TRUE(std::signbit(results.outputs[0].at(1)));
  EXPECT_FALSE(std::signbit(results.outputs[0].at(0)));
}

TEST(NativeCorners, zeros_have_their_signs) {
  expect<float>(Opcode::Add, {0.0f, -0.0f, 0.0f}, {}, F{0.0f, -0.0f, 1}, F{-0.0f, -0.0f, -1});
  expect<float>(Opcode::Multiply, {-0.0f, 0.0f}, {}, F{-0.0f, -0.0f}, F{3, -3});
  expect<float>(Opcode::Divide, {-inf32, inf32, nan32}, {}, F{1, -1, 0}, F{-0.0f, -0.0f, 0});
  expect<float>(Opcode::Negate, {-0.0f, 0.0f}, {}, F{0.0f, -0.0f});
  expect<double>(Opcode::Sqrt, {-0.0, INFINITY, NAN}, {}, D{-0.0, INFINITY, -1});
}

TEST(NativeCorners, comparisons_with_nan) {
  F a{nan32, nan32, 0.0f}, b{nan32, 1, -0.0f};
  for (int times : {1, 7}) {
    auto is = [&](Opcode op, std::vector<double> wanted) {
      Array got = native(op, {row(a, times), row(b, times)}, {}).outputs.at(0);
      for (int64_t i = 0; i < got.elements(); ++i)
        EXPECT_EQ(got.at(i), wanted[static_cast<size_t>(i % 3)]) << name(op) << " at " << i;
    };
    is(Opcode::Equal, {0, 0, 1});
    is(Opcode::NotEqual, {1, 1, 0});
    is(Opcode::LessEqual, {0, 0, 1});
    is(Opcode::Less, {0, 0, 0});
  }
}

TEST(NativeCorners, subnormals_count) {
  expect<float>(Opcode::Multiply, {1e-38f * 0.5f, -tiny32, 0, 0}, {},
                F{1e-38f, tiny32, tiny32, 1e-30f}, F{0.5f, -1, 0.25f, 1e-30f});
  expect<float>(Opcode::Add, {tiny32 + tiny32, 0.0f}, {}, F{tiny32, tiny32}, F{tiny32, -tiny32});
  expect<double>(Opcode::Divide, {tiny64, -tiny64}, {}, D{4 * tiny64, tiny64}, D{4, -1});
  expect<float>(Opcode::Sqrt, {std::sqrt(tiny32)}, {}, F{tiny32});
  expect<double>(Opcode::Cast, {static_cast<double>(tiny32)}, to(DType::f64), F{tiny32});
  expect<float>(Opcode::Cast, {0, -0.0f, tiny32}, to(DType::f32), D{1e-46, -1e-46, 1e-45});
}

TEST(NativeCorners, integers_wrap_and_divide_without_trap) {
  I a{min32, 7, -7, max32, 5}, b{-1, 0, 2, 1, 3};
  expect<int32_t>(Opcode::Divide, {min32, 0, -3, max32, 1}, {}, a, b);
  expect<int32_t>(Opcode::Add, {max32, 7, -5, min32, 8}, {}, a, b);
  expect<int32_t>(Opcode::Remainder, {0, 7, 1, 0, 2}, {}, a, b);
  expect<int32_t>(Opcode::Negate, {min32, -7, 7, -max32, -5}, {}, a);
  expect<int32_t>(Opcode::Abs, {min32, 7, 7, max32, 5}, {}, a);
  L c{max64, min64, min64, 9, -9}, d{2, -1, 0, 0, 2};
  expect<int64_t>(Opcode::Multiply, {-2, min64, 0, 0, -18}, {}, c, d);
  expect<int64_t>(Opcode::Divide, {max64 / 2, min64, 0, 0, -4}, {}, c, d);
  expect<int64_t>(Opcode::Remainder, {1, 0, min64, 9, 1}, {}, c, d);
}

TEST(NativeCorners, casts_saturate_and_take_nan_to_0) {
  D x{1e300, -1e300, NAN, 2.9, -2.9, INFINITY, 4294967296.0};
  expect<int32_t>(Opcode::Cast, {max32, min32, 0, 2, -2, max32, max32}, to(DType::i32), x);
  expect<int64_t>(Opcode::Cast, {max64, min64, 0, 2, -2, max64, 4294967296}, to(DType::i64), x);
  F y{1e30f, -inf32, nan32, -2.9f, 0x1p31f, 0x1p63f};
  expect<int32_t>(Opcode::Cast, {max32, min32, 0, -2, max32, max32}, to(DType::i32), y);
  expect<int64_t>(Opcode::Cast, {max64, min64, 0, -2, int64_t{1} << 31, max64}, to(DType::i64), y);
  expect<int32_t>(Opcode::Cast, {max32, min32, -5}, to(DType::i32), L{max64, min64, -5});
  expect<float>(Opcode::Cast, {9007199254740992.0f, -3}, to(DType::f32),
                L{(int64_t{1} << 53) + 1, -3});
  Array truth =
      native(Opcode::Cast, {row(D{0, -0.0, NAN, 0.1, 1e-320})}, to(DType::boolean)).outputs.at(0);
  EXPECT_EQ(to_text(truth), to_text(Array(truth.type(), {0, 0, 0, 1, 1})));
}

TEST(NativeCorners, of_reductions) {
  Attributes axes = Attributes().integers(Attr::axes, {0}),
             axis = Attributes().integer(Attr::axis, 0);
  auto is = [&](Opcode op, const Array& x, double wanted) {
    Array got =
        native(op, {x}, op == Opcode::Argmax || op == Opcode::Argmin ? axis : axes).outputs.at(0);
    EXPECT_TRUE(same_bits(got, Array(got.type(), {wanted}))) << name(op) << to_text(got);
  };
  is(Opcode::Sum, row(F{-0.0f, -0.0f}), -0.0);
  is(Opcode::Sum, row(F{-0.0f, -0.0f}, 100), -0.0);
  is(Opcode::Sum, row(F{-0.0f, 0.0f}), 0.0);
  is(Opcode::Sum, Array({DType::f32, {0}}), 0.0);
  is(Opcode::Prod, Array({DType::f32, {0}}), 1);
  is(Opcode::Sum, row(F{tiny32, tiny32}), 2.0 * tiny32);
  is(Opcode::Sum, row(I{max32, max32}), 2.0 * max32);
  is(Opcode::Max, row(F{1, nan32, 3}, 20), NAN);
  is(Opcode::Max, row(F{-0.0f, 0.0f}, 20), 0.0);
  is(Opcode::Min, row(F{0.0f, -0.0f}, 20), -0.0);
  is(Opcode::Max, row(F{-inf32, -inf32}), -HUGE_VAL);
  is(Opcode::Argmax, row(F{1, 3, 3}, 20), 1);
  is(Opcode::Argmax, row(F{-0.0f, 0.0f}), 0);
  is(Opcode::Argmax, row(F{9, nan32, nan32}, 20), 1);
  is(Opcode::Argmin, row(F{9, 1, nan32, -inf32}), 2);
}

TEST(NativeCorners, an_index_out_of_range_gives_zeros_and_is_reported) {
  Array data = row(F{1, 2, 3});
  CallResults fine = native(Opcode::Gather, {data, row(I{2, 0})}, {});
  EXPECT_TRUE(fine.status.ok());
  CallResults wrong = native(Opcode::Gather, {data, row(I{1, 3, -1})}, {});
  EXPECT_TRUE(same_bits(wrong.outputs[0], row(F{2, 0, 0}))) << to_text(wrong.outputs[0]);
  EXPECT_FALSE(wrong.status.ok());
  EXPECT_EQ(wrong.status.position, 1);
  CallResults wide = native(Opcode::Gather, {data, row(L{0, int64_t{1} << 32, max64, min64})}, {});
  EXPECT_TRUE(same_bits(wide.outputs[0], row(F{1, 0, 0, 0}))) << to_text(wide.outputs[0]);
  EXPECT_EQ(wide.status.position, 1);
  CallResults scatter =
      native(Opcode::ScatterAdd, {data, row(I{1, 3, -1})}, Attributes().integer(Attr::rows, 2));
  EXPECT_TRUE(same_bits(scatter.outputs[0], row(F{0, 1}))) << to_text(scatter.outputs[0]);
  EXPECT_EQ(scatter.status.position, 1);
  CallResults hot = native(Opcode::OneHot, {row(I{1, 3, -1})},
                           Attributes().integer(Attr::depth, 2).dtype(Attr::dtype, DType::i32));
  EXPECT_EQ(to_text(hot.outputs[0]), to_text(Array({DType::i32, {6}}, {0, 1, 0, 0, 0, 0})));
  EXPECT_EQ(hot.status.position, 1);
}

TEST(NativeCorners, scatter_add_adds_in_the_order_of_the_indices) {
  CallResults r = native(Opcode::ScatterAdd, {row(F{1e8f, 1, -1e8f, 1}), row(L{1, 1, 1, 1})},
                         Attributes().integer(Attr::rows, 2));
  EXPECT_TRUE(same_bits(r.outputs[0], row(F{0, ((1e8f + 1) + -1e8f) + 1})));
}

} // namespace
} // namespace gdjit
