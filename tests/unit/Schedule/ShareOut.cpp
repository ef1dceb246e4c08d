// Which loops threads share, and along which axis: by statements and by the bytes that arrive.
#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace gdjit {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// y = x w, its remarks on two threads; the bits are those of the loops before.
std::vector<std::string> shared_product(int64_t rows, int64_t terms, int64_t columns,
                                        const MachineTable& machine) {
  CompileOptions options{.last = Stage::Loops, .threads = 2, .machine = &machine};
  Work work{.step = read_step(fmt::format("gdir 1\nstage declared\nmodel m\nstep prediction\n"
                                          "batch 0\n\ninput x : f32[{0},{1}]\n"
                                          "state w : f32[{1},{2}] = zeros\n"
                                          "output y : f32[{0},{2}]\n\ngraph {{\n  %x = input x\n"
                                          "  %w = state w\n  %y = matmul %x, %w\n"
                                          "  output y = %y\n}}\n",
                                          rows, terms, columns),
                              "t.gdir")
                        .step,
            .program = {},
            .stage = Stage::Declared};
  work = compile(std::move(work), options).work;
  const CallArguments arguments = random_arguments(work.signature(), 7, 1);
  const CallResults expected = interpret(work.program, arguments);
  options.last = Stage::Planned;
  const Compilation c = compile(std::move(work), options);
  EXPECT_TRUE(same_bits(expected.outputs[0], interpret(c.work.program, arguments).outputs[0]));
  return c.remarks;
}

/// Each thread reads half of the weights, which the second cache does not hold.
TEST(ShareOut, FewRowsAreCutByColumns) {
  const MachineTable machine{.l2_bytes = 128 << 10, .least_shared = 1000};
  EXPECT_THAT(shared_product(4, 256, 128, machine),
              Contains(HasSubstr("2 pieces of loop j for 2 threads, since a thread reads 2.0 kB "
                                 "that the others read, too, not 65.5 kB")));
}

/// Each panel of columns would read all of them again.
TEST(ShareOut, RowsThatTheSecondCacheDoesNotHoldAreCutByRows) {
  const MachineTable machine{.l2_bytes = 128 << 10, .least_shared = 1000};
  EXPECT_THAT(shared_product(128, 256, 128, machine),
              Contains(HasSubstr("2 pieces of loop i for 2 threads")));
}

TEST(ShareOut, BytesThatNoSecondCacheHoldsPayForAMeetingOfFewStatements) {
  MachineTable machine{.l2_bytes = 128 << 10, .least_shared = 1 << 20};
  EXPECT_THAT(shared_product(2, 256, 256, machine),
              Contains(HasSubstr("threads share loop j, since its 0.264 MB are more than half of "
                                 "the second cache")));
  machine.l2_bytes = 300 << 10; // of which the step's 0.266 MB are more than half
  EXPECT_THAT(shared_product(2, 256, 256, machine),
              Contains(HasSubstr("on one thread, since the 657 thousand statements of its largest "
                                 "loop are less than the 1.05 million that pay for a barrier")));
}

} // namespace
} // namespace gdjit
