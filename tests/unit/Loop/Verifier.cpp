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
