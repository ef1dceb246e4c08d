// Where outputs and updates of a text may lie.
#include "TextMistake.h"
#include "gdjit/Driver/ReadStep.h"

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A step of two states whose results lie where `update` and `output` say.
std::string results(const std::string& update, const std::string& output) {
  return "gdir 1\nstage scheduled\nmodel early\nstep training\nbatch 0\n\n"
         "input x : f32[4]\nstate v : f32[4] = zeros\nstate w : f32[4] = zeros\n"
         "output y : f32[4]\nupdate w\n\n"
         "buffer x : f32[4] = input x\nbuffer v : f32[4] = state v\n"
         "buffer w : f32[4] = state w\nbuffer c : f32[4] = constant [1, 2, 3, 4]\n"
         "buffer w.next : f32[4] = update w" +
         update + "\nbuffer y : f32[4] = output y" + output +
         "\n\nkernel k0 \"early\" {\n  for i in 0..4 {\n"
         "    store w.next[i] = add w[i], 1\n" +
         (output.empty() ? "    store y[i] = w[i]\n" : "") + "  }\n}\n\nend\n";
}

std::string error_of(const std::string& text) {
  return test::error_of([&] { read_step(text, "t.gdir"); });
}

TEST(LoopText, ResultsLieInMemoryOfTheirOwnUntilThePlan) {
  EXPECT_EQ(error_of(results("", "")), "no error");
  for (const std::string other : {"w", "v", "x", "c"})
    EXPECT_THAT(error_of(results(", same as " + other, "")),
                AllOf(HasSubstr("buffer 'w.next' lies in '" + other + "', which is "),
                      HasSubstr("leave 'same as' out; the plan puts an update into its state")));
  for (const std::string other : {"w", "v", "x", "c"})
    EXPECT_THAT(error_of(results("", ", same as " + other)),
                AllOf(HasSubstr("buffer 'y' lies in '" + other + "', which is "),
                      HasSubstr("leave 'same as' out, and store what it holds")));
}

} // namespace
} // namespace gdjit
