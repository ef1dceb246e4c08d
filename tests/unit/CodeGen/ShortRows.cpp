// Loads whose lanes go along rows of few elements take whole vectors and shuffle them, and give
// what their indices say.
#include "unit/CodeGen/LoopBuilder.h"
#include "unit/CodeGen/RunEverywhere.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Loop/ShortRows.h"

#include <gmock/gmock.h>

namespace gdjit::test {
namespace {

using loop::ShortRows;

const CodeGenOptions v4 = {.target = "x86-64-v4"};

/// out[k, lane] = in[first + lane, k] for `rows` of the lanes, the last ones of `in`, and 7 for the
/// others.
loop::Program columns_of(DType type, int64_t columns, uint16_t lanes, int64_t rows) {
  constexpr int64_t first = 3;
  LoopBuilder b;
  const BufferId in = b.input("in", {type, {first + rows, columns}}),
                 out = b.output("out", {type, {columns, lanes}});
  const Index lane{{0, {}}, loop::none, 1}, behind{{first, {}}, loop::none, 1};
  ValueId mask = loop::none, fill = loop::none;
  if (rows < lanes) {
    mask = b.compute(ScalarOp::lt, {boolean, lanes},
                     {b.index(lane, lanes), b.constant({i64, 1}, static_cast<double>(rows))});
    fill = b.constant({type, 1}, 7);
  }
  const LoopId k = b.begin(0, columns, 1, LoopKind::unrolled);
  b.store(out, {at(k), lane}, b.load(in, {behind, at(k)}, lanes, mask, fill), lanes);
  b.end();
  return b.finish();
}

TEST(ShortRows, give_the_columns_of_whole_blocks_and_of_parts) {
  for (DType type : {f32, f64, i32, i64, boolean})
    for (uint16_t lanes : {2, 4, 8, 16})
      for (int64_t columns = 2; columns <= ShortRows::most_columns + 1; ++columns)
        for (int64_t rows : {int64_t{1}, lanes / int64_t{2}, lanes - int64_t{1}, int64_t{lanes}}) {
          SCOPED_TRACE(fmt::format("{} rows of {} {}, {} lanes", rows, columns, name(type), lanes));
          const loop::Program program = columns_of(type, columns, lanes, rows);
          if (columns == ShortRows::most_columns || (columns == 3 && lanes == 16))
            run_everywhere(program, {{numbers({type, {3 + rows, columns}})}, {}, {}});
          if (lanes * byte_size(type) > 64)
            continue; // wider than registers
          const std::string text = print_code(program, Stage::LLVM, v4);
          EXPECT_EQ(text.find("masked.gather") == std::string::npos,
                    type != boolean && columns <= ShortRows::most_columns);
        }
}

TEST(ShortRows, share_loads_and_shuffles) {
  for (auto [columns, shuffles] : {std::pair{2, 2}, {3, 6}, {4, 8}, {5, 16}, {6, 21}, {7, 30}}) {
    EXPECT_EQ((ShortRows{columns, 16}.shuffles(columns)), shuffles) << columns;
    const std::string text = print_code(columns_of(f32, columns, 16, 16), Stage::Optimized, v4);
    auto count = [&](std::string_view words) {
      int64_t found = 0;
      for (size_t at = 0; (at = text.find(words, at)) != std::string::npos; ++at)
        ++found;
      return found;
    };
    EXPECT_EQ(count(" = load <16 x float>"), columns);
    EXPECT_EQ(count(" = shufflevector <16 x float>"), shuffles);
  }
}

TEST(ShortRows, of_which_a_mask_leaves_some_rows_load_these_alone) {
  // 5 rows of 3 are 15 elements, the last of the buffer: 4 vectors of 4, the last of 3.
  const std::string text = print_code(columns_of(f32, 3, 8, 5), Stage::LLVM, v4);
  EXPECT_THAT(text, testing::HasSubstr("load <8 x float>"));
  EXPECT_THAT(text, testing::ContainsRegex("masked.load.v8f32.*i1 true, i1 true, i1 true, i1 true, "
                                           "i1 true, i1 true, i1 true, i1 false"));
}

TEST(ShortRows, go_along_any_axis) {
  for (DType type : {f32, f64}) {
    LoopBuilder b;
    const BufferId in = b.input("in", {type, {2, 16, 2, 3}}), // rows of 6
        out = b.output("out", {type, {2, 2, 3, 16}});
    const LoopId i = b.begin(0, 2);
    const LoopId j = b.begin(0, 2, 1, LoopKind::unrolled), k = b.begin(0, 3, 1, LoopKind::unrolled);
    const LoopId block = b.begin(0, 16, 4);
    b.store(out, {at(i), at(j), at(k), at(block, 1)},
            b.load(in, {at(i), at(block, 1), at(j), at(k)}, 4), 4);
    const loop::Program program = b.finish();
    run_everywhere(program, {{numbers({type, {2, 16, 2, 3}})}, {}, {}});
    EXPECT_EQ(print_code(program, Stage::LLVM, v4).find("masked.gather"), std::string::npos);
  }
}

/// 10 blocks of 16 rows: a load and a store for each column are 140 statements of a kernel, and
/// their shuffles as many times more as pay for a thread.
TEST(ShortRows, count_as_their_shuffles_where_threads_share_compilation) {
  LoopBuilder b;
  for (const int64_t columns : {7, 6}) {
    if (columns == 6)
      b.kernel("k1");
    const std::string name = std::to_string(columns);
    const BufferId in = b.input("in" + name, {f32, {160, columns}}),
                   out = b.output("out" + name, {f32, {columns, 160}});
    const LoopId block = b.begin(0, 160, 16, LoopKind::unrolled),
                 k = b.begin(0, columns, 1, LoopKind::unrolled);
    b.store(out, {at(k), at(block, 1)}, b.load(in, {at(block, 1), at(k)}, 16), 16);
    b.end();
    b.end();
  }
  const loop::Program program = b.finish();
  EXPECT_EQ(generate_code(program, {.threads = 2}).objects.size(), 2u);
}

TEST(ShortRows, are_left_where_the_column_is_not_known) {
  LoopBuilder b;
  const BufferId in = b.input("in", {f32, {8, 3}}), out = b.output("out", {f32, {3, 8}});
  const LoopId k = b.begin(0, 3);
  const Index lane{{0, {}}, loop::none, 1};
  b.store(out, {at(k), lane}, b.load(in, {lane, at(k)}, 8), 8);
  b.end();
  const loop::Program program = b.finish();
  run_everywhere(program, {{numbers({f32, {8, 3}})}, {}, {}});
  EXPECT_NE(print_code(program, Stage::LLVM, v4).find("masked.gather"), std::string::npos);
}

} // namespace
} // namespace gdjit::test
