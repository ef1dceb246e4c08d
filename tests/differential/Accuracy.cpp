// Elementary functions against MPFR on samples; gdjit_accuracy looks at every f32.
#include "MpfrJudge.h"

#include <cmath>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace gdjit::testing {
namespace {

struct Function {
  Opcode op;
  DType type;
};

std::string title(const Function& f) { return fmt::format("{}_{}", name(f.op), name(f.type)); }
void PrintTo(const Function& f, std::ostream* out) { *out << title(f); }

std::vector<Function> functions() {
  std::vector<Function> all;
  for (int i = 0; i < opcode_count; ++i)
    for (DType type : {DType::f32, DType::f64})
      if (Opcode op = static_cast<Opcode>(i); has_judge(op))
        all.push_back({op, type});
  return all;
}

class Accuracy : public ::testing::TestWithParam<Function> {};

TEST_P(Accuracy, StaysWithinTheBoundOfItsRow) {
  auto [op, type] = GetParam();
  double bound = type == DType::f32 ? info(op).f32_ulp : info(op).f64_ulp;
  Worst worst = worst_sampled(op, type, 20000, 1);
  EXPECT_LE(worst.error, bound) << fmt::format("{}({:a}) = {:a}", name(op),
                                               fmt::join(worst.arguments, ", "), worst.value);
}

INSTANTIATE_TEST_SUITE_P(Functions, Accuracy, ::testing::ValuesIn(functions()),
                         [](const auto& info) { return title(info.param); });

TEST(Accuracy, EveryElementaryFunctionHasAJudge) {
  for (int i = 0; i < opcode_count; ++i) {
    Opcode op = static_cast<Opcode>(i);
    if (kind(op) == OpKind::Pointwise && info(op).f32_ulp > 0.5)
      EXPECT_TRUE(has_judge(op)) << name(op);
  }
}

TEST(Accuracy, PowKeepsTheCasesOfAnnexF) {
  std::vector<std::vector<double>> rows = argument_samples(Opcode::Pow, DType::f64, 0, 1);
  std::vector<double> values = run_expansion(Opcode::Pow, DType::f64, rows);
  ASSERT_GT(rows.size(), 900u);
  for (size_t i = 0; i < rows.size(); ++i) {
    double expected = std::pow(rows[i][0], rows[i][1]);
    bool special = !std::isfinite(expected) || expected == 0;
    EXPECT_EQ(std::isnan(expected), std::isnan(values[i]))
        << fmt::format("pow({:a}, {:a})", rows[i][0], rows[i][1]);
    if (special && !std::isnan(expected)) {
      EXPECT_EQ(expected, values[i]) << fmt::format("pow({:a}, {:a})", rows[i][0], rows[i][1]);
      EXPECT_EQ(std::signbit(expected), std::signbit(values[i]));
    }
  }
}

TEST(Accuracy, WholePowersThatFitAreExact) {
  std::vector<std::vector<double>> rows;
  std::vector<double> expected;
  for (double x = -12; x <= 12; ++x)
    for (double y = 0, power = 1; y <= 13; ++y, power *= x) {
      rows.push_back({x, y});
      expected.push_back(power);
    }
  EXPECT_EQ(run_expansion(Opcode::Pow, DType::f64, rows), expected);
}

} // namespace
} // namespace gdjit::testing
