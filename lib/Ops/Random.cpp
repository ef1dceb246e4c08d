// Random numbers: a value depends on seed, step, stream and position alone.
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011). Counter: position (64 bit), step (64 bit). Key:
// mix64(seed) xor the hash of the stream's name. Each element takes one block of four 32-bit words
// w0 .. w3.
#include "Rules.h"
#include "gdjit/Support/Hash.h"

#include <array>
#include <cmath>
#include <numbers>

namespace gdjit {

using loop::ScalarOp;
using loop::ScalarValue;

namespace {

constexpr Attr attributes_of_draws[] = {Attr::dtype, Attr::shape, Attr::stream};
constexpr std::string_view integer_operands = "seed and step are integers";
constexpr uint64_t multiplier[2] = {0xD2511F53, 0xCD9E8D57};
constexpr uint64_t weyl[2] = {0x9E3779B9, 0xBB67AE85};
constexpr int rounds = 10;

template <rules::TypeSet allowed> TensorType infer_draw(const TypeRequest& request) {
  for (const TensorType& type : request.operands)
    if (type != TensorType{DType::i64, {}})
      rules::fail("seed and step are i64[], not " + to_string(type),
                  "pass the call's scalars seed and step");
  rules::need(request, Attr::stream);
  rules::need(request, Attr::dtype);
  DType type = request.attributes.dtype(Attr::dtype);
  if (!(allowed & rules::only(type)))
    rules::fail("does not give " + std::string(name(type)),
                allowed == rules::floats ? "choose f32 or f64" : "choose i32 or i64");
  return {type, rules::shape_attribute(request)};
}

/// The four words of a block, each an i64 below 2^32.
using Words = std::array<ScalarValue, 4>;

Words philox(const Expansion& x) {
  auto literal = [&](uint64_t bits) { return x.builder.constant_bits(DType::i64, bits); };
  auto shifted = [&](ScalarValue v, uint64_t count) {
    return loop::binary(ScalarOp::lshr, v, literal(count));
  };
  ScalarValue mask = literal(0xffffffff);
  ScalarValue seed = x[0], step = x[1], position = x[2], stream = x[3];

  ScalarValue key = seed + literal(0x9e3779b97f4a7c15); // mix64
  key = (key ^ shifted(key, 30)) * literal(0xbf58476d1ce4e5b9);
  key = (key ^ shifted(key, 27)) * literal(0x94d049bb133111eb);
  key = (key ^ shifted(key, 31)) ^ stream;

  // Words and keys are the low halves: what stands above is cut off where they are multiplied,
  // which LLVM makes one instruction of without a look at where they come from, and at the end.
  ScalarValue k0 = key, k1 = shifted(key, 32);
  Words c = {position, shifted(position, 32), step, shifted(step, 32)};
  for (int round = 0; round < rounds; ++round) {
    ScalarValue p0 = (c[0] & mask) * literal(multiplier[0]);
    ScalarValue p1 = (c[2] & mask) * literal(multiplier[1]);
    c = {shifted(p1, 32) ^ c[1] ^ k0, p1, shifted(p0, 32) ^ c[3] ^ k1, p0};
    k0 = k0 + literal(weyl[0]);
    k1 = k1 + literal(weyl[1]);
  }
  for (ScalarValue& word : c)
    word = word & mask;
  return c;
}

ScalarValue wide(const Words& w, int low) {
  loop::ScalarBuilder& b = *w[0].builder;
  return loop::binary(ScalarOp::shl, w[low + 1], b.constant_bits(DType::i64, 32)) | w[low];
}

/// The top `bits` bits of w0 (f32) or of w1:w0 (f64) as an integer below 2^24 or 2^53.
ScalarValue top_bits(const Expansion& x, const Words& w, int number) {
  if (x.type == DType::f32)
    return loop::binary(ScalarOp::lshr, w[number], 8);
  return loop::binary(ScalarOp::lshr, wide(w, 2 * number), 11);
}
double unit(DType type) { return type == DType::f32 ? 0x1p-24 : 0x1p-53; }

ScalarValue expand_bits(const Expansion& x) {
  Words w = philox(x);
  return x.type == DType::i32 ? x.builder.emit(ScalarOp::low32, DType::i32, {{w[0]}}) : wide(w, 0);
}

ScalarValue expand_uniform(const Expansion& x) {
  return loop::convert(top_bits(x, philox(x), 0), x.type) * unit(x.type);
}

ScalarValue elementary(const Expansion& x, const OpBlock& function, ScalarValue argument) {
  return function.expand(Expansion{x.builder, {&argument, 1}, x.attributes, x.type});
}

/// Box-Muller by one sine: u in (0, 1], v in (-1/2, 1/2) symmetric, sqrt(-2 log u) sin(pi v). The
/// sine of a uniform angle in (-pi/2, pi/2) is distributed as the cosine of one in the full circle,
/// and its zero lies at v = 0, where pi v has a small relative error.
ScalarValue expand_normal(const Expansion& x) {
  Words w = philox(x);
  ScalarValue u = loop::convert(top_bits(x, w, 0) + 1, x.type) * unit(x.type);
  ScalarValue half = x.builder.constant(DType::i64, 0.5 / unit(x.type));
  ScalarValue v = (loop::convert(top_bits(x, w, 1) - half, x.type) + 0.5) * unit(x.type);
  ScalarValue radius = loop::unary(ScalarOp::sqrt, elementary(x, blocks::Log, u) * -2);
  return radius * elementary(x, blocks::Sin, v * std::numbers::pi);
}

// The same, in plain integers and double precision.
std::array<uint32_t, 4> reference_words(std::span<const ReferenceTensor> operands, int64_t position,
                                        const Attributes& attributes) {
  uint64_t seed = static_cast<uint64_t>(static_cast<int64_t>(operands[0].values[0]));
  uint64_t step = static_cast<uint64_t>(static_cast<int64_t>(operands[1].values[0]));
  uint64_t key = mix64(seed) ^ hash_bytes(attributes.text(Attr::stream));
  uint32_t k[2] = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  std::array<uint32_t, 4> c = {static_cast<uint32_t>(position),
                               static_cast<uint32_t>(position >> 32), static_cast<uint32_t>(step),
                               static_cast<uint32_t>(step >> 32)};
  for (int round = 0; round < rounds; ++round) {
    uint64_t p0 = multiplier[0] * c[0], p1 = multiplier[1] * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    k[0] += static_cast<uint32_t>(weyl[0]);
    k[1] += static_cast<uint32_t>(weyl[1]);
  }
  return c;
}

template <double (*value)(const std::array<uint32_t, 4>&, DType)>
std::vector<double> reference_draw(std::span<const ReferenceTensor> operands,
                                   const TensorType& result, const Attributes& attributes) {
  std::vector<double> values;
  for (int64_t i = 0; i < result.elements(); ++i)
    values.push_back(value(reference_words(operands, i, attributes), result.dtype));
  return values;
}

uint64_t pair(const std::array<uint32_t, 4>& w, int low) {
  return uint64_t{w[low + 1]} << 32 | w[low];
}

double bits_value(const std::array<uint32_t, 4>& w, DType type) {
  return type == DType::i32 ? static_cast<int32_t>(w[0])
                            : static_cast<double>(static_cast<int64_t>(pair(w, 0)));
}
double uniform_value(const std::array<uint32_t, 4>& w, DType type) {
  return type == DType::f32 ? (w[0] >> 8) * 0x1p-24
                            : static_cast<double>(pair(w, 0) >> 11) * 0x1p-53;
}
double normal_value(const std::array<uint32_t, 4>& w, DType type) {
  bool single = type == DType::f32;
  long double u = single ? ((w[0] >> 8) + 1) * 0x1p-24L : ((pair(w, 0) >> 11) + 1) * 0x1p-53L;
  long double v = single ? ((w[1] >> 8) + 0.5L) * 0x1p-24L - 0.5L
                         : ((pair(w, 2) >> 11) + 0.5L) * 0x1p-53L - 0.5L;
  return static_cast<double>(std::sqrt(-2 * std::log(u)) *
                             std::sin(std::numbers::pi_v<long double> * v));
}

} // namespace

constinit const OpBlock blocks::RandomBits = {
    .summary = "random bits of a seed, a step and a stream",
    .formula = "i32: w0; i64: w1:w0",
    .attributes = attributes_of_draws,
    .infer = infer_draw<rules::integers>,
    .not_differentiable = integer_operands,
    .zero_gradient = true,
    .expand = expand_bits,
    .reference_tensor = reference_draw<bits_value>,
};

constinit const OpBlock blocks::Uniform = {
    .summary = "uniform in [0, 1), of a seed, a step and a stream",
    .formula = "f32: (w0 >> 8) * 2^-24; f64: (w1:w0 >> 11) * 2^-53",
    .attributes = attributes_of_draws,
    .infer = infer_draw<rules::floats>,
    .not_differentiable = integer_operands,
    .zero_gradient = true,
    .expand = expand_uniform,
    .reference_tensor = reference_draw<uniform_value>,
};

constinit const OpBlock blocks::Normal = {
    .summary = "normal with mean 0 and variance 1, of a seed, a step and a stream",
    .formula = "sqrt(-2 log u) sin(pi v), u in (0, 1] and v in (-1/2, 1/2) uniform",
    .attributes = attributes_of_draws,
    .infer = infer_draw<rules::floats>,
    .not_differentiable = integer_operands,
    .zero_gradient = true,
    .expand = expand_normal,
    .reference_tensor = reference_draw<normal_value>,
};

} // namespace gdjit
