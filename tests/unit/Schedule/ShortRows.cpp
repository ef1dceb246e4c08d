// Rows of few elements are read as they lie where shuffles that gather their columns are fewer
// operations than a copy.
#include "ScheduledLoops.h"

#include "gdjit/Loop/Text.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// The gradient of a linear regression's weights: each row is read forward and backward.
Built regression(DType type, int64_t rows, int64_t features) {
  return build(
      type, {Shape{rows, features}, Shape{features, 1}, Shape{rows, 1}},
      [](std::span<const Expr> x) { return weight_gradient(x[0], matmul(x[0], x[1]) - x[2]); });
}

TEST(ShortRows, AreReadAsTheyLie) {
  for (DType type : {DType::f32, DType::f64})
    for (int64_t rows : {64, 100, 1000}) // 100: some are left over
      for (int64_t features : {2, 3, 5, 7}) {
        const Built b = regression(type, rows, features);
        PassContext context;
        const std::string text = loop::print(schedule(b.loops, context));
        EXPECT_THAT(text, AllOf(testing::ContainsRegex("load x0\\[.*lane.*, k\\]"),
                                Not(HasSubstr("packed")), Not(HasSubstr("panel")),
                                Not(HasSubstr("transpose"))))
            << name(type) << " " << rows << "x" << features;
        EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("x0 is read as it lies")));
        expect_same_bits(b);
      }
}

/// Forward and backward a turn of the loop reads rows of its own: they go through the first cache,
/// if not all of them fit it.
TEST(ShortRows, OfMoreElementsAreTurned) {
  for (int64_t features : {8, 9, 12})
    for (bool far : {false, true}) {
      const Built b = regression(DType::f32, 1000, features);
      PassContext context;
      context.machine.l1_bytes = 4 * 1000 * features - (far ? 1 : 0);
      const loop::Program scheduled = schedule(b.loops, context);
      const std::string text = loop::print(scheduled);
      EXPECT_THAT(text, HasSubstr("transpose"));
      EXPECT_EQ(text.find("panel") != std::string::npos, far) << features;
      EXPECT_EQ(text.find("packed") == std::string::npos, far) << features;
      expect_output(scheduled, b.arguments, interpret(b.loops, b.arguments).outputs[0],
                    fmt::format("{} features", features));
    }
}

TEST(ShortRows, OfMoreThanThreeElementsAreTurnedByMachinesThatShuffleOneVector) {
  for (int64_t features : {3, 4}) {
    PassContext context;
    context.machine = {.vector_bytes = 32, .vector_registers = 16};
    const std::string text =
        loop::print(schedule(regression(DType::f32, 1000, features).loops, context));
    EXPECT_EQ(text.find("transpose") != std::string::npos, features == 4);
  }
}

TEST(ShortRows, ThatAreReadOftenAreCopied) {
  for (int64_t rows : {2, 200}) { // that read the columns
    const Built b = build(DType::f32, {Shape{rows, 5}, Shape{64, 5}},
                          [](std::span<const Expr> x) { return matmul(x[0], x[1], false, true); });
    PassContext context;
    EXPECT_THAT(loop::print(schedule(b.loops, context)),
                rows == 200 ? testing::Matcher<std::string>(HasSubstr("packed"))
                            : Not(HasSubstr("packed")));
    expect_same_bits(b);
  }
}

TEST(ShortRows, AreTakenOneVectorAtATimeInLoopsThatAreWrittenOut) {
  const Built b = regression(DType::f32, 10000, 5); // in 4 vectors of partial sums
  PassContext context;
  EXPECT_THAT(loop::print(schedule(b.loops, context)),
              AllOf(HasSubstr("unrolled for l in 0..4 {"), Not(HasSubstr("0..4 step 4"))));
}

} // namespace
} // namespace gdjit
