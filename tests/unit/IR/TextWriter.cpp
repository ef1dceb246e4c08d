// The tokens of the text language come back as they were.
#include "gdjit/IR/TextWriter.h"

#include "gdjit/IR/TextReader.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

namespace gdjit {
namespace {

/// What an element becomes by writing and reading it.
template <class T> T again(T value) {
  TextWriter out;
  std::string text = out.element(DTypeOf<T>::value, &value).take();
  TextReader in(text, "t");
  T read{};
  EXPECT_TRUE(in.guarded([&] { in.to_element(in.number("a number"), DTypeOf<T>::value, &read); }))
      << text;
  EXPECT_TRUE(in.at_end_of_line()) << text;
  return read;
}

template <class T, class U> void expect_same_bits(uint64_t bits) {
  T value = std::bit_cast<T>(static_cast<U>(bits));
  T read = again(value);
  if (std::isnan(value))
    EXPECT_EQ(std::bit_cast<U>(read), std::bit_cast<U>(std::numeric_limits<T>::quiet_NaN()));
  else
    EXPECT_EQ(std::bit_cast<U>(read), std::bit_cast<U>(value)) << value;
}

TEST(TextWriter, FloatsReadBackToTheSameBits) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) {
    uint64_t bits = random();
    expect_same_bits<float, uint32_t>(bits);
    expect_same_bits<double, uint64_t>(bits);
    expect_same_bits<double, uint64_t>(bits & 0x800fffffffffffff); // subnormal
  }
  for (uint32_t bits : {0u, 0x80000000u, 1u, 0x7f7fffffu, 0x7f800000u, 0xff800000u, 0x7fc00000u,
                        0xffc12345u, 0x7f800001u})
    expect_same_bits<float, uint32_t>(bits);
}

TEST(TextWriter, IntegersAndTruthReadBack) {
  for (int64_t value : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN})
    EXPECT_EQ(again(value), value);
  for (int32_t value : {0, -1, INT32_MAX, INT32_MIN})
    EXPECT_EQ(again(value), value);
  EXPECT_TRUE(again(true));
  EXPECT_FALSE(again(false));
}

TEST(TextWriter, WritesNumbersAsOneWouldByHand) {
  auto text = [](double value) { return TextWriter().real(value).take(); };
  EXPECT_EQ(text(1), "1");
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(-0.0), "-0.0");
  EXPECT_EQ(text(NAN), "nan");
  EXPECT_EQ(text(-INFINITY), "-inf");
  float tenth = 0.1f;
  EXPECT_EQ(TextWriter().element(DType::f32, &tenth).take(), "0.1");
}

TEST(TextWriter, NamesAreQuotedWhereTheyMust) {
  for (std::string plain : {"x", "block1/w", "_a.b-c", "zeros"})
    EXPECT_EQ(TextWriter().name(plain).take(), plain);
  EXPECT_EQ(TextWriter().name("1x").take(), "\"1x\"");
  EXPECT_EQ(TextWriter().name("").take(), "\"\"");
  EXPECT_EQ(TextWriter().name("a\"b\\c\nd\te\x01\x7f").take(), R"("a\"b\\c\nd\te\x01\x7f")");
}

TEST(TextWriter, EveryNameReadsBack) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 3000; ++i) {
    std::string name;
    for (uint64_t size = random() % 12; size > 0; --size)
      name += static_cast<char>(random() % 3 ? random() : 'a' + random() % 26);
    std::string text = TextWriter().name(name).take();
    TextReader in(text, "t");
    std::string read;
    ASSERT_TRUE(in.guarded([&] { read = in.name("a name"); })) << text;
    EXPECT_EQ(read, name);
  }
}

TEST(TextWriter, LiteralsOfEveryShapeReadBack) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 2000; ++i) {
    TensorType type{static_cast<DType>(random() % dtype_count), {}};
    for (uint64_t rank = random() % 5; rank > 0; --rank)
      type.shape.push_back(static_cast<int64_t>(random() % 4));
    Array array(type);
    uint64_t kinds = random() % 3;
    for (int64_t e = 0; e < array.elements(); ++e)
      array.set(e, kinds == 0 ? 1 : static_cast<double>(random() % 1000) / 8 - 10);
    std::string text = TextWriter().literal(array, "a").take();
    TextReader in(text, "t");
    Array read;
    ASSERT_TRUE(in.guarded([&] { read = in.to_array(in.literal(), type); }))
        << text << to_string(type);
    EXPECT_TRUE(same_bits(read, array)) << text;
  }
}

TEST(TextWriter, LiteralsAreNestedByAxis) {
  EXPECT_EQ(TextWriter().literal(Array(TensorType{DType::i32, {2, 2}}, {1, 2, 3, 4}), "").take(),
            "[[1, 2], [3, 4]]");
  EXPECT_EQ(TextWriter().literal(Array(TensorType{DType::f32, {}}, {0.5}), "").take(), "0.5");
  EXPECT_EQ(TextWriter().literal(Array(TensorType{DType::f32, {0, 3}}), "").take(), "[]");
  EXPECT_EQ(TextWriter().literal(Array(TensorType{DType::f32, {3, 3}}), "").take(), "splat 0");
}

TEST(TextReader, ATextBeyondTheStatedSizeIsRefused) {
  const char* somewhere = "x"; // never read: the size alone is judged
  EXPECT_THROW(TextReader(std::string_view(somewhere, TextLimits::bytes + 1), "t"), Error);
}

TEST(TextReader, PlacesReadBack) {
  for (const SourceLocation& place :
       {SourceLocation{"a.cpp", 1, 2}, SourceLocation{"dir/05_a.cpp", 9, 0},
        SourceLocation{"x:y z", 3, 4}, SourceLocation{"", 5, 6}, SourceLocation{"only", 0, 0},
        SourceLocation{"f", 0, 7}}) {
    std::string text = "@ " + TextWriter().place(place).take();
    TextReader in(text, "t");
    SourceLocation read;
    ASSERT_TRUE(in.guarded([&] { read = in.try_place(); })) << text;
    EXPECT_EQ(read, place) << text;
  }
}

} // namespace
} // namespace gdjit
