// A loop that accumulates in order is cut in two: what the second half computes again, and what it
// must be sent.
#include "ScheduledText.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// 20 multiplications and more, which gain by lanes, of what is named so.
std::string much(const std::string& value) {
  std::string product = value;
  for (int k = 0; k < 20; ++k)
    product = fmt::format("(mul {}, {})", product, value);
  return fmt::format("add {}, 0.5", product);
}

/// The loops of one whose turns do `work`: x is there to be read, y has its squares, and t0 is
/// added to. Expects the same bits.
std::string scheduled(const std::string& work) {
  const std::string text = fmt::format(
      "gdir 1\nstage loops\nmodel m\nstep training\nbatch 0\n\ninput x : f32[64]\n"
      "output y : f32[64]\noutput s : f32[]\n\nbuffer x : f32[64] = input x\n"
      "buffer y : f32[64] = output y\nbuffer s : f32[] = output s\n\nkernel k0 \"\" {{\n"
      "  for j in 0..64 {{\n    store y[j] = mul x[j], x[j]\n  }}\n"
      "  tile t0 : f32 = -0.0\n  tile t1 : f32 = 0.25\n  for i in 0..64 {{\n{}  }}\n"
      "  store s = t0\n}}\n\nend\n",
      work);
  return scheduled_text(text);
}

constexpr const char* stored = "store between_loops";

TEST(CutLoop, ReadsAgainWhatItsTurnsLeaveAsItIs) {
  EXPECT_THAT(scheduled("    %1 = load x[i]\n    %2 = get t1\n    store y[i] = " + much("%1") +
                        "\n    set t0 = fma %1, %2, t0\n"),
              AllOf(HasSubstr("for i in 0..64 {\n    set t0 = fma x[i], t1, t0\n"),
                    Not(HasSubstr(stored))));
}

TEST(CutLoop, SendsWhatItsTurnsStoreOver) {
  EXPECT_THAT(scheduled("    %1 = load y[i]\n    store y[i] = " + much("%1") +
                        "\n    set t0 = add t0, %1\n"),
              HasSubstr(stored));
}

TEST(CutLoop, SendsWhatATileOfATurnHolds) {
  EXPECT_THAT(scheduled("    tile t2 : f32 = -0.0\n    %1 = load x[i]\n    set t2 = " + much("%1") +
                        "\n    %2 = get t2\n    set t2 = add t2, %2\n    store y[i] = t2\n"
                        "    set t0 = add t0, %2\n"),
              HasSubstr(stored));
}

TEST(CutLoop, SendsWhatIsComputed) {
  EXPECT_THAT(scheduled("    %1 = load x[i]\n    %2 = " + much("%1") +
                        "\n    store y[i] = %2\n    set t0 = add t0, %2\n"),
              HasSubstr(stored));
}

TEST(CutLoop, SendsWhatIsReadWhereDataSay) {
  EXPECT_THAT(scheduled("    %1 = convert x[i] : i64\n    %2 = max %1, 0\n    %3 = load x[%2]\n    "
                        "store y[i] = " +
                        much("%3") + "\n    set t0 = add t0, %3\n"),
              HasSubstr(stored));
}

} // namespace
} // namespace gdjit
