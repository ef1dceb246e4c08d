// Files as they come: a table without header, one with a 0/1 label, one with comments and seven
// classes. They lie beside the checkout and are not part of it.
#include "Lessons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit::test;
using testing::HasSubstr;

namespace {

constexpr const char* models = R"(#include <gdjit/gdjit.h>
using namespace gdjit;

void score(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3}), y = m.input("y", {m.batch(), 1});
  Tensor h = Linear(m, "fc", 3, 1)(x);
  m.minimize(mse_loss(h, y), SGD{.lr = 0.1});
  m.output("final", h);
}
GDJIT_MODEL(score, "a final exam from three quizzes");

void diabetes(Model& m) {
  Tensor x = m.input("x", {m.batch(), 8}), y = m.input("y", {m.batch(), 1});
  Tensor z = Linear(m, "b", 6, 1)(relu(Linear(m, "a", 8, 6)(x)));
  m.minimize(binary_cross_entropy_with_logits(z, y), Adam{.lr = 0.01});
  m.output("p", sigmoid(z));
}
GDJIT_MODEL(diabetes, "a diagnosis from eight numbers");

void zoo(Model& m) {
  Tensor x = m.input("x", {m.batch(), 16}), y = m.input("y", {m.batch()}, DType::i64);
  Tensor z = Linear(m, "fc", 16, 7)(x);
  m.minimize(cross_entropy(z, y), SGD{.lr = 0.1});
  m.output("kind", argmax(z, -1));
}
GDJIT_MODEL(zoo, "seven kinds of animals");
)";

class SharedData : public testing::Test {
protected:
  std::string data(const char* name) const {
    return std::string(GDJIT_SOURCE_DIR) + "/../shared/data/" + name;
  }
  bool there(const char* name) const { return std::filesystem::exists(data(name)); }
  Scratch d;
  std::string file = models_file("shared_data/models.cpp", models);
};

#define NEED(name)                                                                                 \
  if (!there(name))                                                                                \
  GTEST_SKIP() << data(name) << " is not there"

TEST_F(SharedData, ScoresOfAnExam) {
  NEED("test_score.csv");
  ToolRun run =
      run_tool({"train", file, "--data", data("test_score.csv"), "--standardize", "x", "--steps",
                "200", "-q", "--save", d.file("s"), "--expect", "loss<6", "--expect", "r2>0.98"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  run = run_tool({"predict", file, "--load", d.file("s"), "--x", "73,80,75", "--json"});
  EXPECT_NEAR(Json::parse(run.out)["outputs"]["final"]["values"][0].get<double>(), 152, 2);
}

TEST_F(SharedData, ADiagnosis) {
  NEED("diabetes.csv");
  ToolRun run = run_tool({"train",
                          file + ":diabetes",
                          "--data",
                          data("diabetes.csv"),
                          "--batch",
                          "32",
                          "--shuffle",
                          "--split",
                          "0.2",
                          "--stratify",
                          "y",
                          "--epochs",
                          "30",
                          "-q",
                          "--json",
                          "--expect",
                          "loss<0.5",
                          "--expect",
                          "dev/accuracy>0.7",
                          "--expect",
                          "dev/roc_auc>0.75"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_EQ(Json::parse(run.out)["steps"], 30 * 19) << "607 rows in batches of 32";
}

TEST_F(SharedData, KindsOfAnimals) {
  NEED("zoo.csv");
  ToolRun run =
      run_tool({"train", file + ":zoo", "--data", data("zoo.csv"), "--split", "0.2", "--steps",
                "1000", "-q", "--expect", "accuracy>0.99", "--expect", "dev/accuracy>0.85"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("  actual   0   1   2   3   4   5   6\n"));
}

TEST_F(SharedData, Digits) {
  NEED("t10k-images-idx3-ubyte.gz");
  const std::string images = d.file("digits.svg");
  ToolRun run = run_tool({"train", "09:mlp", "--data", data(""), "--split", "0.2", "--batch", "64",
                          "--shuffle", "--epochs", "20", "-q", "--plot", "images=" + images,
                          "--save", d.file("s"), "--expect", "dev/accuracy>0.96"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("dev/confusion: rows of each class"));
  EXPECT_THAT(read_text(images), HasSubstr("mlp: digit"));
  run = run_tool(
      {"eval", "09:mlp", "--load", d.file("s"), "--data", data(""), "--expect", "accuracy>0.98"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
}

} // namespace
