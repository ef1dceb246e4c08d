// Rows updated in place under a mask: all are read before the first is written, and no bit changes.
#include "unit/CodeGen/LoopBuilder.h"

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Memory/Plan.h"

#include <gmock/gmock.h>

namespace gdjit::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr DType f32 = DType::f32;
constexpr int64_t columns = 10;

/// Puts 0.5 * w into w, tile by tile of `of_tile` rows, under a mask or by whole vectors of 10
/// lanes; plans it, expects the same numbers of the plan and gives its text. Where it is `summed`,
/// a row goes through a tile of its own.
std::string planned(int64_t of_tile, bool masked, int64_t rows = 32, bool summed = false) {
  LoopBuilder b;
  BufferId w = b.state("w", {f32, {rows, columns}});
  BufferId next = b.update(w);
  LoopId i = b.begin(0, rows, of_tile);
  LoopId i1 = b.begin(0, of_tile);
  const uint16_t lanes = masked ? 16 : 10;
  ValueId mask = loop::none, zero = loop::none;
  if (masked) {
    ValueId lane = b.index({{0, {}}, loop::none, 1}, lanes);
    mask = b.compute(ScalarOp::lt, {DType::boolean, lanes},
                     {lane, b.constant({DType::i64, 1}, columns)});
    zero = b.constant({f32, 1}, 0);
  }
  std::vector<Index> row = {{{0, {{i, 1}, {i1, 1}}}, loop::none, 0}, {{0, {}}, loop::none, 1}};
  ValueId old = b.load(w, row, lanes, mask, zero);
  ValueId half = b.compute(ScalarOp::mul, {f32, lanes}, {old, b.constant({f32, 1}, 0.5)});
  if (summed) {
    const TileId sum = b.tile({f32, lanes}, {}, 0);
    b.set(sum, {}, b.compute(ScalarOp::add, {f32, lanes}, {b.get(sum, {}), half}));
    half = b.get(sum, {});
  }
  b.store(next, row, half, lanes, mask);
  loop::Program program = b.finish();
  program.stage = Stage::Scheduled;
  program.buffers[next].same_as = loop::none;
  for (loop::Buffer& buffer : program.buffers)
    buffer.place = loop::Place::unplanned;

  Array start({f32, {rows, columns}});
  for (int64_t k = 0; k < start.elements(); ++k)
    start.set(k, static_cast<double>(k));
  const CallArguments arguments{{}, {start}, {}};
  const CallResults expected = interpret(program, arguments);
  PassContext context;
  program = plan(std::move(program), context);
  EXPECT_TRUE(same_bits(expected.updates[0], interpret(program, arguments).updates[0]));
  return loop::print(program);
}

TEST(ReadAhead, ReadsTheRowsOfATileBeforeItWritesThem) {
  const std::string text = planned(16, true);
  EXPECT_THAT(text, HasSubstr("tile t0[16] : f32x16"));
  const size_t set = text.find("set t0["), behind = text.find("for ", set);
  EXPECT_LT(set, behind) << text;
  EXPECT_LT(behind, text.find("store w.next[")) << text;
}

TEST(ReadAhead, TakesLoopsOfAFewMaskedRows) {
  EXPECT_THAT(planned(16, false), Not(HasSubstr("tile")));
  EXPECT_THAT(planned(32, true), HasSubstr("tile t0[1, 32]"));
  EXPECT_THAT(planned(1, true), HasSubstr("tile t0[32, 1]"));
}

TEST(ReadAhead, TakesManyRowsInBlocksThatRegistersHold) {
  for (const bool summed : {false, true}) {
    const std::string text = planned(1, true, 100, summed);
    EXPECT_THAT(text,
                testing::AllOf(HasSubstr("for i in 0..84 step 28"), HasSubstr("[28, 1] : f32x16"),
                               HasSubstr("in 84..100"), HasSubstr("[16, 1] : f32x16")));
  }
}

} // namespace
} // namespace gdjit::test
