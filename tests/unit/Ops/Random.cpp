// Random numbers: the published generator, independent streams, and the distributions they are
// named after.
#include "Cases.h"

#include "gdjit/Support/Hash.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace gdjit::testing {
namespace {

Array draw(Opcode op, DType type, Shape shape, int64_t seed, int64_t step,
           const std::string& stream) {
  Bench bench;
  Value s = bench.input(Array(TensorType{DType::i64, {}}, {static_cast<double>(seed)}));
  Value t = bench.input(Array(TensorType{DType::i64, {}}, {static_cast<double>(step)}));
  return bench.run(bench.builder().append(
      op, {s, t},
      Attributes().shape(Attr::shape, shape).dtype(Attr::dtype, type).text(Attr::stream, stream)));
}

/// Philox4x32-10 as published, in 32-bit arithmetic.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

TEST(Random, the_generator_gives_the_published_answers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, 0, 0),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, bits_are_the_generator_at_position_and_step_under_seed_and_stream) {
  uint64_t key = mix64(42) ^ hash_bytes("block1/w");
  Array bits = draw(Opcode::RandomBits, DType::i64, {3, 2}, 42, 7, "block1/w");
  for (uint32_t i = 0; i < 6; ++i) {
    auto w = philox({i, 0, 7, 0}, static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32));
    EXPECT_EQ(static_cast<uint64_t>(bits.data<int64_t>()[i]), uint64_t{w[1]} << 32 | w[0]);
  }
}

TEST(Random, a_draw_depends_on_seed_step_stream_and_position_alone) {
  Array a = draw(Opcode::Uniform, DType::f32, {4, 5}, 1, 2, "s");
  EXPECT_TRUE(same_bits(a, draw(Opcode::Uniform, DType::f32, {4, 5}, 1, 2, "s")));
  EXPECT_TRUE(same_bits(a.reshaped({20}), draw(Opcode::Uniform, DType::f32, {20}, 1, 2, "s")));
  EXPECT_FALSE(same_bits(a, draw(Opcode::Uniform, DType::f32, {4, 5}, 2, 2, "s")));
  EXPECT_FALSE(same_bits(a, draw(Opcode::Uniform, DType::f32, {4, 5}, 1, 3, "s")));
  EXPECT_FALSE(same_bits(a, draw(Opcode::Uniform, DType::f32, {4, 5}, 1, 2, "t")));
}

struct Moments {
  double mean = 0, variance = 0, skew = 0, kurtosis = 0, least = HUGE_VAL, most = -HUGE_VAL;
};
Moments moments(const Array& x) {
  Moments m;
  const double n = static_cast<double>(x.elements());
  for (int64_t i = 0; i < x.elements(); ++i)
    m.mean += x.at(i) / n;
  for (int64_t i = 0; i < x.elements(); ++i) {
    double d = x.at(i) - m.mean;
    m.variance += d * d / n;
    m.skew += d * d * d / n;
    m.kurtosis += d * d * d * d / n;
    m.least = std::min(m.least, x.at(i));
    m.most = std::max(m.most, x.at(i));
  }
  return m;
}

TEST(Random, uniform_fills_the_unit_interval) {
  for (DType type : {DType::f32, DType::f64}) {
    Moments m = moments(draw(Opcode::Uniform, type, {200000}, 5, 0, "u"));
    EXPECT_GE(m.least, 0);
    EXPECT_LT(m.most, 1);
    EXPECT_LT(m.least, 1e-4);
    EXPECT_GT(m.most, 1 - 1e-4);
    EXPECT_NEAR(m.mean, 0.5, 5 * std::sqrt(1.0 / 12 / 200000));
    EXPECT_NEAR(m.variance, 1.0 / 12, 1e-3);
  }
}

TEST(Random, normal_has_the_moments_and_the_tails_of_a_normal) {
  for (DType type : {DType::f32, DType::f64}) {
    const int64_t n = 200000;
    Array x = draw(Opcode::Normal, type, {n}, 5, 0, "n");
    Moments m = moments(x);
    const double error = 5 / std::sqrt(static_cast<double>(n));
    EXPECT_NEAR(m.mean, 0, error);
    EXPECT_NEAR(m.variance, 1, error * std::sqrt(2.0));
    EXPECT_NEAR(m.skew, 0, error * std::sqrt(15.0));
    EXPECT_NEAR(m.kurtosis, 3, error * std::sqrt(96.0));
    for (double z : {0.5, 1.0, 2.0, 3.0}) {
      double expected = std::erfc(z / std::sqrt(2.0)) / 2, above = 0, below = 0;
      for (int64_t i = 0; i < n; ++i) {
        above += x.at(i) > z;
        below += x.at(i) < -z;
      }
      EXPECT_NEAR(above / n, expected, error * std::sqrt(expected)) << z;
      EXPECT_NEAR(below / n, expected, error * std::sqrt(expected)) << -z;
    }
  }
}

} // namespace
} // namespace gdjit::testing
