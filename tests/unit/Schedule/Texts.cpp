// Loops that nobody but a person writes: schedules keep their bits, too.
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Loop/Bounds.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Schedule/Schedule.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view head = "gdir 1\nstage loops\nmodel m\nstep training\nbatch 0\n\n";

/// Products of [250,120] transposed and [250,64], and `work` behind each.
std::string with_work(const std::string& work) {
  return fmt::format(
      "{}input x : f32[250,120]\ninput d : f32[250,64]\ninput w : f32[120,64]\n"
      "output y : f32[120,64]\n\nbuffer x : f32[250,120] = input x\n"
      "buffer d : f32[250,64] = input d\nbuffer w : f32[120,64] = input w\n"
      "buffer y : f32[120,64] = output y\n\n"
      "kernel k0 \"\" {{\n  for i in 0..120 {{\n    for j in 0..64 {{\n"
      "      tile t0 : f32 = -0.0\n      for k in 0..250 {{\n"
      "        set t0 = fma x[k, i], d[k, j], t0\n      }}\n{}    }}\n  }}\n}}\n\nend\n",
      head, work);
}

void expect_same_bits(const std::string& text, int threads = 1, int64_t l2_bytes = 16384) {
  const TextStep read = read_step(text, "t.gdir");
  PassContext context;
  context.machine = {
      .vector_bytes = 64, .vector_registers = 32, .l1_bytes = 2048, .l2_bytes = l2_bytes};
  context.machine.least_shared = 1000;
  context.threads = threads;
  const loop::Program program = plan(schedule(read.program, context), context);
  Diagnostics diagnostics;
  verify(program, diagnostics);
  ASSERT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
  const CallArguments arguments = random_arguments(read.program.signature, 7, 1);
  EXPECT_TRUE(same_bits(interpret(read.program, arguments).outputs[0],
                        interpret(program, arguments).outputs[0]));
}

TEST(ScheduledTexts, WorkBetweenTermsMayHoldWhatNobodyReads) {
  expect_same_bits(with_work("      %1 = load w[i, j]\n      %2 = sqrt (mul t0, t0)\n"
                             "      store y[i, j] = div w[i, j], %2\n"));
}

TEST(ScheduledTexts, ALoopOverChainsMayIndexATileOfItsOwn) {
  expect_same_bits(
      fmt::format("{}input x : f32[8]\noutput y : f32[8]\n\nbuffer x : f32[8] = input x\n"
                  "buffer y : f32[8] = output y\n\nkernel k0 \"\" {{\n  tile t0[8] : f32 = -0.0\n"
                  "  for i in 0..8 {{\n    tile t1[8] : f32 = 0.25\n    %0 = get t1[i]\n"
                  "    set t0[i] = add t0[i], (add %0, x[i])\n  }}\n  for i in 0..8 {{\n"
                  "    store y[i] = t0[i]\n  }}\n}}\n\nend\n",
                  head));
}

TEST(ScheduledTexts, ALoopOverChainsMayHoldOneOverOthers) {
  expect_same_bits(fmt::format(
      "{}input x : f32[16]\noutput y : f32[16]\n\nbuffer x : f32[16] = input x\n"
      "buffer y : f32[16] = output y\n\nkernel k0 \"\" {{\n  tile t0[16] : f32 = 0.5\n"
      "  tile t1[16] : f32 = 0.25\n  for i in 0..16 {{\n    set t1[i] = add t1[i], x[i]\n"
      "    for j in 0..16 {{\n      %0 = get t0[j]\n    }}\n  }}\n"
      "  for k in 0..16 {{\n    store y[k] = t1[k]\n  }}\n}}\n\nend\n",
      head));
}

TEST(ScheduledTexts, WorkMayStoreTwice) {
  expect_same_bits(with_work("      %1 = sqrt (mul t0, t0)\n      store y[i, j] = div w[i, j], %1\n"
                             "      store y[i, j] = t0\n"));
}

TEST(ScheduledTexts, LoadsWithOtherFillsHavePanelsOfTheirOwn) {
  expect_same_bits(fmt::format(
      "{}input x : f32[128,64]\ninput w : f32[64,16]\ninput f : bool[2]\noutput y : f32[128,16]\n\n"
      "buffer x : f32[128,64] = input x\nbuffer w : f32[64,16] = input w\n"
      "buffer f : bool[2] = input f\nbuffer y : f32[128,16] = output y\n\n"
      "kernel k0 \"\" {{\n  %1 = load f[0]\n  %2 = 0.25 : f32\n  %3 = 0.5 : f32\n"
      "  for i in 0..128 {{\n    for j in 0..16 {{\n      tile t0 : f32 = -0.0\n"
      "      for k in 0..64 {{\n        %5 = load w[k, j] if %1 else %2\n"
      "        %6 = load w[k, j] if %1 else %3\n        set t0 = fma x[i, k], (sub %5, %6), t0\n"
      "      }}\n      store y[i, j] = t0\n    }}\n  }}\n}}\n\nend\n",
      head));
}

TEST(ScheduledTexts, ACopyMayHaveAViewOrNoAxis) {
  constexpr std::string_view text =
      "{}input x : f32[100]\ninput z : f32[100]\noutput s : f32[]\n\nbuffer x : f32[100] = input "
      "x\n"
      "buffer z : f32[100] = input z\nbuffer p : f32[100] = temporary\n"
      "buffer pv : f32[10,10] = temporary, same as p\nbuffer s : f32[] = output s\n\n"
      "kernel k0 \"\" {{\n  store p[0] = x[0]\n  for k in 1..100 {{\n    store p[k] = p[k-1]\n  "
      "}}\n"
      "  for k in 0..100 {{\n    store s = x[k]\n  }}\n"
      "  %1 = load pv[0, 5]\n  tile t0 : f32 = -0.0\n  for k in 1..100 {{\n"
      "    set t0 = fma p[k], z[k], t0\n  }}\n  store s = add %1, t0\n}}\n\nend\n";
  expect_same_bits(fmt::format(text, head));
}

TEST(ScheduledTexts, ACopyMayBeOfSingleElements) {
  // Of c each lane but one is masked: the gradient of a slice of one row.
  expect_same_bits(fmt::format(
      "{}input c : f64[1,5,1]\noutput y : f64[64,5,3]\n\nbuffer c : f64[1,5,1] = input c\n"
      "buffer y : f64[64,5,3] = output y\n\n"
      "kernel k0 \"\" {{\n  for i in 0..64 {{\n    for j in 0..5 {{\n      for m in 0..3 {{\n"
      "        %0 = and (ge (index i-5), 0), (lt (index i-5), 1)\n"
      "        %1 = and (and %0, (ge (index m-1), 0)), (lt (index m-1), 1)\n"
      "        store y[i, j, m] = (load c[i-5, j, m-1] if %1 else 0)\n"
      "      }}\n    }}\n  }}\n}}\n\nend\n",
      head));
}

TEST(ScheduledTexts, RowsMayHaveALoopWithinAPass) {
  // x[8*i+r, j]: which row comes next depends on a loop inside.
  expect_same_bits(fmt::format(
      "{}input x : f32[80,300]\noutput y : f32[80,300]\n\nbuffer x : f32[80,300] = input x\n"
      "buffer y : f32[80,300] = output y\n\n"
      "kernel k0 \"\" {{\n  for i in 0..10 {{\n    tile t0 : f32x10 = 0\n"
      "    for j in 0..300 step 10 {{\n      for r in 0..8 {{\n"
      "        set t0 = add t0, (load x[8*i+r, j+lane] : f32x10)\n      }}\n    }}\n"
      "    for j in 0..300 step 10 {{\n      for r in 0..8 {{\n"
      "        store y[8*i+r, j+lane] = add t0, (load x[8*i+r, j+lane] : f32x10)\n      }}\n"
      "    }}\n  }}\n}}\n\nend\n",
      head));
}

TEST(ScheduledTexts, TilesMayHoldScalars) {
  expect_same_bits(fmt::format(
      "{}input x : f32[100,48]\ninput d : f32[100,32]\ninput w : f32[48,32]\n"
      "output y : f32[48,32]\n\nbuffer x : f32[100,48] = input x\n"
      "buffer d : f32[100,32] = input d\nbuffer w : f32[48,32] = input w\n"
      "buffer y : f32[48,32] = output y\n\n"
      "kernel k0 \"\" {{\n  for i in 0..48 step 6 {{\n    tile t0[6, 2] : f32 = -0.0\n"
      "    for k in 0..100 {{\n      unrolled for r in 0..6 {{\n        unrolled for v in 0..2 {{\n"
      "          set t0[r, v] = fma x[k, i+r], d[k, 16*v], t0[r, v]\n        }}\n      }}\n    }}\n"
      "    unrolled for r in 0..6 {{\n      unrolled for v in 0..2 {{\n"
      "        %1 = load w[i+r, 16*v+lane] : f32x16\n"
      "        store y[i+r, 16*v+lane] = div %1, t0[r, v]\n      }}\n    }}\n  }}\n}}\n\nend\n",
      head));
}

TEST(ScheduledTexts, LoopsThatStepMayReadWhatTheTurnBeforeStored) {
  // One of vectors would take several turns at once.
  auto rows_behind = [](const char* read, const char* more) {
    return fmt::format("{}input x : f32[40,8]\noutput y : f32[40,16]\n\n"
                       "buffer x : f32[40,8] = input x\nbuffer y : f32[40,16] = output y\n\n"
                       "kernel k0 \"\" {{\n  for i in 0..40 {{\n    for j in 0..16 {{\n"
                       "      store y[i, j] = x[i, 3]\n    }}\n  }}\n  tile t1 : f32x16 = 0.5\n"
                       "  for i in 2..40 step 2 {{\n    tile t0 : f32x16 = -0.0\n{}"
                       "    for k in 0..8 {{\n"
                       "      set t0 = fma x[i, k], (load {} : f32x16), t0\n    }}\n"
                       "    store y[i, lane] = t0\n    set t1 = add t1, t0\n  }}\n"
                       "  store y[0, lane] = t1\n}}\n\nend\n",
                       head, more, read);
  };
  expect_same_bits(rows_behind("y[i-2, lane]", ""));
  expect_same_bits(rows_behind("y[i+1, lane]", "    %9 = mul t1, 0.5\n    set t0 = add t0, %9\n"));
  expect_same_bits(rows_behind("y[i+1, lane]", "    set t1 = mul t1, 0.5\n"));
}

/// Blocks of terms, the sum of each as `block` gives it, over weights that threads update.
std::string in_blocks(const std::string& block) {
  return fmt::format(
      "{}input x : f32[8,512]\nstate w : f32[512,16] = zeros\noutput y : f32[8,16]\nupdate w\n\n"
      "buffer x : f32[8,512] = input x\nbuffer w : f32[512,16] = state w\n"
      "buffer y : f32[8,16] = output y\nbuffer v : f32[512,16] = update w\n\n"
      "kernel k0 \"\" {{\n  for i in 0..8 {{\n{}  }}\n}}\n\n"
      "kernel k1 \"\" {{\n  for k in 0..512 {{\n    for j in 0..16 {{\n"
      "      store v[k, j] = mul w[k, j], 0.5\n    }}\n  }}\n}}\n\nend\n",
      head, block);
}

TEST(ScheduledTexts, BlocksOfVectorsStayWhereTheyAre) {
  expect_same_bits(in_blocks("    tile t0 : f32x16 = -0.0\n    for b in 0..2 {\n"
                             "      tile t1 : f32x16 = -0.0\n      for k in 0..256 {\n"
                             "        set t1 = fma x[i, 256*b+k], "
                             "(load w[256*b+k, lane] : f32x16), t1\n      }\n"
                             "      set t0 = add t0, t1\n    }\n    store y[i, lane] = t0\n"),
                   2);
}

TEST(ScheduledTexts, BlocksMayBeJoinedByAnyOperation) {
  for (const char* operation : {"add", "mul", "sub", "max"})
    expect_same_bits(in_blocks(fmt::format(
                         "    for j in 0..16 {{\n      %1 = load x[i, j]\n"
                         "      tile t0 : f32 = 1\n      for b in 0..2 {{\n"
                         "        tile t1 : f32 = -0.0\n        for k in 0..256 {{\n"
                         "          set t1 = fma x[i, 256*b+k], w[256*b+k, j], t1\n        }}\n"
                         "        set t0 = {} t0, t1\n      }}\n"
                         "      store y[i, j] = add t0, %1\n    }}\n",
                         operation)),
                     2);
}

/// y from x[127,512], of which threads can share blocks of terms alone; `block` sums one, in t1.
void expect_same_bits_of_blocks(const std::string& first, const std::string& block,
                                const std::string& last) {
  expect_same_bits(
      fmt::format("{}input x : f32[127,512]\noutput y : f32[127,127]\n\n"
                  "buffer x : f32[127,512] = input x\nbuffer a : f32[127,512] = temporary\n"
                  "buffer y : f32[127,127] = output y\n\nkernel k0 \"\" {{\n"
                  "  for i in 0..127 {{\n    for k in 0..512 {{\n      store a[i, k] = x[i, k]\n"
                  "    }}\n  }}\n  for i in 0..127 {{\n    for j in 0..127 {{\n"
                  "      {}\n      tile t0 : f32 = -0.0\n      for b in 0..2 {{\n"
                  "        tile t1 : f32 = -0.0\n        for k in 0..256 {{\n"
                  "          set t1 = fma a[i, 256*b+k], x[j, 256*b+k], t1\n        }}\n"
                  "        {}\n      }}\n      {}\n    }}\n  }}\n}}\n\nend\n",
                  head, first, block, last),
      2, 1 << 20);
}

TEST(ScheduledTexts, BlocksComeNoEarlierThanWhatTheyRead) {
  expect_same_bits_of_blocks("", "set t0 = add t0, t1",
                             "store a[i, j] = t0\n      store y[i, j] = t0");
}

TEST(ScheduledTexts, BlocksMayAddWhatStandsOutside) {
  expect_same_bits_of_blocks("%0 = mul x[i, j], 2", "set t0 = add t0, %0", "store y[i, j] = t0");
}

TEST(ScheduledTexts, BlocksMayAddToATileOfTheirOwn) {
  expect_same_bits_of_blocks("", "tile t2 : f32 = 0\n        set t2 = add t2, t1",
                             "store y[i, j] = t0");
}

TEST(ScheduledTexts, BlocksMayHaveNoTurns) {
  expect_same_bits(
      fmt::format("{}input x : f32[127,512]\noutput y : f32[127,127]\n\n"
                  "buffer x : f32[127,512] = input x\n"
                  "buffer y : f32[127,127] = output y\n\nkernel k0 \"\" {{\n"
                  "  for i in 0..127 {{\n    for j in 0..127 {{\n"
                  "      tile t2 : f32 = -0.0\n      for k in 0..512 {{\n"
                  "        set t2 = fma x[i, k], x[j, k], t2\n      }}\n"
                  "      tile t0 : f32 = -0.0\n      for b in 0..0 {{\n"
                  "        %0 = mul x[i, b], 3\n        set t0 = add t0, %0\n"
                  "      }}\n      store y[i, j] = add t0, t2\n    }}\n  }}\n}}\n\nend\n",
                  head),
      2, 1 << 20);
}

TEST(ScheduledTexts, RowsOfDifferentNumbersOfTermsHaveCopiesOfTheirOwn) {
  for (const char* terms : {"512", "256"}) {
    const char* others = terms[0] == '5' ? "256" : "512";
    expect_same_bits(fmt::format(
        "{}input x : f32[512,112]\ninput w : f32[512,64]\noutput y : f32[112,64]\n\n"
        "buffer x : f32[512,112] = input x\nbuffer w : f32[512,64] = input w\n"
        "buffer y : f32[112,64] = output y\n\nkernel k0 \"\" {{\n  for i in 0..112 {{\n"
        "    for j in 0..64 {{\n      tile t0 : f32 = -0.0\n      for k in 0..{} {{\n"
        "        set t0 = fma x[k, i], w[k, j], t0\n      }}\n      tile t1 : f32 = -0.0\n"
        "      for k1 in 0..{} {{\n        set t1 = fma x[k1, i], w[k1, j], t1\n      }}\n"
        "      store y[i, j] = sub t0, t1\n    }}\n  }}\n}}\n\nend\n",
        head, terms, others));
  }
}

/// 40 rows of which each has a label that is checked, and `more` behind it.
std::string with_check(const std::string& more) {
  return fmt::format("{}input label : i32[40]\ninput x : f32[40]\noutput y : f32[40]\n\n"
                     "buffer label : i32[40] = input label\nbuffer x : f32[40] = input x\n"
                     "buffer y : f32[40] = output y\n\n"
                     "kernel k0 \"\" {{\n  for i in 0..40 {{\n    %0 = load label[i]\n"
                     "    %1 = convert %0 : i64\n    check and (ge %1, 0), (lt %1, 40) at i @1\n"
                     "{}  }}\n}}\n\nend\n",
                     head, more);
}

constexpr const char* computes = "    store y[i] = mul x[i], (convert %0 : f32)\n";

std::string scheduled(const std::string& text) {
  const TextStep read = read_step(text, "t.gdir");
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  const loop::Program program = schedule(read.program, context), planned = plan(program, context);
  Diagnostics diagnostics;
  verify(planned, diagnostics);
  EXPECT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
  CallArguments arguments = random_arguments(read.program.signature, 7, 40);
  for (const std::vector<int>& bad :
       {std::vector<int>{}, {3}, {39}, {21, 17, 37}, {35, 33}, {0, 1, 2, 16, 32}}) {
    for (int at : bad)
      arguments.inputs[0].set(at, at % 2 == 0 ? -1 : 40);
    const CallResults expected = interpret(read.program, arguments);
    ExecutableOptions options{.code = {.verify = true}};
    for (const CallResults& results :
         {interpret(program, arguments), interpret(planned, arguments),
          Executable::compile(loop::with_bounds_checks(planned), options)->call(arguments)}) {
      EXPECT_EQ(results.status, expected.status);
      EXPECT_TRUE(same_bits(results.outputs[0], expected.outputs[0]));
    }
    for (int at : bad)
      arguments.inputs[0].set(at, 5);
  }
  return print(program);
}

TEST(ScheduledTexts, OneCheckIsMadeForAllLanesAndReportsTheFirst) {
  EXPECT_THAT(scheduled(with_check(computes)),
              AllOf(HasSubstr("at i+lane"), HasSubstr("at i+lane if %")));
}

TEST(ScheduledTexts, OtherChecksAreMadeInOrder) {
  const std::string again = "    check lt %1, 20 at i @2\n";
  EXPECT_THAT(scheduled(with_check(again + computes)), Not(HasSubstr("lane"))) << "two of them";
  EXPECT_THAT(scheduled(with_check("    %2 = lt %1, 0\n    %3 = ge %1, 40\n"
                                   "    %4 = select (or %2, %3), 0, %1\n"
                                   "    store y[i] = x[%4]\n")),
              Not(HasSubstr("lane")))
      << "one that an index waits for";
  EXPECT_THAT(scheduled(with_check("    for j in 0..1 {\n      check lt %1, 40 at i @2\n    }\n" +
                                   std::string(computes))),
              Not(HasSubstr("lane")))
      << "one in a loop inside";
}

} // namespace
} // namespace gdjit
