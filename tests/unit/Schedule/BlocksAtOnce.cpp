// Several blocks of a reduction side by side where one has too few chains, and that no bit changes.
#include "ScheduledLoops.h"

#include "gdjit/Loop/Text.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t block = 16; ///< of rows

/// A gradient over so many rows in blocks.
Built gradient(DType type, int64_t rows, int64_t features, int64_t columns = 1) {
  return build(type, {{rows, features}, {rows, columns}}, [&](std::span<const Expr> x) {
    return weight_gradient(x[0], x[1], {.accumulator = type, .partials = 1, .block = block});
  });
}

/// The text of what was built, scheduled, and its remarks.
std::string scheduled(const Built& b) {
  PassContext context;
  std::string text = loop::print(schedule(b.loops, context));
  for (const std::string& remark : context.remarks)
    text += remark + "\n";
  return text;
}

TEST(BlocksAtOnce, OfASingleVectorSixStandSideBySide) {
  const Built b = gradient(DType::f32, block * 13 + 5, 13);
  EXPECT_THAT(scheduled(b),
              AllOf(HasSubstr("for b in 0..12 step 6 {"), HasSubstr("tile t1[6, 1] : f32x16"),
                    HasSubstr("x0[16*b+k+16*b1, 16*i+lane]"),
                    HasSubstr("set t0[i] = add t0[i], t1[b1, i]"), HasSubstr("b in 12..13 {"),
                    HasSubstr("k0: 6 blocks of loop b side by side, whose sums are added in")));
  expect_same_bits(b);
}

TEST(BlocksAtOnce, OfSeveralVectorsAsManyAsMakeSixChains) {
  for (auto [type, features, blocks] : std::initializer_list<std::tuple<DType, int64_t, int>>{
           {DType::f32, 20, 3}, {DType::f32, 48, 2}, {DType::f64, 8, 6}, {DType::f64, 13, 3}}) {
    const Built b = gradient(type, block * 9, features);
    EXPECT_THAT(scheduled(b), HasSubstr(fmt::format("{} blocks of loop b", blocks))) << features;
    expect_same_bits(b);
  }
}

TEST(BlocksAtOnce, OfFewerThanSixAllStandSideBySide) {
  for (int64_t rows : {block * 2, block * 5 + 1}) {
    const Built b = gradient(DType::f32, rows, 16);
    EXPECT_THAT(scheduled(b), HasSubstr(fmt::format("{} blocks of loop b", rows / block)));
    expect_same_bits(b);
  }
}

TEST(BlocksAtOnce, RowsOfATileAreChainsToo) {
  EXPECT_THAT(scheduled(gradient(DType::f32, block * 8, 3, 16)), HasSubstr("2 blocks of loop b"));
  EXPECT_THAT(scheduled(gradient(DType::f32, block * 8, 6, 16)),
              Not(HasSubstr("blocks of loop b")));
  EXPECT_THAT(scheduled(gradient(DType::f32, block * 8, 64)), Not(HasSubstr("blocks of loop b")));
  for (int64_t features : {3, 6, 64})
    expect_same_bits(gradient(DType::f32, block * 8, features, 16));
}

TEST(BlocksAtOnce, SumsOfColumnsTakeThemToo) {
  const Built b = build(DType::f32, {{block * 8 + 3, 16}}, [](std::span<const Expr> x) {
    return apply(Opcode::Sum, x[0] * x[0],
                 Attributes()
                     .integers(Attr::axes, {0})
                     .boolean(Attr::keepdims, false)
                     .order(Attr::order, {DType::f32, 1, block}));
  });
  EXPECT_THAT(scheduled(b), HasSubstr("6 blocks of loop b"));
  expect_same_bits(b);
}

/// Rows in vectors, of which each turn has a chain as well.
TEST(BlocksAtOnce, LoopsOverIndependentChainsAreNone) {
  const Built b =
      build(DType::f32, {Shape{2048, 5}, Shape{5, 1}, Shape{2048, 1}}, [](std::span<const Expr> x) {
        const Expr error = matmul(x[0], x[1]) - x[2];
        return weight_gradient(x[0], error) + sum(error * error, {0, 1}, false);
      });
  EXPECT_THAT(scheduled(b), Not(HasSubstr("blocks of loop")));
  expect_same_bits(b);
}

} // namespace
} // namespace gdjit
