// The built examples by their numbers, and a model's example rows.
#include "Lessons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit::test;
using testing::HasSubstr;
using testing::Not;

namespace {

TEST(Examples, AreFoundByTheirNumberWithOrWithoutItsZero) {
  ToolRun expected = run_tool({"dump", "01", "--stage", "loops"});
  EXPECT_EQ(expected.code, 0) << expected.err;
  for (const char* word : {"1", "001"}) {
    ToolRun run = run_tool({"dump", word, "--stage", "loops"});
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(run.out, expected.out) << word;
  }
  EXPECT_EQ(run_tool({"info", "1:same"}).out, run_tool({"info", "01:same"}).out);
  for (const char* word : {"0", "10000000000000000000000", "-1", "1x"}) {
    ToolRun run = run_tool({"info", word});
    EXPECT_EQ(run.code, 2) << word;
    EXPECT_EQ(run.out, "");
  }
  EXPECT_THAT(run_tool({"info", "77"}).err, HasSubstr("unknown model '77'"));
}

constexpr const char* example_models = R"(#include <gdjit/gdjit.h>
using namespace gdjit;

static void declare(Model& m, bool needs) {
  Tensor x = m.input("x", {m.batch(), 1}), q = m.input("q", {m.batch(), 1}),
         y = m.input("y", {m.batch(), 1}); // inputs
  Tensor h = matmul(x, m.parameter("w", zeros({1, 1}))) + q;
  m.minimize(mse_loss(h, y), SGD{.lr = 0.05});
  m.output("h", needs ? h : h - q);
  m.data({{"x", {{1}, {2}}}, {"q", {{0}, {0}}}, {"y", {{2}, {4}}}});
}
void lacking(Model& m) { declare(m, true); m.examples({{"x", {{5}}}}); }
void enough(Model& m) { declare(m, true); m.examples({{"x", {{5}}}, {"q", {{1}}}}); }
GDJIT_MODEL(lacking, "");
GDJIT_MODEL(enough, "");
void behind(Model& m) {
  Tensor i = m.input("i", {m.batch()}, DType::i32), y = m.input("y", {m.batch()});
  Tensor h = gather(m.parameter("table", zeros({3})), i);
  m.minimize(mse_loss(h, y), SGD{.lr = 0.1});
  m.output("h", h);
  m.data({{"i", {0, 1}}, {"y", {2, 4}}});
  m.examples({{"i", {7}}});
}
GDJIT_MODEL(behind, "");
)";

TEST(Examples, ThatLackAnInputAreRefusedBeforeTraining) {
  Scratch d;
  std::string file = d.write("rows.cpp", example_models);
  ToolRun run = run_tool({"train", file, "--steps", "3", "--save", d.file("w.safetensors")});
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("rows.cpp:14: "));
  EXPECT_THAT(run.err, HasSubstr("m.examples of model 'lacking' gives no rows for q, which its "
                                 "predictions need"));
  EXPECT_THAT(run.err, HasSubstr("q : f32[2,1]"));
  EXPECT_THAT(run.err, HasSubstr("m.examples({…, {\"q\", …}})"));
  EXPECT_THAT(run.err, Not(HasSubstr("updates of"))) << "before the first";
  EXPECT_THAT(run.err, Not(HasSubstr("m.data")));
  EXPECT_THAT(d.names(), testing::ElementsAre("rows.cpp"));
  run = run_tool({"train", file + ":enough", "--steps", "3"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("x = 5 q = 1  ->"));
}

TEST(Examples, WhoseIndexIsOutOfRangeDoNotTakeTheResultsAlong) {
  Scratch d;
  std::string file = d.write("rows.cpp", example_models);
  ToolRun run = run_tool({"train", file + ":behind", "--steps", "3"});
  EXPECT_EQ(run.code, 7) << run.err;
  EXPECT_THAT(run.out, HasSubstr("after 3 updates"));
  EXPECT_THAT(run.err, HasSubstr("the example rows are left out: "));
  EXPECT_THAT(run.err, HasSubstr("index out of range at position 0"));
}

TEST(Examples, OfATextAreLeftOutByTheNameOfTheLineThatLacks) {
  Scratch d;
  std::string file = d.write("rows.cpp", example_models);
  std::string text = run_tool({"dump", file + ":enough", "--stage", "declared"}).out;
  ToolRun run = run_tool({"train", "-", "--steps", "3"},
                         {.input = with(text, "example q : f32[1,1] = [[1]]\n", "")});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("the example rows are left out: this text holds a step for 2 rows "
                                 "of all inputs; it has no line 'example q'"));
  EXPECT_THAT(run.err, Not(HasSubstr("m.examples")));
}

} // namespace
