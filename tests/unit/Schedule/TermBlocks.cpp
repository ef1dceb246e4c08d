// Some terms of a product at a time: where they are, and that no bit changes.
#include "ScheduledLoops.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gmock/gmock.h>

#include <regex>

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

/// A product of 384 terms for 32 rows and 48 columns, `result` its last statements and `y` what it
/// stores.
std::string product_that(const std::string& type_of_y, const std::string& result) {
  return "gdir 1\nstage loops\nmodel sums\nstep training\nbatch 0\n\n"
         "input x : f32[384,32]\ninput d : f32[384,48]\ninput c : bool[]\noutput y : " +
         type_of_y +
         "\n\nbuffer x : f32[384,32] = input x\nbuffer d : f32[384,48] = input d\n"
         "buffer c : bool[] = input c\nbuffer y : " +
         type_of_y +
         " = output y\n\nkernel k0 \"sums\" {\n  %0 = load c\n  for i in 0..32 {\n"
         "    for j in 0..48 {\n      tile t0 : f32 = 0\n      for k in 0..384 {\n"
         "        set t0 = fma x[k, i], d[k, j], t0\n      }\n" +
         result + "    }\n  }\n}\n\nend\n";
}

/// The program of such a text, scheduled; it is verified, and nothing of it is cut.
loop::Program kept_in_registers(const std::string& text, int64_t l2_bytes = 32768) {
  const loop::Program loops = read_step(text, "t.gdir").program;
  std::string remarks;
  loop::Program program = scheduled(loops, l2_bytes, 1, remarks);
  Diagnostics diagnostics;
  verify(program, diagnostics);
  EXPECT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
  EXPECT_THAT(remarks, Not(HasSubstr("at a time")));
  return program;
}

/// A sum that is not stored has no place in memory.
TEST(TermBlocks, ResultsThatAreStoredUnderAMaskStayInRegisters) {
  kept_in_registers(product_that("f32[32,48]", "      store y[i, j] = t0 if %0\n"));
}

TEST(TermBlocks, ResultsThatShareAPlaceStayInRegisters) {
  const std::string text = product_that("f32[79]", "      store y[i+j] = t0\n");
  const loop::Program program = kept_in_registers(text), loops = read_step(text, "t.gdir").program;
  const CallArguments arguments = random_arguments(loops.signature, 1);
  expect_output(program, arguments, interpret(loops, arguments).outputs[0]);
}

TEST(TermBlocks, ResultsThatSayWhereTheyAreStoredStayInRegisters) {
  std::string text =
      product_that("f32[32,48,9]", "      %1 = get t0\n      store y[i, j, %1] = %1\n");
  text = std::regex_replace(text, std::regex("f32"), "i64");
  text = std::regex_replace(text, std::regex("fma (.*), t0"), "add t0, (mul $1)");
  kept_in_registers(text, 65536);
}

} // namespace
} // namespace gdjit
