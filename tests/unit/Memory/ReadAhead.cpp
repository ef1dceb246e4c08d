// Rows updated in place under a mask: all are read before the first is written, and no bit changes.
#include "unit/CodeGen/LoopBuilder.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
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

/// Puts something into w as `body` says, whose %0 is the mask of 10 lanes; plans it, expects the
/// same numbers of the plan and gives its text.
std::string planned(const std::string& body, const std::string& shape = "32,10") {
  const std::string text = fmt::format(
      "gdir 1\nstage scheduled\nmodel m\nstep training\nbatch 0\n\ninput x : f32[{0}]\n"
      "state w : f32[{0}] = zeros\nstate v : f32[] = zeros\noutput y : f32[16]\n"
      "update w\nupdate v\n\nbuffer x : f32[{0}] = input x\nbuffer w : f32[{0}] = state w\n"
      "buffer w.seen : f32[{0}] = temporary, same as w\nbuffer y : f32[16] = output y\n"
      "buffer w.next : f32[{0}] = update w\nbuffer v.next : f32[] = update v\n\n"
      "kernel k0 \"\" {{\n  store v.next = 3\n  for i in 0..16 {{\n    store y[i] = 1\n  }}\n"
      "  %0 = lt (index lane : i64x16), 10\n{1}}}\n\nend\n",
      shape, body);
  loop::Program program = read_step(text, "t.gdir").program;
  const CallArguments arguments = random_arguments(program.signature, 7, 1);
  const CallResults expected = interpret(program, arguments);
  PassContext context;
  program = plan(std::move(program), context);
  EXPECT_TRUE(same_bits(expected.updates[0], interpret(program, arguments).updates[0]));
  std::string result = loop::print(program);
  EXPECT_THAT(result, Not(HasSubstr("w.next.next"))) << "it is not in its place";
  return result;
}

/// A loop over rows of the result, in text.
std::string rows(const std::string& body, int64_t count = 32) {
  return fmt::format("  for i in 0..{} {{\n{}  }}\n", count, body);
}

constexpr const char* old_row = "(load w[i, lane] if %0 else 0 : f32x16)";

/// Halves a row and does what `more` says.
std::string halved(const std::string& more = "", const std::string& by = "0.5") {
  return fmt::format("    %1 = mul {}, {}\n{}    store w.next[i, lane] = %1 if %0\n", old_row, by,
                     more);
}

TEST(ReadAhead, LeavesRowsThatNeedItNotOrDoMore) {
  EXPECT_THAT(planned(rows(halved())), HasSubstr("tile t0[32]"));
  EXPECT_THAT(planned(rows(halved(), 1), "1,10"), Not(HasSubstr("tile"))) << "one row";
  EXPECT_THAT(planned(rows("    store w.next[i, lane] = (load x[i, lane] if %0 else 0 : f32x16) if "
                           "%0\n")),
              Not(HasSubstr("tile")))
      << "nothing of it is read";
  EXPECT_THAT(
      planned(rows("    %1 = lt (index i), 99\n    store w.next[i] = mul w[i], 0.5 if %1\n"), "32"),
      Not(HasSubstr("tile")))
      << "single elements";
  EXPECT_THAT(planned(rows(halved("    store y[lane] = %1 if %0\n"))), Not(HasSubstr("tile")))
      << "it stores elsewhere";
  EXPECT_THAT(planned(rows(halved("", "v.next"))), Not(HasSubstr("tile"))) << "of another update";
  EXPECT_THAT(planned(rows(halved("", "(load w.seen[i, lane] if %0 else 0 : f32x16)"))),
              Not(HasSubstr("tile")))
      << "by a view";
  EXPECT_THAT(planned(rows("    %1 = lt (load x[i, lane] if %0 else 0 : f32x16), 1000\n"
                           "    %2 = and %0, %1\n"
                           "    store w.next[i, lane] = mul " +
                           std::string(old_row) + ", 0.5 if %2\n")),
              Not(HasSubstr("tile")))
      << "a mask that follows from data";
}

TEST(ReadAhead, KeepsNoMoreRowsThanAFew) {
  const std::string body = "    for j in 0..10 {\n"
                           "      %1 = mul (load w[i, j, lane] if %0 else 0 : f32x16), 0.5\n"
                           "      store w.next[i, j, lane] = %1 if %0\n    }\n";
  EXPECT_THAT(planned(rows(body, 6), "6,10,10"), HasSubstr("tile t0[6, 10]"));
  EXPECT_THAT(planned(rows(body, 7), "7,10,10"), HasSubstr("tile t0[10]"));
}

/// 28 registers hold 15 vectors but once.
TEST(ReadAhead, LeavesManyRowsOfWhichRegistersDoNotHoldTwo) {
  const std::string body = "    for j in 0..15 {\n"
                           "      %1 = mul (load w[i, j, lane] if %0 else 0 : f32x16), 0.5\n"
                           "      store w.next[i, j, lane] = %1 if %0\n    }\n";
  EXPECT_THAT(planned(rows(body, 100), "100,15,10"), Not(HasSubstr("unrolled")));
}

} // namespace
} // namespace gdjit::test
