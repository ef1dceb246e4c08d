// The memory plan on programs built by hand.
#include "gdjit/Memory/Plan.h"

#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Memory/LivePeak.h"

#include <gtest/gtest.h>

namespace gdjit {
namespace {

using namespace loop;

/// Builds kernels of element-wise copies over buffers of one row.
class PlanTest : public testing::Test {
protected:
  BufferId buffer(std::string name, BufferRole role, int64_t extent, uint32_t number = 0) {
    Buffer b;
    b.name = std::move(name);
    b.type = {DType::f32, Shape{extent}};
    b.role = role;
    b.number = number;
    program.buffers.push_back(b);
    return static_cast<BufferId>(program.buffers.size() - 1);
  }
  uint32_t state(const std::string& name, int64_t extent) {
    program.signature.states.push_back({name, {DType::f32, Shape{extent}}, {}, {}});
    return static_cast<uint32_t>(program.signature.states.size() - 1);
  }
  uint32_t update(uint32_t state) {
    program.signature.updates.push_back({state, {}});
    return static_cast<uint32_t>(program.signature.updates.size() - 1);
  }
  /// for i in 0..extent { to[i] = from[i + shift] }
  void copy(BufferId from, BufferId to, int64_t extent, int64_t shift = 0) {
    if (program.kernels.empty())
      program.kernels.emplace_back();
    Kernel& kernel = program.kernels.back();
    Statement loop;
    loop.kind = StatementKind::For;
    loop.loop = kernel.loops++;
    loop.end = extent;
    kernel.loop_names.push_back("i");
    loop::Index at{{0, {{loop.loop, 1}}}, none, 0};
    Statement load;
    load.kind = StatementKind::Load;
    load.buffer = from;
    load.result = kernel.values++;
    load.index = {at};
    load.index[0].affine.constant = shift;
    Statement store;
    store.kind = StatementKind::Store;
    store.buffer = to;
    store.operands = {load.result};
    store.index = {at};
    loop.body = {load, store};
    kernel.body.push_back(loop);
  }
  Program planned() {
    program.stage = Stage::Scheduled;
    PassContext context;
    return plan(program, context);
  }
  Program program;
};

TEST_F(PlanTest, AnUpdateThatReadsEachElementBeforeItWritesItIsInPlace) {
  uint32_t w = state("w", 8);
  BufferId old = buffer("w", BufferRole::state, 8, w);
  BufferId next = buffer("w'", BufferRole::update, 8, update(w));
  copy(old, next, 8);
  Program p = planned();
  EXPECT_EQ(p.buffers[next].same_as, old);
  EXPECT_EQ(p.kernels.size(), 1u);
  EXPECT_EQ(p.arena_bytes, 0);
}

/// Beside another kernel: of a step of one kernel each line counts.
TEST_F(PlanTest, ASmallOutputLiesApartFromWhatDiesInItsKernel) {
  for (const bool several : {true, false}) {
    program = {};
    const BufferId x = buffer("x", BufferRole::input, 64),
                   a = buffer("a", BufferRole::temporary, 64),
                   b = buffer("b", BufferRole::temporary, 64),
                   loss = buffer("loss", BufferRole::output, 1);
    copy(x, a, 64);
    if (several)
      program.kernels.emplace_back();
    copy(a, b, 64); // a dies
    copy(b, loss, 1);
    const Program p = planned();
    const int64_t at = p.buffers[loss].offset - p.buffers[a].offset;
    EXPECT_EQ(at >= 0 && at < 256, !several) << at;
  }
}

TEST_F(PlanTest, WhatStandsInALoopWithoutTurnsReadsNothing) {
  uint32_t w = state("w", 8);
  BufferId old = buffer("w", BufferRole::state, 8, w);
  BufferId next = buffer("w'", BufferRole::update, 8, update(w));
  copy(old, next, 8);
  copy(old, next, 8);
  EXPECT_EQ(planned().buffers[next].role, BufferRole::temporary); // two loops read it
  program.kernels[0].body[1].begin = 8;
  EXPECT_EQ(planned().buffers[next].same_as, old);
}

TEST_F(PlanTest, AnUpdateThatReadsAnotherElementIsCopiedBehindTheLastRead) {
  uint32_t w = state("w", 9);
  BufferId old = buffer("w", BufferRole::state, 9, w);
  BufferId next = buffer("w'", BufferRole::update, 9, update(w));
  copy(old, next, 8, 1);
  Program p = planned();
  EXPECT_EQ(p.buffers[next].role, BufferRole::temporary);
  ASSERT_EQ(p.kernels.size(), 2u);
  EXPECT_EQ(p.buffers.back().role, BufferRole::update);
  EXPECT_EQ(p.buffers.back().same_as, old);
}

TEST_F(PlanTest, ACopyBehindTheLastReadIsWholeVectorsAndTheirHalves) {
  uint32_t w = state("w", 4 * 16 + 13);
  BufferId old = buffer("w", BufferRole::state, 4 * 16 + 13, w);
  copy(old, buffer("w'", BufferRole::update, 4 * 16 + 13, update(w)), 8, 1);
  const std::vector<Statement> body = planned().kernels.back().body;
  ASSERT_EQ(body.size(), 7u);
  EXPECT_EQ(turns(body[0]), 4);
  EXPECT_EQ(body[0].body[1].type.lanes, 16);
  int64_t at = 64;
  for (size_t i : {2, 4, 6}) {
    EXPECT_EQ(body[i].index[0].affine.constant, at);
    at += body[i].type.lanes;
  }
  EXPECT_EQ(at, 4 * 16 + 13);
}

TEST_F(PlanTest, AnUpdateThatReadsItsStateUnderAnotherShapeIsCopied) {
  uint32_t w = state("w", 24);
  BufferId old = buffer("w", BufferRole::state, 24, w);
  BufferId view = buffer("w.view", BufferRole::temporary, 24);
  BufferId next = buffer("w'", BufferRole::update, 24, update(w));
  program.signature.states[w].type.shape = {4, 6};
  program.buffers[old].type.shape = program.buffers[next].type.shape = {4, 6};
  program.buffers[view].type.shape = {6, 4}; // the same rank: [i, j] is another element
  program.buffers[view].same_as = old;
  copy(view, next, 4);
  for (Statement& access : program.kernels[0].body[0].body)
    access.index.insert(access.index.begin(), loop::Index{}); // [0, i]
  program.kernels[0].body[0].begin = 1;
  EXPECT_EQ(planned().buffers[next].role, BufferRole::temporary);
}

TEST_F(PlanTest, AnUpdateThatWritesOneElementInManyTurnsIsCopied) {
  uint32_t w = state("w", 8);
  BufferId old = buffer("w", BufferRole::state, 64, w);
  BufferId next = buffer("w'", BufferRole::update, 64, update(w));
  program.signature.states[w].type.shape = {8, 8};
  program.buffers[old].type.shape = program.buffers[next].type.shape = {8, 8};
  copy(old, next, 8);
  Kernel& kernel = program.kernels[0];
  Statement turns;
  turns.kind = StatementKind::For;
  turns.loop = kernel.loops++;
  turns.end = 8;
  kernel.loop_names.push_back("j");
  for (Statement& access : kernel.body[0].body)
    access.index.push_back(access.index[0]); // [i, i]: the loop in both coordinates, j in none
  turns.body = {kernel.body[0]};
  kernel.body = {turns};
  EXPECT_EQ(planned().buffers[next].role, BufferRole::temporary);
}

/// What the rest of each piece touches is no more than what the tiles before it left.
TEST_F(PlanTest, AnUpdateOfPiecesInTwoLoopsEachIsInPlaceWhereTheseLoopsAreApart) {
  for (int64_t rest : {6, 5}) { // for p in 0..2 { for i in 0..6 { … } for i in rest..8 { … } }
    program = {};
    uint32_t w = state("w", 16);
    BufferId old = buffer("w", BufferRole::state, 16, w);
    BufferId next = buffer("w'", BufferRole::update, 16, update(w));
    copy(old, next, 6);
    copy(old, next, 8);
    Kernel& kernel = program.kernels[0];
    kernel.body[1].begin = rest;
    Statement pieces;
    pieces.kind = StatementKind::For;
    pieces.loop = kernel.loops++;
    pieces.end = 2;
    kernel.loop_names.push_back("p");
    for (Statement& nest : kernel.body)
      for (Statement& access : nest.body)
        add_scaled(access.index[0].affine, variable(pieces.loop), 8);
    pieces.body = std::move(kernel.body);
    kernel.body = {pieces};
    EXPECT_EQ(planned().buffers[next].role == BufferRole::update, rest == 6);
  }
}

TEST_F(PlanTest, ALaterReadOfTheOldValueKeepsTheUpdateOutOfPlace) {
  uint32_t w = state("w", 8);
  BufferId old = buffer("w", BufferRole::state, 8, w);
  BufferId next = buffer("w'", BufferRole::update, 8, update(w));
  BufferId out = buffer("out", BufferRole::output, 8);
  copy(old, next, 8);
  copy(old, out, 8);
  EXPECT_EQ(planned().kernels.size(), 2u);
}

TEST_F(PlanTest, SwappedStatesKeepTheirOldValuesApart) {
  uint32_t p = state("p", 8), q = state("q", 8);
  BufferId bp = buffer("p", BufferRole::state, 8, p), bq = buffer("q", BufferRole::state, 8, q);
  BufferId np = buffer("p'", BufferRole::update, 8, update(p));
  BufferId nq = buffer("q'", BufferRole::update, 8, update(q));
  copy(bq, np, 8);
  copy(bp, nq, 8);
  Program planned_program = planned();
  EXPECT_EQ(planned_program.buffers[np].role,
            BufferRole::temporary);                   // p is read after np is written
  EXPECT_EQ(planned_program.buffers[nq].same_as, bq); // q is read before nq is written
}

TEST_F(PlanTest, ATemporaryThatNothingUsesHasAPlace) {
  buffer("t", BufferRole::temporary, 1000);
  EXPECT_EQ(planned().arena_bytes, 4032);
}

TEST_F(PlanTest, TemporariesWithDisjointLiveRangesShareTheArena) {
  BufferId in = buffer("x", BufferRole::input, 64);
  BufferId a = buffer("a", BufferRole::temporary, 64), b = buffer("b", BufferRole::temporary, 64);
  BufferId c = buffer("c", BufferRole::temporary, 64), out = buffer("out", BufferRole::output, 64);
  copy(in, a, 64);
  copy(a, b, 64);
  copy(b, c, 64);
  copy(c, out, 64);
  Program p = planned();
  EXPECT_EQ(p.arena_bytes, 2 * 256);
  EXPECT_NE(p.buffers[a].offset, p.buffers[b].offset);
  EXPECT_NE(p.buffers[b].offset, p.buffers[c].offset);
  EXPECT_EQ(p.buffers[a].offset, p.buffers[c].offset);
}

TEST_F(PlanTest, TheArenaIsAsLargeAsWhatIsLiveAtOnce) {
  // In the order of first use, out lies behind a, and b, which does not fit a's place, behind it.
  BufferId in = buffer("x", BufferRole::input, 64), out = buffer("out", BufferRole::output, 16);
  BufferId a = buffer("a", BufferRole::temporary, 32), b = buffer("b", BufferRole::temporary, 48);
  copy(in, a, 32);
  copy(a, out, 16);
  copy(in, b, 48);
  copy(b, out, 16);
  Program p = planned();
  const LivePeak peak = live_peak(p);
  EXPECT_EQ(peak.buffers, 3u);
  EXPECT_EQ(peak.all, 4 * (32 + 16 + 48));
  EXPECT_EQ(peak.bytes, 4 * (16 + 48));
  EXPECT_EQ(p.arena_bytes, peak.bytes);
}

TEST_F(PlanTest, AnOutputKeepsItsPlaceUntilTheEnd) {
  BufferId in = buffer("x", BufferRole::input, 64);
  BufferId out = buffer("out", BufferRole::output, 64);
  BufferId a = buffer("a", BufferRole::temporary, 64);
  BufferId out2 = buffer("out2", BufferRole::output, 64, 1);
  copy(in, out, 64);
  copy(in, a, 64);
  copy(a, out2, 64);
  Program p = planned();
  EXPECT_NE(p.buffers[out].offset, p.buffers[a].offset);
  EXPECT_NE(p.buffers[out].offset, p.buffers[out2].offset);
}

TEST_F(PlanTest, AViewSharesTheMemoryOfWhatItViews) {
  BufferId in = buffer("x", BufferRole::input, 64);
  BufferId a = buffer("a", BufferRole::temporary, 64);
  BufferId view = buffer("a.view", BufferRole::temporary, 64);
  program.buffers[view].same_as = a;
  BufferId out = buffer("out", BufferRole::output, 64);
  copy(in, a, 64);
  copy(view, out, 64);
  Program p = planned();
  EXPECT_EQ(p.buffers[view].place, Place::shared);
  EXPECT_NE(p.buffers[a].offset, p.buffers[out].offset);
}

} // namespace
} // namespace gdjit
