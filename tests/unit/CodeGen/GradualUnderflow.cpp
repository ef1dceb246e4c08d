// Code for subnormal numbers: made where it pays, called where they are, and equal to the bit.
#include "unit/CodeGen/LoopBuilder.h"
#include "unit/CodeGen/RunEverywhere.h"

#include "gdjit/CodeGen/CodeGen.h"

#include <array>
#include <bit>
#include <gtest/gtest.h>

namespace gdjit::test {
namespace {

constexpr int64_t rows = 512;

/// Numbers with any significand, of exponents (as they are stored) from `least` on, `span` of them;
/// one in 16 is a zero, an infinity or a NaN.
Array wide(uint64_t seed, uint32_t least, uint32_t span) {
  Array a({f32, {rows, 16}});
  std::mt19937_64 engine(seed);
  auto random = [&] { return static_cast<uint32_t>(engine() >> 32); };
  for (int64_t i = 0; i < a.elements(); ++i) {
    uint32_t bits = (least + random() % span) << 23 | random() >> 9;
    if (random() % 16 == 0)
      bits = std::array{0u, 0x7f800000u, 0x7fc00000u, 1u}[random() % 4];
    if (random() % 4 == 0)
      bits &= 0xfffff000u; // sums of short numbers lie halfway between others
    a.data<float>()[i] = std::bit_cast<float>(bits | random() % 2 << 31);
  }
  return a;
}

/// `calls` kernels, each out = fma(a, b, c), product = a * b over numbers of its own.
loop::Program multiplications(int64_t calls) {
  LoopBuilder b;
  for (int64_t call = 0; call < calls; ++call) {
    if (call > 0)
      b.kernel("k" + std::to_string(call));
    auto named = [&](const char* name) { return name + std::to_string(call); };
    BufferId x[3] = {b.input(named("a"), {f32, {rows, 16}}), b.input(named("b"), {f32, {rows, 16}}),
                     b.input(named("c"), {f32, {rows, 16}})};
    BufferId out = b.output(named("out"), {f32, {rows, 16}});
    BufferId product = b.output(named("product"), {f32, {rows, 16}});
    LoopId outer = b.begin(0, rows, 4);
    LoopId i = b.begin(0, 4, 1, LoopKind::unrolled);
    Index row{{0, {{outer, 1}, {i, 1}}}, loop::none, 0};
    std::vector<ValueId> v;
    for (BufferId buffer : x)
      v.push_back(b.load(buffer, {row, {{0, {}}, loop::none, 1}}, 16));
    b.store(out, {row, {{0, {}}, loop::none, 1}}, b.compute(ScalarOp::fma, {f32, 16}, v), 16);
    b.store(product, {row, {{0, {}}, loop::none, 1}},
            b.compute(ScalarOp::mul, {f32, 16}, {v[0], v[1]}), 16);
    b.end();
  }
  return b.finish();
}

TEST(GradualUnderflow, gives_the_bits_of_f32) {
  constexpr int64_t calls = 8;
  CallArguments arguments;
  for (uint64_t call = 0; call < calls; ++call) {
    arguments.inputs.push_back(wide(3 * call, 0, call % 2 ? 2 : 60)); // subnormal: 0
    arguments.inputs.push_back(wide(3 * call + 1, call % 4 < 2 ? 100 : 60, call < 6 ? 40 : 195));
    arguments.inputs.push_back(wide(3 * call + 2, 0, call % 3 ? 30 : 80));
  }
  run_everywhere(multiplications(calls), arguments);
}

TEST(GradualUnderflow, is_for_kernels_that_are_called_often) {
  CodeGenOptions options{.target = "x86-64-v4"};
  if (!runs_here(options.target))
    GTEST_SKIP() << "no AVX-512 here";
  auto code = [&](int64_t calls) {
    return print_code(multiplications(calls), Stage::LLVM, options);
  };
  EXPECT_NE(code(8).find("@k0.gradual("), std::string::npos);
  EXPECT_EQ(code(7).find("gradual"), std::string::npos);
  options.target = "x86-64-v3";
  EXPECT_EQ(code(8).find("gradual"), std::string::npos);
}

TEST(GradualUnderflow, is_not_for_a_machine_that_needs_none) {
  if (!runs_here("x86-64-v4"))
    GTEST_SKIP() << "no AVX-512 here";
  EXPECT_EQ(print_code(multiplications(8), Stage::LLVM, {}).find("@k0.gradual(") !=
                std::string::npos,
            !__builtin_cpu_is("amd"));
}

/// A moment m of `elements` f32 and weights w, for each of which Adam's operations over a gradient
/// g: m = 0.9 m + g, w -= 0.1 m / sqrt(|m|) - m. In loops that are unrolled, rows by 2 vectors over
/// a tile, or one vector at a time.
loop::Program fading(int64_t elements, bool unrolled) {
  LoopBuilder b;
  const int64_t columns = 32, height = 4;
  const TensorType type{f32, {elements / columns, columns}};
  BufferId g = b.input("g", type), m = b.state("m", type), w = b.state("w", type);
  BufferId next_m = b.update(m), next_w = b.update(w);
  LoopId i = b.begin(0, elements / columns, height);
  const LoopKind kind = unrolled ? LoopKind::unrolled : LoopKind::sequential;
  auto place = [&](LoopId i1, LoopId j) {
    return std::vector<Index>{{{0, {{i, 1}, {i1, 1}}}, loop::none, 0}, at(j, 1, 16)};
  };
  auto rows = [&](const auto& body) {
    LoopId i1 = b.begin(0, height, 1, kind), j = b.begin(0, columns / 16, 1, kind);
    body(i1, j);
    b.end();
    b.end();
  };
  const ValueType vector{f32, 16};
  TileId t = unrolled ? b.tile(vector, {height, columns / 16}, 0) : 0;
  if (unrolled)
    rows([&](LoopId i1, LoopId j) { b.set(t, {at(i1), at(j)}, b.load(g, place(i1, j), 16)); });
  rows([&](LoopId i1, LoopId j) {
    auto compute = [&](ScalarOp op, const std::vector<ValueId>& x) {
      return b.compute(op, vector, x);
    };
    auto constant = [&](double x) { return b.constant({f32, 1}, x); };
    ValueId gradient = unrolled ? b.get(t, {at(i1), at(j)}) : b.load(g, place(i1, j), 16);
    ValueId old = b.load(m, place(i1, j), 16);
    ValueId next = compute(ScalarOp::add, {compute(ScalarOp::mul, {old, constant(0.9)}), gradient});
    ValueId root = compute(ScalarOp::sqrt, {compute(ScalarOp::abs, {next})});
    ValueId step = compute(ScalarOp::fma, {compute(ScalarOp::div, {next, root}), constant(-0.1),
                                           b.load(w, place(i1, j), 16)});
    b.store(next_m, place(i1, j), next, 16);
    b.store(next_w, place(i1, j), compute(ScalarOp::fma, {next, constant(0.3), step}), 16);
  });
  b.end();
  return b.finish();
}

TEST(GradualUnderflow, gives_the_bits_of_f32_where_states_fade) {
  constexpr int64_t elements = rows * 16;
  CallArguments arguments;
  for (uint64_t seed : {1, 2, 3})
    arguments.inputs.push_back(wide(seed, 0, seed == 2 ? 2 : 60)); // g; m, subnormal by halves; w
  for (Array& a : arguments.inputs)
    a = a.reshaped({elements / 32, 32});
  arguments.states = {arguments.inputs[1], arguments.inputs[2]};
  arguments.inputs.resize(1);
  for (int64_t i = 0; i < elements / 2; ++i) // a gradient that has vanished
    arguments.inputs[0].data<float>()[i] = 0;
  for (int64_t i = elements / 4; i < elements / 2; ++i) // and a moment that has not
    arguments.states[0].data<float>()[i] = 1;
  for (bool unrolled : {false, true})
    run_everywhere(fading(elements, unrolled), arguments);
}

TEST(GradualUnderflow, has_one_copy_of_a_nest_and_none_of_small_ones) {
  CodeGenOptions options{.target = "x86-64-v4"};
  if (!runs_here(options.target))
    GTEST_SKIP() << "no AVX-512 here";
  auto copies = [&](int64_t elements, bool unrolled) {
    const std::string code = print_code(fading(elements, unrolled), Stage::LLVM, options);
    int count = 0;
    for (size_t at = 0; (at = code.find("\nsubnormal", at)) != std::string::npos; ++at)
      ++count;
    return count;
  };
  EXPECT_EQ(copies(1024, true), 1);
  EXPECT_EQ(copies(1024, false), 5); // mul, sqrt, div, two of fma
  EXPECT_EQ(copies(512, true), 0);
  options.target = "x86-64-v3";
  EXPECT_EQ(copies(1024, true), 0);
  options.target = "native";
  EXPECT_EQ(copies(1024, true), __builtin_cpu_is("amd") ? 0 : 1);
  EXPECT_EQ(copies(1024, false), __builtin_cpu_is("amd") ? 0 : 5);
}

} // namespace
} // namespace gdjit::test
