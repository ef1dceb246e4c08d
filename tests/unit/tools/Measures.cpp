// What a model's figures are taken from: the output that answers its target, whatever else it
// shows.
#include "Lessons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit::test;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr std::string_view models = R"cpp(#include <gdjit/gdjit.h>
using namespace gdjit;

void rows(Model& m) {
  m.data({{"x", {{0, 1}, {1, 0}, {1, 2}, {2, 1}, {3, 3}}}, {"y", {0, 0, 1, 1, 1}}});
}

void shown(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch()});
  Tensor h = tanh(Linear(m, "a", 2, 4)(x));
  Tensor z = flatten(Linear(m, "b", 4, 1)(h));
  m.minimize(binary_cross_entropy_with_logits(z, y), SGD{.lr = 0.5});
  Tensor p = sigmoid(z);
  m.output("hidden", h);
  m.output("wrong", p < 0.5);
  m.output("p", p);
  rows(m);
}
GDJIT_MODEL(shown, "a hidden layer and a bool that says the contrary");

void ignored(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch()}, DType::i32);
  Tensor z = Linear(m, "a", 2, 3)(x);
  m.minimize(cross_entropy(z, y, {.ignore_index = -1}), SGD{.lr = 0.5});
  m.output("z", z);
  m.data({{"x", {{0, 1}, {1, 0}, {1, 2}, {2, 1}}}, {"y", {0, -1, 2, -1}}});
}
GDJIT_MODEL(ignored, "two rows without a class");

void tall(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 3, 1});
  Tensor z = Linear(m, "a", 2, 3)(x);
  m.minimize(cross_entropy(z, reshape(y, {m.batch(), 3})), SGD{.lr = 0.5});
  m.output("z", z);
  m.data({{"x", {{0, 1}, {1, 0}}}, {"y", {{{1}, {0}, {0}}, {{0}, {0}, {1}}}}});
}
GDJIT_MODEL(tall, "classes along an axis that is not the last");
)cpp";

class Measured : public ::testing::Test {
protected:
  static std::string model(const std::string& name) {
    return models_file("measured/measured.cpp", models) + ":" + name;
  }
  std::string train(const std::string& name) const {
    const std::string metrics = folder_.file(name + ".csv");
    ToolRun run = run_tool({"train", model(name), "--steps", "300", "-q", "--metrics", metrics});
    EXPECT_EQ(run.code, 0) << run.err;
    return read_text(metrics);
  }
  Scratch folder_;
};

TEST_F(Measured, AHiddenLayerOrAnotherBoolIsNoAnswer) {
  const std::string figures = train("shown");
  EXPECT_THAT(figures, HasSubstr("confusion/1/1"));
  EXPECT_THAT(figures, Not(HasSubstr("confusion/2/2")));
  EXPECT_THAT(figures, HasSubstr(",1,1,1,1,1,2,0,0,3\n")) << "accuracy to f1, auc, 2 and 3 rows";
}

TEST_F(Measured, RowsOfAnIgnoredIndexDoNotCount) {
  EXPECT_THAT(train("ignored"), HasSubstr(",1,1,1,1,1,0,0,0,0,0,0,0,1\n"));
}

TEST_F(Measured, ClassesMayLieAlongAnyAxis) {
  EXPECT_THAT(train("tall"), HasSubstr(",1,1,1,1,1,0,0,0,0,0,0,0,1\n"));
}

TEST_F(Measured, TheEpochsBeforeAnErrorAreKept) {
  const std::string file = folder_.file("lost.csv");
  ToolRun run = run_tool({"train", model("ignored"), "--lr", "3e38", "--steps", "50", "-q",
                          "--metrics", file, "--check-nan"});
  EXPECT_EQ(run.code, 6) << run.err;
  EXPECT_THAT(read_text(file), testing::StartsWith("epoch,step,loss"));
}

TEST_F(Measured, TwoOptionsDoNotWriteOneFile) {
  const std::string file = folder_.file("one.csv");
  ToolRun run = run_tool({"train", model("shown"), "--save", file, "--metrics", file});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("--save writes that file, too; give another"));
}

TEST_F(Measured, AFileThatIsNoMetricsIsNotContinued) {
  const std::string file = folder_.write("scores.csv", "quiz,final\n1,2\n");
  const std::string saved = folder_.file("s.st");
  ASSERT_EQ(run_tool({"train", model("shown"), "--steps", "2", "-q", "--save", saved}).code, 0);
  ToolRun run =
      run_tool({"train", model("shown"), "--resume", saved, "--steps", "4", "--metrics", file});
  EXPECT_EQ(run.code, 7);
  EXPECT_THAT(run.err, HasSubstr("scores.csv:2: error: no metrics of an earlier run: it has no "
                                 "'epoch'"));
  EXPECT_EQ(read_text(file), "quiz,final\n1,2\n");
}

TEST_F(Measured, ANameThatNoCheckpointCanKeepIsRefusedBeforeTheRun) {
  const std::string rows = folder_.write("caf\xe9.csv", "a,b,y\n1,2,0\n2,1,1\n");
  ToolRun run = run_tool({"train", model("shown"), "--data", rows, "--save", folder_.file("n.st")});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("is not UTF-8, so that no checkpoint can keep it"));
}

} // namespace
