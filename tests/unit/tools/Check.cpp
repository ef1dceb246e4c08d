// gdjit check: which losses it differentiates, by what, and what it says that it leaves out.
#include "RunTool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit::test;
using testing::HasSubstr;

namespace {

constexpr const char* check_models = R"(#include <gdjit/gdjit.h>
using namespace gdjit;

void two(Model& m) {
  Parameter a = m.parameter("a", values({1.0, 2.0})), b = m.parameter("b", values({3.0, 4.0, 5.0}));
  m.minimize(sum(square(a) * a) + sum(b), SGD{.lr = 0.1, .momentum = 0.5}, {.name = "A", .parameters = "a"});
  m.minimize(sum(exp(b) * 0.1) * sum(a), SGD{.lr = 0.1}, {.name = "B", .parameters = "b"});
}

// One value, two rules: each line has the parameters of its own.
void shared(Model& m) {
  Parameter a = m.parameter("a", values({1.0})), b = m.parameter("b", values({3.0}));
  Tensor loss = sum(square(a) * b);
  m.minimize(loss, SGD{.lr = 0.1}, {.name = "A", .parameters = "a"});
  m.minimize(loss, Adam{.lr = 0.1}, {.name = "B", .parameters = "b"});
}

struct Shrink {
  double lr = 0.1;
  void apply(Minimization& m) const {
    for (const Minimization::Target& t : m.targets())
      m.update(t, t.parameter * 0.5);
  }
};

void without_gradient(Model& m) {
  Parameter a = m.parameter("a", values({1.0})), b = m.parameter("b", values({3.0}));
  m.minimize(sum(square(a)), SGD{.lr = 0.1}, "A");
  m.minimize(sum(square(b)), Shrink{}, "B");
}

void by_hand(Model& m) {
  Parameter a = m.parameter("a", values({1.0})), b = m.parameter("b", values({3.0}));
  Tensor first = sum(square(a)), second = sum(square(b) * b);
  m.output("first", first);
  m.output("second", second);
  m.update(a, a - 0.1 * gradient(first, a));
  m.update(b, b - 0.1 * gradient(second, b));
}

void one(Model& m) {
  Parameter a = m.parameter("a", values({1.0})), b = m.parameter("b", values({3.0}));
  m.output("other", sum(a));
  m.minimize(sum(square(a) * b), Adam{.lr = 0.1});
}

void norm(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2});
  Parameter a = m.parameter("a", values({1.0, 2.0}));
  m.minimize(mean(square(BatchNorm(m, "bn", 2)(x * a) - x)), SGD{.lr = 0.1});
}

void counter(Model& m) {
  Variable c = m.variable("c", zeros({2}), DType::i64);
  m.update(c, c + 1);
}

void moving(Model& m) {
  Variable v = m.variable("v", ones({2}));
  m.update(v, v * 0.5);
}

GDJIT_MODEL(two, "");
GDJIT_MODEL(shared, "");
GDJIT_MODEL(without_gradient, "");
GDJIT_MODEL(by_hand, "");
GDJIT_MODEL(one, "");
GDJIT_MODEL(norm, "");
GDJIT_MODEL(counter, "");
GDJIT_MODEL(moving, "");
)";

std::string check(const std::string& model) {
  const std::string file = models_file("check/check.cpp", check_models);
  ToolRun run = run_tool({"check", file + ":" + model, "--native"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  return run.out;
}

/// The lines that speak of derivatives and losses.
std::vector<std::string> derivatives(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    std::string line = text.substr(at, text.find('\n', at) - at);
    if (line.find(" d ") != std::string::npos || line.find("loss") != std::string::npos)
      lines.push_back(line);
  }
  return lines;
}

TEST(Check, DifferentiatesEachLossByWhatItsMinimizeTrains) {
  EXPECT_THAT(derivatives(check("two")),
              testing::ElementsAre("ok       d A/loss/d a against differences, 2 of 2 elements",
                                   "ok       d B/loss/d b against differences, 3 of 3 elements"));
  EXPECT_THAT(derivatives(check("shared")),
              testing::ElementsAre("ok       d A/loss/d a against differences, 1 of 1 elements",
                                   "ok       d B/loss/d b against differences, 1 of 1 elements"));
}

TEST(Check, DifferentiatesEachLossThatUpdatesByHandFollow) {
  EXPECT_THAT(derivatives(check("by_hand")),
              testing::ElementsAre("ok       d first/d a against differences, 1 of 1 elements",
                                   "ok       d second/d b against differences, 1 of 1 elements"));
}

TEST(Check, SaysOfALossThatNoUpdateFollowsItsGradient) {
  EXPECT_THAT(derivatives(check("without_gradient")),
              testing::ElementsAre("ok       d A/loss/d a against differences, 1 of 1 elements",
                                   "skipped  B/loss: no update follows its gradient"));
}

TEST(Check, DifferentiatesASingleLossByAllThatUpdatesChange) {
  EXPECT_THAT(derivatives(check("one")),
              testing::ElementsAre("ok       d loss/d a against differences, 1 of 1 elements",
                                   "ok       d loss/d b against differences, 1 of 1 elements"));
}

TEST(Check, LeavesOutWhatTheLossReadsInEvaluationOnly) {
  EXPECT_THAT(derivatives(check("norm")),
              testing::ElementsAre("ok       d loss/d a against differences, 2 of 2 elements",
                                   "ok       d loss/d bn/w against differences, 2 of 2 elements",
                                   "ok       d loss/d bn/b against differences, 2 of 2 elements"));
}

TEST(Check, ChecksTheChainWhereThereIsNothingToDifferentiate) {
  std::string text = check("counter");
  EXPECT_THAT(text, HasSubstr("skipped  gradients: no update changes a state of a float type\n"));
  EXPECT_THAT(text, HasSubstr("ok       no batch, native code for native at level 3\n"));
  text = check("moving");
  EXPECT_THAT(text, HasSubstr("skipped  gradients: step 'training' of 'moving' has no loss"));
  EXPECT_THAT(text, HasSubstr("ok       no batch, native code for native at level 3\n"));
  EXPECT_THAT(text, HasSubstr(" 0 failed, "));
}

TEST(Check, ComparesNativeCodeThatThreadsShare) {
  ToolRun run = run_tool({"check", "07:overfitting", "--native", "--threads", "2"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("ok       20 rows, native code on 2 threads\n"));
  run = run_tool({"check", "01", "--native", "--threads", "2"});
  EXPECT_THAT(run.out, HasSubstr("native code on 2 threads: no loop of it divides among threads"));
}

} // namespace
