// Chains of partial sums as lanes: over blocks of rows and the rows left over.
#include "ScheduledText.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Of each row, `terms` products of its numbers, stored apart, and added to one of 16 chains; `n`
/// numbers what it defines.
std::string row(const std::string& at, int terms, int n) {
  std::string value = fmt::format("%{}", n);
  for (int k = 0; k < terms; ++k)
    value = fmt::format("(mul {}, %{})", value, n);
  return fmt::format("      tile t{1} : f32 = -0.0\n      for j in 0..3 {{\n"
                     "        %{1} = load x[{0}, j]\n        %{3} = add {2}, 0.5\n"
                     "        set t{1} = add t{1}, %{3}\n        store y[{0}, j] = %{3}\n      }}\n"
                     "      set t0[l] = add t0[l], (sqrt t{1})\n",
                     at, n, value, 2 + n);
}

constexpr std::string_view head = "gdir 1\nstage loops\nmodel m\nstep training\nbatch 0\n\n";

std::string program(int64_t left_over, int terms) {
  const int64_t rows = 32 + left_over;
  return fmt::format("{4}input x : f32[{0},3]\n"
                     "output y : f32[{0},3]\noutput s : f32[]\n\nbuffer x : f32[{0},3] = input x\n"
                     "buffer y : f32[{0},3] = output y\nbuffer s : f32[] = output s\n\n"
                     "kernel k0 \"\" {{\n  tile t0[16] : f32 = -0.0\n  for i in 0..32 step 16 {{\n"
                     "    for l in 0..16 {{\n{1}    }}\n  }}\n  for l in 0..{2} {{\n{3}  }}\n"
                     "  %9 = join add t0\n  store s = %9\n}}\n\nend\n",
                     rows, row("i+l", terms, 1), left_over, row("l+32", terms, 2), head);
}

TEST(ChainLanes, AFewRowsLeftOverKeepTheOthersVectors) {
  for (int64_t left_over : {1, 2, 3, 15})
    EXPECT_THAT(scheduled_text(program(left_over, 20)), HasSubstr("tile t0[1] : f32x16"))
        << left_over;
}

TEST(ChainLanes, StoresApartOfLittleWorkStayScalars) {
  EXPECT_THAT(scheduled_text(program(1, 2)), Not(HasSubstr("x16")));
}

TEST(ChainLanes, RunAlongTheLongestAxisOfATile) {
  // The gradient of [30,2] weights over 20 rows: a tile of results, two of them in a row.
  EXPECT_THAT(
      scheduled_text(fmt::format(
          "{}input x : f32[20,30]\ninput d : f32[20,2]\noutput y : f32[30,2]\n\n"
          "buffer x : f32[20,30] = input x\nbuffer d : f32[20,2] = input d\n"
          "buffer y : f32[30,2] = output y\n\nkernel k0 \"\" {{\n  tile t0[30, 2] : f32 = -0.0\n"
          "  for k in 0..20 {{\n    for j in 0..2 {{\n      for i in 0..30 {{\n"
          "        set t0[i, j] = fma x[k, i], d[k, j], t0[i, j]\n      }}\n    }}\n  }}\n"
          "  for i in 0..30 {{\n    for j in 0..2 {{\n      store y[i, j] = t0[i, j]\n    }}\n  "
          "}}\n"
          "}}\n\nend\n",
          head)),
      HasSubstr("tile t0[2, 2] : f32x16"));
}

TEST(ChainLanes, OfOneColumnRunAlongItsFeatures) {
  const std::string loops = scheduled_text(fmt::format(
      "{}input x : f32[200,40]\ninput d : f32[200,1]\noutput y : f32[40,1]\n\n"
      "buffer x : f32[200,40] = input x\nbuffer d : f32[200,1] = input d\n"
      "buffer y : f32[40,1] = output y\n\nkernel k0 \"\" {{\n  tile t0[40, 8] : f32 = -0.0\n"
      "  for k in 0..200 step 8 {{\n    for l in 0..8 {{\n      for i in 0..40 {{\n"
      "        set t0[i, l] = fma x[k+l, i], d[k+l, 0], t0[i, l]\n      }}\n    }}\n  }}\n"
      "  for i in 0..40 {{\n    tile t1[8] : f32 = -0.0\n    for l in 0..8 {{\n"
      "      set t1[l] = t0[i, l]\n    }}\n    %1 = join add t1\n    store y[i, 0] = %1\n  }}\n"
      "}}\n\nend\n",
      head));
  EXPECT_THAT(loops, HasSubstr("tile t0[8, 3] : f32x16"));
  EXPECT_THAT(loops, Not(HasSubstr("join")));
}

TEST(ChainLanes, ATileOfEachRowBecomesLanesWithItsRow) {
  std::string value = "%1";
  for (int k = 0; k < 20; ++k)
    value = fmt::format("(mul {}, %1)", value);
  const std::string loops = scheduled_text(fmt::format(
      "{}input x : f32[64,2]\noutput y : f32[64,8]\noutput s : f32[]\n\n"
      "buffer x : f32[64,2] = input x\nbuffer y : f32[64,8] = output y\n"
      "buffer s : f32[] = output s\n\nkernel k0 \"\" {{\n  tile t0[16] : f32 = -0.0\n"
      "  for i in 0..64 step 16 {{\n    for l in 0..16 {{\n      tile t1[8] : f32 = 0\n"
      "      tile t2 : f32 = -0.0\n      for j in 0..8 {{\n        %1 = load x[i+l, 0]\n"
      "        set t1[j] = {}\n      }}\n      for j in 0..8 {{\n        store y[i+l, j] = t1[j]\n"
      "        set t2 = add t2, t1[j]\n      }}\n      set t0[l] = add t0[l], t2\n    }}\n  }}\n"
      "  %2 = join add t0\n  store s = %2\n}}\n\nend\n",
      head, value));
  EXPECT_THAT(loops, HasSubstr("tile t0[1] : f32x16"));
  EXPECT_THAT(loops, HasSubstr("8] : f32x16"));
}

TEST(ChainLanes, NothingElseIsLanesAroundThem) {
  // For each j all of a tile that other loops walk over.
  scheduled_text(
      fmt::format("{}input x : f32[8,5]\ninput w : f32[64]\noutput y : f32[8,5,64]\n\n"
                  "buffer x : f32[8,5] = input x\nbuffer w : f32[64] = input w\n"
                  "buffer y : f32[8,5,64] = output y\n\nkernel k0 \"\" {{\n"
                  "  for i in 0..8 {{\n    tile t0[5] : f32 = 0\n    for c in 0..5 {{\n"
                  "      set t0[c] = mul x[i, c], x[i, c]\n    }}\n    for j in 0..64 {{\n"
                  "      for c in 0..5 {{\n        %1 = mul (add (mul t0[c], w[j]), w[j]), t0[c]\n"
                  "        %2 = mul (add (mul %1, w[j]), w[j]), t0[c]\n"
                  "        store y[i, c, j] = mul (add (mul %2, w[j]), w[j]), t0[c]\n"
                  "      }}\n    }}\n  }}\n}}\n\nend\n",
                  head));
}

TEST(ChainLanes, ATileOfOneTurnIsNoAccumulation) {
  // Of each j: nothing that tiles of columns could keep.
  std::string value = "%1";
  for (int k = 0; k < 12; ++k)
    value = fmt::format("(mul {}, %1)", value);
  scheduled_text(
      fmt::format("{}input x : f32[20]\noutput y : f32[20]\n\nbuffer x : f32[20] = input x\n"
                  "buffer y : f32[20] = output y\n\nkernel k0 \"\" {{\n  for p in 0..20 {{\n"
                  "    store y[p] = x[p]\n  }}\n  tile t0[32] : f32 = -0.0\n  for k in 0..20 {{\n"
                  "    %0 = load x[k]\n    for i in 0..6 {{\n      for j in 0..10 {{\n"
                  "        tile t1[2] : f32 = 0.25\n        %1 = add (mul %0, t0[j]), t0[j]\n"
                  "        set t1[0] = fma {}, %1, t1[0]\n      }}\n    }}\n  }}\n}}\n\nend\n",
                  head, value));
}

/// Rows whose sums of products are joined, and what is then computed of each; `loop` is around it.
std::string joined(const std::string& tile, const std::string& loop, const std::string& set,
                   const std::string& result) {
  std::string value = "%1";
  for (int k = 0; k < 30; ++k)
    value = fmt::format("(mul {}, %1)", value);
  return fmt::format("{}input x : f32[32,48]\noutput s : f32[]\n\nbuffer x : f32[32,48] = input x\n"
                     "buffer s : f32[] = output s\n\nkernel k0 \"\" {{\n  {}\n{}"
                     "    tile t1[16] : f32 = -0.0\n    for k in 0..48 step 16 {{\n"
                     "      for l1 in 0..16 {{\n"
                     "        set t1[l1] = fma x[l, k+l1], x[l, k+l1], t1[l1]\n      }}\n    }}\n"
                     "    %1 = join add t1\n    {}{}\n  }}\n{}  store s = %2\n}}\n\nend\n",
                     head, tile, loop, set, value, result);
}

TEST(ChainLanes, AreCutFromTheJoinsThatTheirRowsBeginWith) {
  const std::string chains =
      scheduled_text(joined("tile t0[32] : f32 = -0.0", "  for l in 0..32 {\n",
                            "set t0[l] = add t0[l], ", "  %2 = join add t0\n"));
  EXPECT_THAT(chains, HasSubstr("tile t0[2] : f32x16"));
  EXPECT_THAT(chains, HasSubstr("store between_loops"));
}

TEST(ChainLanes, LoopsAreCutAtJoinsAndAtTheSumsBehind) {
  const std::string in_order = scheduled_text(joined("tile t0 : f32 = -0.0", "  for l in 0..32 {\n",
                                                     "set t0 = add t0, ", "  %2 = add t0, 0\n"));
  EXPECT_THAT(in_order, HasSubstr("load between_loops"));
  EXPECT_THAT(in_order, HasSubstr(": f32x16)"));
}

} // namespace
} // namespace gdjit
