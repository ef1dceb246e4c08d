// The verifier of loops where no text names the place, and what masks let pieces do.
#include "gdjit/Loop/Verifier.h"

#include "SampleText.h"
#include "TextMistake.h"
#include "gdjit/Driver/ReadStep.h"

namespace gdjit {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
  return test::error_of([&] { read_step(text, "t.gdir"); });
}

TEST(LoopVerifier, AMaskLeavesOutWhatLiesBehindAPieceNotWhatOverlaps) {
  constexpr std::string_view pieces = R"(gdir 1
stage planned
model p
step training
batch 1

state w : f32[80] = ones
output y : f32[80]

buffer w : f32[80] = state w, in argument
buffer y : f32[80] = output y, in arena + 0
arena 320 bytes

kernel k0 "pieces" {
  parallel for p in 0..2 {
    for j in 0..32 step 16 {
      %0 = lt (index j+lane : i64x16), 24
      store y[24*p+j+lane] = (load w[24*p+j+lane] if %0 else 0 : f32x16) if %0
    }
  }
}

end
)";
  EXPECT_EQ(error_of(std::string(pieces)), "no error");
  EXPECT_THAT(error_of(test::replaced(pieces, "), 24", "), 25")),
              HasSubstr("share elements of 'y'"));
  const std::string backwards = test::replaced(test::replaced(pieces, "), 24", "), 64"),
                                               "index j+lane", "index -8*p+lane+56");
  EXPECT_THAT(error_of(test::replaced(backwards, "store y[24*p+j+lane]", "store y[-8*p+lane+56]")),
              HasSubstr("share elements of 'y'"));
}

/// A shared loop over 2 pieces of y, which is 64 or 2 by 32.
std::string shared(const std::string& shape, const std::string& body) {
  return "gdir 1\nstage planned\nmodel p\nstep training\nbatch 1\n\noutput y : f32[" + shape +
         "]\n\nbuffer y : f32[" + shape +
         "] = output y, in arena + 0\narena 256 bytes\n\n"
         "kernel k0 \"pieces\" {\n  parallel for p in 0..2 {\n" +
         body + "  }\n}\n\nend\n";
}

TEST(LoopVerifier, AMaskLeavesOutLanesWhateverTheirStep) {
  for (const char* place : {"30*p+2*lane", "30*p-2*lane+28"}) {
    auto masked = [&](const char* count) {
      return error_of(shared("64", std::string("    %0 = lt (index lane : i64x16), ") + count +
                                       "\n    store y[" + place + "] = (1 : f32x16) if %0\n"));
    };
    EXPECT_EQ(masked("15"), "no error") << place;
    EXPECT_THAT(masked("16"), HasSubstr("share elements of 'y'")) << place;
  }
}

TEST(LoopVerifier, WhatNoTurnStoresMayBeReadByAll) {
  auto reading = [](const char* row) {
    return error_of(shared("2,32", std::string("    store y[0, p] = y[") + row + ", -p+7]\n"));
  };
  EXPECT_EQ(reading("1"), "no error");
  EXPECT_THAT(reading("0"), HasSubstr("share elements of 'y'"));
}

TEST(LoopVerifier, NamesKernelAndStatementWhereThereIsNoText) {
  loop::Program program = read_step(testing::loop_text, "t.gdir").program;
  program.kernels[0].body[0].body[0].body[2].operands[0] = 7;
  Diagnostics diagnostics;
  verify(program, diagnostics);
  ASSERT_EQ(diagnostics.size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].message, "kernel 'k0', statement 4: %7 is not defined above");
}

TEST(LoopVerifier, RefusesAForeignStageAndUnsortedNotes) {
  loop::Program program = read_step(testing::loop_text, "t.gdir").program;
  program.stage = Stage::Fused;
  std::swap(program.notes[0], program.notes[1]);
  Diagnostics diagnostics;
  verify(program, diagnostics);
  ASSERT_EQ(diagnostics.size(), 2u);
  EXPECT_EQ(diagnostics.all()[0].message, "a program of loops at stage fused");
  EXPECT_EQ(diagnostics.all()[1].message, "notes are not sorted by node, each once");
}

} // namespace
} // namespace gdjit
