// What kernels are as wholes: their buffers in memory, which of them share code, any name, any
// extent.
#include "unit/CodeGen/LoopBuilder.h"
#include "unit/CodeGen/RunEverywhere.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <tuple>

namespace gdjit::test {
namespace {

TEST(Buffers, updates_in_place_views_and_constants_are_one_memory_each) {
  LoopBuilder b;
  BufferId w = b.state("w", {f32, {4, 4}});
  BufferId next = b.update(w);
  BufferId lr = b.scalar("lr", f32);
  BufferId c = b.constant("c", numbers({f32, {16}}, 9));
  BufferId t = b.temporary("t", {f32, {4, 4}});
  BufferId flat = b.view(t, {16});
  BufferId out = b.output("out", {f32, {16}});
  LoopId i = b.begin(0, 4);
  LoopId j = b.begin(0, 4);
  ValueId old = b.load(w, {at(i), at(j)});
  ValueId step = b.compute(ScalarOp::mul, {f32, 1}, {old, b.load(lr, {})});
  b.store(t, {at(j), at(i)}, step);
  b.store(next, {at(i), at(j)}, b.compute(ScalarOp::sub, {f32, 1}, {old, step}));
  b.end();
  b.end();
  i = b.begin(0, 16, 4);
  b.store(
      out, {at(i, 1)},
      b.compute(ScalarOp::add, {f32, 4}, {b.load(flat, {at(i, 1)}, 4), b.load(c, {at(i, 1)}, 4)}),
      4);
  CallArguments arguments{{}, {numbers({f32, {4, 4}})}, {Array({f32, {}}, {0.5})}};
  CallResults results = run_everywhere(b.finish(), arguments);
  EXPECT_EQ(results.updates[0].at(6), arguments.states[0].at(6) / 2);
  EXPECT_EQ(results.outputs[0].at(6),
            arguments.states[0].at(9) / 2 + numbers({f32, {16}}, 9).at(6));
}

TEST(Buffers, slots_of_the_arena_that_overlap_within_a_kernel_are_not_taken_for_apart) {
  LoopBuilder b;
  BufferId in = b.input("in", {f32, {32}});
  BufferId t = b.temporary("t", {f32, {32}});
  BufferId u = b.temporary("u", {f32, {32}});
  BufferId out = b.output("out", {f32, {32}});
  auto pass = [&](BufferId from, BufferId to, double factor) {
    LoopId i = b.begin(0, 32, 8);
    b.store(to, {at(i, 1)},
            b.compute(ScalarOp::mul, {f32, 8},
                      {b.load(from, {at(i, 1)}, 8), b.constant({f32, 1}, factor)}),
            8);
    b.end();
  };
  pass(in, t, 2);
  pass(t, out, 3);
  pass(out, u, 5); // u takes the place of t, which is dead
  pass(u, out, 7);
  loop::Program program = b.finish();
  program.buffers[u].offset = program.buffers[t].offset;
  CallArguments arguments{{numbers({f32, {32}})}, {}, {}};
  EXPECT_EQ(run_everywhere(program, arguments).outputs[0].at(5), arguments.inputs[0].at(5) * 210);
}

TEST(Kernels, equal_up_to_their_buffers_are_compiled_once_and_run_on_their_own) {
  LoopBuilder b;
  BufferId x = b.input("x", {f32, {24}});
  BufferId before = x;
  for (int layer = 0; layer < 6; ++layer) {
    if (layer > 0)
      b.kernel("k" + std::to_string(layer));
    BufferId w = b.state("w" + std::to_string(layer), {f32, {24}});
    BufferId h = layer == 5 ? b.output("out", {f32, {24}})
                            : b.temporary("h" + std::to_string(layer), {f32, {24}});
    LoopId i = b.begin(0, 24, 8);
    ValueId p = b.compute(ScalarOp::mul, {f32, 8},
                          {b.load(before, {at(i, 1)}, 8), b.load(w, {at(i, 1)}, 8)});
    b.check(b.compute(ScalarOp::eq, {boolean, 8}, {p, p}), at(i, 1),
            100u + static_cast<NodeId>(layer), loop::none, 8);
    b.store(h, {at(i, 1)}, p, 8);
    before = h;
  }
  loop::Program program = b.finish();
  CallArguments arguments{{numbers({f32, {24}})}, {}, {}};
  for (uint64_t layer = 0; layer < 6; ++layer)
    arguments.states.push_back(numbers({f32, {24}}, layer));
  arguments.states[3].set(10, std::nan(""));
  CallResults results = run_everywhere(program, arguments);
  EXPECT_EQ(results.status, (CallStatus{103, 10})); // each launch reports its own node
  auto executable = Executable::compile(program);
  EXPECT_EQ(executable->launches(), 6);
  // The first reads an input, whose alignment is unknown: what it may rely on, all do.
  EXPECT_EQ(executable->functions(), 1);
}

/// Layers for the rows of several parts of the data.
TEST(Kernels, that_loop_over_other_numbers_of_rows_are_compiled_once) {
  for (const int operations : {31, 2}) {
    LoopBuilder b;
    CallArguments arguments;
    for (const int64_t rows : {3, 5}) {
      if (rows == 5)
        b.kernel("k1");
      const BufferId x = b.input("x" + std::to_string(rows), {f32, {rows, 8}}),
                     out = b.output("out" + std::to_string(rows), {f32, {rows, 8}});
      const LoopId i = b.begin(0, rows);
      const Index lane{{0, {}}, loop::none, 1};
      ValueId v = b.load(x, {at(i), lane}, 8);
      for (int n = 0; n < operations; ++n)
        v = b.compute(ScalarOp::mul, {f32, 8}, {v, v});
      b.store(out, {at(i), lane}, v, 8);
      b.end();
      arguments.inputs.push_back(numbers({f32, {rows, 8}}));
    }
    const loop::Program program = b.finish();
    run_everywhere(program, arguments);
    EXPECT_EQ(Executable::compile(program)->functions(), operations > 2 ? 1 : 2);
  }
}

TEST(Kernels, that_differ_in_literals_are_compiled_once_with_those_as_arguments) {
  LoopBuilder b;
  BufferId x = b.input("x", {f64, {16}});
  CallArguments arguments{{numbers({f64, {16}})}, {}, {}};
  for (int layer = 0; layer < 4; ++layer) {
    b.kernel("k" + std::to_string(layer));
    BufferId out = b.output("out" + std::to_string(layer), {f64, {16}});
    LoopId i = b.begin(0, 16, 8);
    ValueId stream = b.constant({i64, 8}, 1e6 * (layer + 1)); // differs, as the next; 0.5 does not
    ValueId scaled = b.compute(ScalarOp::mul, {f64, 8},
                               {b.load(x, {at(i, 1)}, 8), b.constant({f64, 1}, 1.0 / (layer + 3))});
    ValueId half = b.compute(ScalarOp::mul, {f64, 8}, {scaled, b.constant({f64, 8}, 0.5)});
    ValueId converted = b.compute(ScalarOp::convert, {f64, 8}, {stream});
    b.store(out, {at(i, 1)}, b.compute(ScalarOp::add, {f64, 8}, {half, converted}), 8);
  }
  loop::Program program = b.finish();
  program.kernels.erase(program.kernels.begin()); // the empty one that LoopBuilder begins with
  CallResults results = run_everywhere(program, arguments);
  EXPECT_EQ(results.outputs[2].at(5), arguments.inputs[0].at(5) * (1.0 / 5) * 0.5 + 3e6);
  Code code = generate_code(program, {});
  EXPECT_EQ(code.functions.size(), 1u);
  ASSERT_EQ(code.launches[3].numbers.size(), 2u);
  EXPECT_EQ(code.launches[3].numbers[0], 4'000'000u);
}

/// Runs the kernels of a builder, whose states hold numbers of their own each, everywhere.
loop::Program run_kernels(LoopBuilder& b) {
  loop::Program program = b.finish();
  program.kernels.erase(program.kernels.begin()); // the empty one that LoopBuilder begins with
  CallArguments arguments;
  for (const StateDecl& state : program.signature.states)
    arguments.states.push_back(numbers(state.type, arguments.states.size()));
  run_everywhere(program, arguments);
  return program;
}

/// out[i, j] = sum over k in first .. inner of x[i, k] * w[k, j], rows by 2 and what remains by 1;
/// then its columns' sums, in a tile as long as they are.
void product_of_any_extent(LoopBuilder& b, int64_t rows, int64_t inner, int64_t columns,
                           const std::string& name) {
  BufferId x = b.state("x" + name, {f32, {rows, inner}});
  BufferId w = b.state("w" + name, {f32, {inner, columns}});
  BufferId out = b.output("out" + name, {f32, {rows, columns}});
  BufferId sums = b.output("sums" + name, {f32, {columns}});
  const int64_t vectors = (columns + 7) / 8, even = rows / 2 * 2;
  const ValueType vector = {f32, 8};
  auto below = [&](LoopId j, int64_t factor) {
    return b.compute(ScalarOp::lt, {boolean, 8},
                     {b.index(at(j, 1, factor), 8), b.constant({i64, 1}, double(columns))});
  };
  for (auto [first, behind, step] :
       {std::tuple{int64_t{0}, even, int64_t{2}}, std::tuple{even, rows, int64_t{1}}}) {
    LoopId i = b.begin(first, behind, step);
    LoopId j = b.begin(0, vectors * 8, 8);
    ValueId mask = below(j, 1);
    ValueId zero = b.constant({f32, 1}, 0);
    for (int64_t row = 0; row < step; ++row) {
      TileId sum = b.tile(vector, {}, -0.0);
      LoopId k = b.begin(rows / 4, inner);
      b.set(sum, {},
            b.compute(ScalarOp::fma, vector,
                      {b.load(x, {at(i, 0, 1, row), at(k)}),
                       b.load(w, {at(k), at(j, 1)}, 8, mask, zero), b.get(sum, {})}));
      b.end();
      b.store(out, {at(i, 0, 1, row), at(j, 1)}, b.get(sum, {}), 8, mask);
    }
    b.end();
    b.end();
  }
  TileId all = b.tile(vector, {vectors}, -0.0);
  LoopId i = b.begin(0, rows);
  LoopId v = b.begin(0, vectors);
  ValueId mask = below(v, 8);
  ValueId row = b.load(out, {at(i), at(v, 1, 8)}, 8, mask, b.constant({f32, 1}, 0));
  b.set(all, {at(v)}, b.compute(ScalarOp::add, vector, {b.get(all, {at(v)}), row}), mask);
  b.end();
  b.end();
  v = b.begin(0, vectors);
  b.store(sums, {at(v, 1, 8)}, b.get(all, {at(v)}), 8, below(v, 8));
  b.end();
}

TEST(Kernels, that_differ_in_extents_share_code_where_there_are_many) {
  LoopBuilder b;
  for (int64_t k = 0; k < 18; ++k) { // odd and even rows, and one row: loops without turns
    b.kernel("k" + std::to_string(k));
    product_of_any_extent(b, 1 + k % 5, 2 + k, 3 + 5 * k, std::to_string(k));
  }
  const loop::Program program = run_kernels(b);
  EXPECT_EQ(generate_code(program, {}).functions.size(), 1u);
  EXPECT_EQ(generate_code(program, {.most_shapes = 18}).functions.size(), 18u);
}

TEST(Kernels, that_read_lanes_at_different_distances_do_not_share_code) {
  LoopBuilder b;
  for (int64_t k = 0; k < 18; ++k) { // as many as share code where only numbers differ
    b.kernel("k" + std::to_string(k));
    BufferId x = b.state("x" + std::to_string(k), {f32, {8, 3 + k}});
    BufferId out = b.output("out" + std::to_string(k), {f32, {3 + k, 8}});
    LoopId j = b.begin(0, 3 + k);
    b.store(out, {at(j), {{0, {}}, loop::none, 1}}, b.load(x, {{{0, {}}, loop::none, 1}, at(j)}, 8),
            8);
  }
  EXPECT_EQ(generate_code(run_kernels(b), {}).functions.size(), 18u);
}

TEST(Kernels, whose_buffers_share_memory_do_not_share_code_with_those_whose_do_not) {
  for (const bool same : {false, true}) { // named as the same by the program, or found to be
    LoopBuilder b;
    BufferId in = b.input("in", {f32, {64}});
    BufferId from[2], to[2];
    for (int k = 0; k < 2; ++k) {
      from[k] = b.temporary(fmt::format("from{}", k), {f32, {64}});
      to[k] = b.temporary(fmt::format("to{}", k), {f32, {64}});
      LoopId i = b.begin(0, 64);
      b.store(from[k], {at(i)}, b.load(in, {at(i)}));
      b.end();
    }
    for (int k = 0; k < 2; ++k) {
      b.kernel(fmt::format("k{}", k + 1));
      LoopId i = b.begin(0, 63);
      b.store(to[k], {at(i, 0, 1, 1)}, b.load(from[k], {at(i)}));
      b.end();
    }
    b.kernel("k3");
    BufferId out = b.output("out", {f32, {2, 63}});
    for (int k = 0; k < 2; ++k) {
      LoopId i = b.begin(0, 63);
      b.store(out, {fixed(k), at(i)}, b.load(to[k], {at(i, 0, 1, 1)}));
      b.end();
    }
    loop::Program program = b.finish();
    program.buffers[to[1]].offset = program.buffers[from[1]].offset;
    if (same) {
      program.kernels[1].buffers = {from[0], to[0]};
      program.kernels[2].buffers = {from[1], to[1]};
      program.kernels[2].same_as = 1;
      program.kernels[2].body.clear();
    }
    const CallArguments arguments{{numbers({f32, {64}})}, {}, {}};
    const CallResults results = run_everywhere(program, arguments);
    EXPECT_EQ(results.outputs[0].at(62), arguments.inputs[0].at(62));
    EXPECT_EQ(results.outputs[0].at(63 + 62), arguments.inputs[0].at(0)) << "one after another";
    EXPECT_EQ(Executable::compile(program)->functions(), 4);
  }
}

/// One reads what a kernel made, which lies as vectors like it, the other what a caller has.
TEST(Kernels, that_are_the_same_rely_on_what_is_true_of_all) {
  LoopBuilder b;
  const BufferId in = b.input("in", {f32, {8}}), made = b.temporary("made", {f32, {8}}),
                 first = b.output("first", {f32, {8}}), second = b.output("second", {f32, {8}});
  const Index lane{{0, {}}, loop::none, 1};
  b.store(made, {lane}, b.compute(ScalarOp::neg, {f32, 8}, {b.load(in, {lane}, 8)}), 8);
  b.kernel("k1");
  b.store(first, {lane}, b.compute(ScalarOp::abs, {f32, 8}, {b.load(made, {lane}, 8)}), 8);
  b.kernel("k2");
  loop::Program program = b.finish();
  program.kernels[1].buffers = {made, first};
  program.kernels[2].buffers = {in, second};
  program.kernels[2].same_as = 1;
  run_everywhere(program, {{numbers({f32, {8}})}, {}, {}});
  EXPECT_EQ(Executable::compile(program)->functions(), 2);
  const std::string text = print_code(program, Stage::LLVM, {});
  EXPECT_NE(text.find("load <8 x float>, ptr %made, align 4"), std::string::npos) << text;
}

TEST(Kernels, that_join_tiles_of_different_lengths_do_not_share_code) {
  LoopBuilder b;
  for (int64_t k = 0; k < 18; ++k) {
    b.kernel("k" + std::to_string(k));
    const int64_t vectors = k % 2 == 0 ? 2 : 4;
    BufferId x = b.state("x" + std::to_string(k), {f32, {vectors, 8 + k}});
    BufferId out = b.output("out" + std::to_string(k), {f32, {1}});
    TileId partials = b.tile({f32, 8}, {vectors}, -0.0);
    LoopId i = b.begin(0, vectors);
    b.set(partials, {at(i)}, b.load(x, {at(i), {{0, {}}, loop::none, 1}}, 8));
    b.end();
    b.store(out, {fixed(0)}, b.join(partials, ScalarOp::add));
  }
  run_kernels(b);
}

TEST(Kernels, may_have_any_name) {
  LoopBuilder b;
  BufferId out = b.output("out", {f64, {5}});
  int64_t element = 0;
  for (const char* name : {"fma", "a", "a.gradual", "a", ""}) {
    b.kernel(name);
    ValueId x = b.constant({f64, 1}, 3 + static_cast<double>(element));
    BufferId in = b.input(fmt::format("x{}", element), {f64, {}});
    b.store(out, {fixed(element++)}, b.compute(ScalarOp::fma, {f64, 1}, {b.load(in, {}), x, x}));
  }
  CallArguments arguments;
  for (int i = 0; i < 5; ++i)
    arguments.inputs.push_back(Array({f64, {}}, {2}));
  CallResults results = run_everywhere(b.finish(), arguments);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(results.outputs[0].at(i), 3 * (3 + i));
}

TEST(Kernels, that_unroll_without_end_are_refused) {
  LoopBuilder b;
  BufferId out = b.output("out", {f64, {}});
  b.begin(0, int64_t{1} << 40, 1, LoopKind::unrolled);
  b.begin(0, int64_t{1} << 40, 1, LoopKind::unrolled);
  b.store(out, {}, b.constant({f64, 1}, 1));
  b.kernel("k1");
  b.tile({f64, 8}, {1 << 16}, 0);
  loop::Program program = b.finish();
  EXPECT_THROW(generate_code(program, {}), Error);
  program.kernels.erase(program.kernels.begin());
  EXPECT_THROW(generate_code(program, {}), Error);
}

TEST(Extents, of_zero_and_one_work) {
  LoopBuilder b;
  BufferId in = b.input("in", {f32, {0, 3}});
  BufferId out = b.output("none", {f32, {0, 3}});
  BufferId sum = b.output("sum", {f32, {}});
  TileId t = b.tile({f32, 1}, {}, 0);
  LoopId i = b.begin(0, 0);
  LoopId j = b.begin(0, 3);
  ValueId x = b.load(in, {at(i), at(j)});
  b.store(out, {at(i), at(j)}, x);
  b.set(t, {}, b.compute(ScalarOp::add, {f32, 1}, {b.get(t, {}), x}));
  b.end();
  b.end();
  b.store(sum, {}, b.get(t, {}));
  EXPECT_EQ(run_everywhere(b.finish(), {{Array({f32, {0, 3}})}, {}, {}}).outputs[1].at(0), 0);
}

} // namespace
} // namespace gdjit::test
