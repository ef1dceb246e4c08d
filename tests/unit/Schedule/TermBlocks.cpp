// Some terms of a product at a time: where they are, and that no bit changes.
#include "ScheduledLoops.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Loop/Text.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

loop::Program scheduled(const loop::Program& loops, int64_t l2_bytes, int threads,
                        std::string& remarks) {
  PassContext context;
  context.threads = threads;
  context.machine = {.l2_bytes = l2_bytes, .least_shared = 1};
  loop::Program program = schedule(loops, context);
  for (const std::string& remark : context.remarks)
    remarks += remark + "\n";
  return program;
}

/// Weights that are updated by a gradient over so many rows.
Built gradient(int64_t rows, int64_t features, int64_t columns) {
  return build(DType::f32, {{rows, features}, {rows, columns}, {features, columns}},
               [](std::span<const Expr> x) { return x[2] - weight_gradient(x[0], x[1]) * 0.125; });
}

/// The text of such a step, scheduled, and its remarks; its bits are the loops'.
std::string gradient(int64_t rows, int64_t features, int64_t columns, int64_t l2_bytes,
                     int threads = 1) {
  const Built b = gradient(rows, features, columns);
  std::string remarks;
  PassContext context;
  const loop::Program program = scheduled(b.loops, l2_bytes, threads, remarks),
                      planned = plan(program, context);
  const Array expected = interpret(b.loops, b.arguments).outputs[0];
  for (const loop::Program* p : {&program, &planned})
    expect_output(*p, b.arguments, expected);
  return loop::print(program) + remarks;
}

TEST(TermBlocks, AProductOverManyRowsTakesSomeTermsOfAllAtATime) {
  EXPECT_THAT(gradient(768, 32, 48, 32768),
              AllOf(HasSubstr("64 of the 384 terms of loop k at a time"),
                    HasSubstr("load x0[384*b+64*k+k1, i"), HasSubstr("store sums"),
                    Not(HasSubstr("x0.rows"))));
}

TEST(TermBlocks, TheNextTermsOfLongRowsAreAskedFor) {
  std::string remarks;
  EXPECT_THAT(loop::print(scheduled(gradient(768, 520, 48).loops, 528 << 10, 1, remarks)),
              HasSubstr("prefetch x0[384*b+64*k+k1+64, i"));
}

TEST(TermBlocks, TermsThatMakeNoWholePartFollow) {
  EXPECT_THAT(gradient(778, 32, 48, 32768),
              AllOf(HasSubstr("55 of the 389 terms"), HasSubstr("x0[389*b+k+385, i")));
}

TEST(TermBlocks, OfManyRowsSomeAreTakenAtATime) {
  EXPECT_THAT(gradient(1152, 48, 33, 32768),
              AllOf(HasSubstr("16 of the 48 rows of loop i at a time"),
                    HasSubstr("96 of the 576 terms of loop k at a time"),
                    HasSubstr("load x0[576*b+96*k+k1, 16*i")));
}

TEST(TermBlocks, RowsThatMakeNoWholePartFollow) {
  EXPECT_THAT(gradient(1152, 47, 33, 32768),
              AllOf(HasSubstr("15 of the 47 rows"), HasSubstr("x0[576*b+96*k+k1, 15*i"),
                    HasSubstr("x0[576*b+k, i+i1+45]")));
}

TEST(TermBlocks, ThreadsTakeTheirPartsSo) {
  EXPECT_THAT(gradient(768, 32, 48, 16384, 2), HasSubstr("terms of loop k at a time"));
}

TEST(TermBlocks, OtherProductsStayInRegisters) {
  const auto in_registers = Not(HasSubstr("at a time"));
  EXPECT_THAT(gradient(768, 32, 48, 1 << 20), in_registers) << "rows in the second cache";
  EXPECT_THAT(gradient(768, 32, 32, 32768), in_registers) << "each row is read once";
  EXPECT_THAT(gradient(768, 32, 97, 32768), in_registers) << "few terms for so many sums";
  EXPECT_THAT(gradient(768, 40, 48, 16384), in_registers) << "the cache holds too few rows";
  EXPECT_THAT(gradient(500, 32, 48, 32768), in_registers) << "one chain, with its update";
}

/// A sum that is not stored has no place in memory.
TEST(TermBlocks, ResultsThatAreStoredUnderAMaskStayInRegisters) {
  const loop::Program loops = read_step(R"gdir(gdir 1
stage loops
model masked
step training
batch 0

input x : f32[384,32]
input d : f32[384,48]
input c : bool[]
output y : f32[32,48]

buffer x : f32[384,32] = input x
buffer d : f32[384,48] = input d
buffer c : bool[] = input c
buffer y : f32[32,48] = output y

kernel k0 "masked" {
  %0 = load c
  for i in 0..32 {
    for j in 0..48 {
      tile t0 : f32 = 0
      for k in 0..384 {
        set t0 = fma x[k, i], d[k, j], t0
      }
      store y[i, j] = t0 if %0
    }
  }
}

end
)gdir",
                                        "t.gdir")
                                  .program;
  std::string remarks;
  const loop::Program program = scheduled(loops, 32768, 1, remarks);
  Diagnostics diagnostics;
  verify(program, diagnostics);
  EXPECT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
  EXPECT_THAT(remarks, Not(HasSubstr("at a time")));
}

} // namespace
} // namespace gdjit
