// Typed data on the host: rounding, saturation, bits.
#include "gdjit/IR/Array.h"

#include "gdjit/IR/Element.h"

#include "gdjit/Support/Error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gdjit {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

TEST(Array, StartsAsZerosAlignedForVectors) {
  for (int t = 0; t < dtype_count; ++t) {
    Array array(TensorType{static_cast<DType>(t), {3, 5}});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(array.bytes()) % Array::alignment, 0u);
    for (int64_t i = 0; i < array.elements(); ++i)
      EXPECT_EQ(array.at(i), 0);
  }
}

TEST(Array, HoldsNoElementWhereAnExtentIsZeroAndOneAtRankZero) {
  EXPECT_EQ(Array(TensorType{DType::f32, {3, 0, 2}}).elements(), 0);
  EXPECT_EQ(Array(TensorType{DType::f64, {}}, {1.5}).at(0), 1.5);
}

TEST(Array, HoldsNothingUntilItIsGivenAType) {
  EXPECT_EQ(Array().elements(), 0);
  EXPECT_TRUE(same_bits(Array(), Array(TensorType{DType::f32, {0}})));
  Array moved(TensorType{DType::i64, {3}});
  Array other = std::move(moved);
  EXPECT_EQ(moved.elements(), 0); // NOLINT(bugprone-use-after-move): what is left is defined
}

TEST(Shape, OfMostAxesDoesNotGrow) {
  Shape shape{1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_THROW(shape.push_back(7), InternalError);
}

TEST(Array, TakesAllNansOfATypeAsOneAndNoNumberAsOne) {
  const struct {
    DType type;
    std::vector<Bits> nans, numbers;
  } cases[] = {
      {DType::f32, {0x7fc00000, 0xffc00001, 0x7f800001}, {0x7f800000, 0xff800000}},
      {DType::f64,
       {0x7ff8000000000000, 0xfff8000000000001, 0x7ff0000000000001},
       {0x7fc00000, 0x7ff0000000000000, 0xfff0000000000000}}, // 1.05893e-314: f32's NaN as bits
  };
  for (const auto& c : cases) {
    auto one = [&](Bits bits) {
      Array array(TensorType{c.type, {}});
      store_bits(c.type, array.bytes(), bits);
      return array;
    };
    for (Bits nan : c.nans) {
      EXPECT_TRUE(same_bits(one(nan), one(c.nans[0])));
      EXPECT_EQ(hash(one(nan)), hash(one(c.nans[0])));
      for (Bits number : c.numbers) {
        EXPECT_FALSE(same_bits(one(nan), one(number)));
        EXPECT_NE(hash(one(nan)), hash(one(number)));
      }
    }
  }
}

TEST(Array, IsUniformWhereAllElementsAreOneValue) {
  Bits bits = 0;
  EXPECT_TRUE(uniform_element(Array(TensorType{DType::f64, {2}}, {NAN, -NAN}), bits));
  EXPECT_TRUE(uniform_element(Array(TensorType{DType::boolean, {2}}, {1, 1}), bits));
  EXPECT_EQ(bits, 1u);
  EXPECT_FALSE(uniform_element(Array(TensorType{DType::f32, {2}}, {0.0, -0.0}), bits));
  EXPECT_FALSE(uniform_element(Array(TensorType{DType::f32, {0}}), bits));
}

TEST(Array, RoundsOnceToItsType) {
  Array f32(TensorType{DType::f32, {2}}, {0.1, 1e300});
  EXPECT_EQ(f32.data<float>()[0], 0.1f);
  EXPECT_EQ(f32.data<float>()[1], std::numeric_limits<float>::infinity());
}

TEST(Array, SaturatesIntegersAndTakesNanToZero) {
  Array i32(TensorType{DType::i32, {6}}, {1e10, -1e10, NAN, 2.9, -2.9, inf});
  EXPECT_EQ(std::vector<int32_t>(i32.data<int32_t>(), i32.data<int32_t>() + 6),
            (std::vector<int32_t>{INT32_MAX, INT32_MIN, 0, 2, -2, INT32_MAX}));
  Array i64(TensorType{DType::i64, {4}}, {1e30, -1e30, 9223372036854775807.0, -inf});
  EXPECT_EQ(std::vector<int64_t>(i64.data<int64_t>(), i64.data<int64_t>() + 4),
            (std::vector<int64_t>{INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN}));
  Array boolean(TensorType{DType::boolean, {4}}, {0, -0.0, 0.1, NAN});
  EXPECT_EQ(std::vector<bool>(boolean.data<bool>(), boolean.data<bool>() + 4),
            (std::vector<bool>{false, false, true, false}));
}

TEST(Array, NeedsAsManyValuesAsItsTypeHasElements) {
  EXPECT_THROW(Array(TensorType{DType::f32, {2}}, {1, 2, 3}), InternalError);
}

TEST(Array, ComparesBitsWithAllNansAsOne) {
  TensorType type{DType::f32, {2}};
  Array a(type, {NAN, 0}), b(type, {-NAN, 0}), c(type, {NAN, -0.0});
  b.data<uint32_t>()[0] = 0xffc12345;
  EXPECT_TRUE(same_bits(a, b));
  EXPECT_EQ(hash(a), hash(b));
  EXPECT_FALSE(same_bits(a, c)) << "-0 and 0 are two values";
  EXPECT_NE(hash(a), hash(c));
  EXPECT_FALSE(same_bits(a, Array(TensorType{DType::f32, {2, 1}}, {NAN, 0}))) << "shapes count";
  EXPECT_FALSE(same_bits(Array(TensorType{DType::i32, {1}}), Array(TensorType{DType::f32, {1}})));
}

TEST(Array, IsAValue) {
  Array a(TensorType{DType::f64, {2}}, {1, 2});
  Array b = a;
  b.set(0, 7);
  EXPECT_EQ(a.at(0), 1);
  Array moved = std::move(b);
  EXPECT_EQ(moved.at(0), 7);
  // NOLINTNEXTLINE(bugprone-use-after-move): that this is defined is what is tested
  EXPECT_EQ(b.elements(), 0) << "what was moved from is empty, not broken";
  b = a;
  EXPECT_TRUE(same_bits(a, b));
  b = *&b;
  EXPECT_TRUE(same_bits(a, b));
}

TEST(Array, ReshapesToAsManyElements) {
  Array a(TensorType{DType::i32, {2, 3}}, {1, 2, 3, 4, 5, 6});
  Array b = a.reshaped({3, 2});
  EXPECT_EQ(b.type(), (TensorType{DType::i32, {3, 2}}));
  EXPECT_EQ(b.at(5), 6);
  EXPECT_THROW(a.reshaped({7}), InternalError);
}

} // namespace
} // namespace gdjit
