// Streaming stores: which outputs are written by them, and that no bit changes.
#include "ScheduledLoops.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Lowering/Expand.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t streamed_bytes = 16384;

/// The text of a step, scheduled, and its remarks; its bits are the loops'.
std::string scheduled(const std::vector<Shape>& shapes,
                      const std::function<Expr(std::span<const Expr>)>& make, int threads = 1) {
  Built b = build(DType::f32, shapes, make);
  PassContext context;
  context.threads = threads;
  context.machine = {.l2_bytes = 16384, .least_shared = 1, .streamed_bytes = streamed_bytes};
  b.loops = expand(b.loops, context);
  const loop::Program program = schedule(b.loops, context);
  expect_output(program, b.arguments, interpret(b.loops, b.arguments).outputs[0]);
  std::string text = loop::print(program);
  for (const std::string& remark : context.remarks)
    text += remark + "\n";
  return text;
}

std::string sum_with_one(const Shape& shape, int threads = 1) {
  return scheduled({shape}, [](std::span<const Expr> x) { return x[0] + 1.0; }, threads);
}

TEST(StreamStores, WriteALargeOutputThatNothingReads) {
  EXPECT_THAT(sum_with_one({64, 64}),
              AllOf(HasSubstr("streaming store y[i, j+lane]"),
                    HasSubstr("k0: streaming stores to y, which takes 0.01638 MB and which no "
                              "kernel of the step reads")));
  EXPECT_THAT(sum_with_one({64, 64}, 2), HasSubstr("streaming store y["))
      << "by each thread its rows";
  EXPECT_THAT(sum_with_one({4096}), HasSubstr("streaming store y[i+lane]"));
}

TEST(StreamStores, AreForWholeLinesOfWhatIsLarge) {
  EXPECT_THAT(sum_with_one({63, 64}), Not(HasSubstr("streaming"))) << "in a cache";
  EXPECT_THAT(sum_with_one({100, 56}), Not(HasSubstr("streaming"))) << "rows of half lines";
  EXPECT_THAT(
      scheduled({{64, 64}}, [](std::span<const Expr> x) { return transpose(x[0], {1, 0}); }),
      HasSubstr("streaming store y["))
      << "turned in registers";
}

/// k0 writes b; k1 does the same with what it reads and d.
std::string two_kernels(std::string_view read) {
  return fmt::format(R"gdir(gdir 1
stage loops
model two
step training
batch 0

input a : f32[6,16]
input c : f32[6,16]
output b : f32[6,16]
output d : f32[6,16]

buffer a : f32[6,16] = input a
buffer c : f32[6,16] = input c
buffer b : f32[6,16] = output b
buffer d : f32[6,16] = output d

kernel k0 "first" {{
  for i in 0..6 {{
    for j in 0..16 {{
      store b[i, j] = add a[i, j], 1
    }}
  }}
}}

kernel k1 "second" {{
  for i in 0..6 {{
    for j in 0..16 {{
      store d[i, j] = add {}[i, j], 1
    }}
  }}
}}

end
)gdir",
                     read);
}

std::string scheduled(loop::Program program) {
  PassContext context;
  context.machine.streamed_bytes = 1;
  return loop::print(schedule(std::move(program), context));
}

TEST(StreamStores, LeaveToTheCachesWhatAnotherKernelReads) {
  EXPECT_THAT(scheduled(read_step(two_kernels("c"), "t.gdir").program),
              AllOf(HasSubstr("streaming store b["), HasSubstr("streaming store d[")));
  EXPECT_THAT(scheduled(read_step(two_kernels("b"), "t.gdir").program),
              AllOf(HasSubstr("      store b["), HasSubstr("streaming store d[")));
}

TEST(StreamStores, AreNotForKernelsThatShareStatements) {
  loop::Program program = read_step(two_kernels("c"), "t.gdir").program;
  program.kernels[0].buffers = {0, 2};
  program.kernels[1].buffers = {1, 3};
  program.kernels[1].same_as = 0;
  program.kernels[1].body.clear();
  EXPECT_THAT(scheduled(std::move(program)), Not(HasSubstr("streaming")));
}

TEST(StreamStores, AreNotAskedFor) {
  const std::string text = scheduled({{40, 320}}, [](std::span<const Expr> x) {
    Expr e = apply(Opcode::Exp, x[0]);
    return e / broadcast_to(sum(e, {1}, true) + 1.0, {40, 320});
  });
  EXPECT_THAT(text, AllOf(HasSubstr("prefetch x0[i+1"), Not(HasSubstr("prefetch y")),
                          HasSubstr("streaming store y[i, j+lane]")));
}

} // namespace
} // namespace gdjit
