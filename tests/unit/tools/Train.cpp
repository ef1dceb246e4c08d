// gdjit train, and what the other commands that print figures say in JSON.
#include "Lessons.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit::test;
using testing::HasSubstr;
using testing::Not;

namespace {

TEST(Train, PrintsResultsOnStandardOutputAndPlainProgressLinesOnAPipe) {
  ToolRun run = run_tool({"train", "05", "--steps", "200"});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.out, testing::StartsWith("loss "));
  EXPECT_THAT(run.out, HasSubstr(" after 200 updates\naccuracy 1\nw = "));
  EXPECT_THAT(run.out, HasSubstr("examples\n  x = [2, 2]  ->  p = "));
  EXPECT_THAT(run.err, HasSubstr("step   0  loss 0.693147\n"));
  EXPECT_THAT(run.err, HasSubstr("step 199  loss "));
  EXPECT_THAT(run.err, HasSubstr("200 updates of 6 rows in "));
  EXPECT_THAT(run.err, Not(HasSubstr("\r")));
}

/// A model whose update is written out, with other results.
std::string own_rule(const std::string& results) {
  return R"(#include <gdjit/gdjit.h>
using namespace gdjit;
void own(Model& m) {
  Tensor x = m.input("x", {m.batch()});
  Parameter w = m.parameter("w", ones({}));
  Tensor cost = mean(square(x * w - 1.0));
  m.update(w, w - 0.1 * gradient(cost, w));
)" + results +
         R"(  m.data({{"x", {1, 2, 3}}});
}
GDJIT_MODEL(own, "");
)";
}

TEST(Train, FollowsEveryLossAModelHasOrNone) {
  Scratch d;
  ToolRun none = run_tool({"train", d.write("none.cpp", own_rule("m.output(\"cost\", cost);\n")),
                           "--steps", "2", "--json", "--check-nan"});
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_THAT(none.err, testing::StartsWith("step 0\nstep 1\n2 updates"));
  EXPECT_EQ(Json::parse(none.out)["losses"], Json::array());
  EXPECT_FALSE(Json::parse(none.out).contains("loss"));
  EXPECT_NEAR(Json::parse(none.out)["outputs"]["cost"].get<double>(), 0.143, 0.001);

  std::string two = "m.output(\"a/loss\", cost);\nm.output(\"b_loss\", 2 * cost);\n";
  ToolRun named =
      run_tool({"train", d.write("named.cpp", own_rule(two)), "--steps", "1", "--json"});
  EXPECT_THAT(named.err, testing::StartsWith("step 0  a/loss 1.66667  b_loss 3.33333\n"));
  EXPECT_EQ(Json::parse(named.out)["losses"]["b_loss"].size(), 1u);

  std::string log = "m.output(\"loss\", log(w - 2.0));\n";
  ToolRun wrong = run_tool({"train", d.write("wrong.cpp", own_rule(log)), "--steps", "1"});
  EXPECT_THAT(wrong.err, HasSubstr("warning: the loss of step 0 is nan; --check-nan names the op"));
}

TEST(Train, TellsOfAnIndexOfAnyOutputAtTheFirstUpdate) {
  Scratch d;
  std::string results = "m.output(\"loss\", cost);\n"
                        "m.output(\"label\", gather(x, m.input(\"i\", {m.batch()}, DType::i64)));\n"
                        "m.data({{\"i\", {0, 1, 3}}});\n";
  ToolRun run = run_tool({"train", d.write("label.cpp", own_rule(results)), "--steps", "5"});
  EXPECT_EQ(run.code, 7);
  EXPECT_THAT(run.err, HasSubstr("label.cpp:9:"));
  EXPECT_THAT(run.err, HasSubstr("index out of range"));
  EXPECT_THAT(run.err, Not(HasSubstr("step 0")));
}

/// Of a single row a loss of each row is a number, too.
TEST(Train, FollowsTheLossesThatAreNumbersForTheRowsThatItHas) {
  Scratch d;
  const std::string model = d.write("rows.cpp", R"(#include <gdjit/gdjit.h>
using namespace gdjit;
void of_rows(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1}), y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", ones({1, 1}));
  Tensor rows = sum(square(matmul(x, w) - y), 1);
  m.minimize(mean(rows), SGD{.lr = 0.01}, "fit");
  m.output("loss", rows);
}
GDJIT_MODEL(of_rows, "");
)");
  const std::string data = d.write("rows.csv", "x,y\n1,2\n2,4\n3,6\n");
  ToolRun run = run_tool({"train", model, "--data", data, "--steps", "2", "--json"});
  EXPECT_THAT(run.err, testing::StartsWith("step 0  fit/loss 4.66667\nstep 1  fit/loss "));
  EXPECT_EQ(Json::parse(run.out)["losses"]["fit/loss"].size(), 2u) << run.out;
}

TEST(Train, ComputesNoOutputThatItDoesNotShow) {
  Scratch d;
  const std::string model =
      d.write("own.cpp", own_rule("m.output(\"loss\", cost);\nm.output(\"a_loss\", 2 * cost);\n"
                                  "m.output(\"lost\", log(-cost));\n"));
  auto computed = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"train", model, "--steps", "2", "--json"});
    ToolRun run = run_tool(words);
    EXPECT_EQ(run.code, 0) << run.err;
    return Json::parse(run.out)["computed"];
  };
  EXPECT_EQ(computed({}), Json::parse(R"(["loss"])"));
  EXPECT_EQ(computed({"--plot", "cost=" + d.file("cost.svg")}),
            Json::parse(R"(["loss", "a_loss"])"));
  EXPECT_EQ(run_tool({"train", model, "--steps", "2", "--check-nan"}).code, 6)
      << "every output is looked at";
  auto nodes = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"dump", model, "--stage", "simplified"});
    ToolRun run = run_tool(words);
    EXPECT_EQ(run.code, 0) << run.err;
    return std::ranges::count(run.out, '%');
  };
  EXPECT_LT(nodes({"--outputs", ""}), nodes({"--outputs", "loss"}));
  EXPECT_LT(nodes({"--outputs", "loss"}), nodes({}));
  EXPECT_EQ(nodes({"--outputs", "loss,a_loss,lost"}), nodes({}));
}

TEST(Train, DrawsABarOnATerminalAndTakesItAway) {
  ToolRun run = run_tool({"train", "05", "--steps", "3000000"},
                         {.environment = {{"TERM", "xterm"}}, .terminal = true});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("\r\x1b[K[="));
  EXPECT_THAT(run.err, HasSubstr("/3000000  loss "));
  EXPECT_THAT(run.err, HasSubstr(" steps/s  "));
  EXPECT_THAT(run.err, HasSubstr(" left\r\x1b[K3000000 updates of 6 rows"));
}

TEST(Train, DrawsNoBarOnADumbTerminal) {
  ToolRun run = run_tool({"train", "05", "--steps", "30"},
                         {.environment = {{"TERM", "dumb"}}, .terminal = true});
  EXPECT_THAT(run.err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run.err, HasSubstr("step  0  loss "));
}

TEST(Train, QuietSaysNothing) {
  EXPECT_EQ(run_tool({"train", "05:by_hand", "--steps", "30", "-q"}).err, "");
}

TEST(Train, ItsJsonRoundTripsToTheBit) {
  ToolRun run = run_tool({"train", "05", "--steps", "37", "--json"});
  Json json = Json::parse(run.out);
  EXPECT_EQ(json["steps"], 37);
  ASSERT_EQ(json["losses"].size(), 37u);
  EXPECT_EQ(json["losses"][0].get<double>(), 0.6931471824645996) << "the f32 nearest to log 2";
  for (const Json& loss : json["losses"])
    EXPECT_EQ(loss.get<double>(), static_cast<double>(loss.get<float>()));
  double loss = json["outputs"]["loss"];
  EXPECT_EQ(
      run_tool({"train", "05", "--steps", "37", "-q", "--expect",
                fmt::format("loss=={:.17g}", loss), "--expect",
                fmt::format("b=={:.17g}", json["parameters"]["b"]["values"][0].get<double>())})
          .code,
      0);
  EXPECT_EQ(json["parameters"]["w"]["type"], "f32[2,1]");
  EXPECT_EQ(json["examples"]["outputs"]["passed"]["values"].size(), 2u);
}

TEST(Train, ScalesItsExampleRowsAsTheOthersAndShowsThemAsTheyCame) {
  for (const char* scaling : {"--standardize", "--min-max"}) {
    ToolRun run =
        run_tool({"train", "01", scaling, "x", "--lr", "0.5", "--steps", "999", "--json"});
    Json examples = Json::parse(run.out)["examples"];
    EXPECT_EQ(examples["inputs"]["x"]["values"], Json::parse("[4]")) << scaling;
    EXPECT_NEAR(examples["outputs"]["h"]["values"][0].get<double>(), 8, 1e-3) << scaling;
  }
}

TEST(Train, ItsJsonHoldsF64Whole) {
  Json json =
      Json::parse(run_tool({"train", "01", "--dtype", "f64", "--steps", "9", "--json"}).out);
  double loss = json["loss"];
  EXPECT_NE(loss, static_cast<double>(static_cast<float>(loss)));
  EXPECT_EQ(run_tool({"train", "01", "--dtype", "f64", "--steps", "9", "-q", "--expect",
                      fmt::format("loss=={:.17g}", loss)})
                .code,
            0);
}

TEST(Train, ItsJsonNamesWhatIsNoNumber) {
  ToolRun run = run_tool({"train", "01", "--lr", "1e30", "--steps", "9", "--json"});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(Json::parse(run.out)["loss"], "nan");
  EXPECT_THAT(run.err, HasSubstr("--check-nan names the op"));
}

TEST(Train, ShowsValuesThatAreNotPerRowAndNoOptimizerState) {
  std::string text = run_tool({"train", "08:die", "-q"}).out;
  EXPECT_THAT(text, HasSubstr("\nslope_by_f = [1, 2, 3, 4, 5, 6]\n"));
  text = run_tool({"train", "07:overfitting", "-q", "--steps", "2"}).out;
  EXPECT_THAT(text, HasSubstr("\nb3 = ["));
  EXPECT_THAT(text, Not(HasSubstr("minimize/")));
  EXPECT_THAT(text, Not(HasSubstr("h = ")));
}

TEST(Train, CallsEveryNaNNan) {
  std::string text = run_tool({"train", "07:raw_scores", "-q", "--lr", "1"}).out;
  EXPECT_THAT(text, HasSubstr("loss nan after 1000 updates\nw = [[nan], [nan], [nan]]\n"));
}

TEST(Train, JudgesEachRelation) {
  auto code = [](const char* criterion) {
    return run_tool({"train", "05", "--steps", "100", "-q", "--expect", criterion}).code;
  };
  EXPECT_EQ(code("loss<0.2"), 0);
  EXPECT_EQ(code("loss <= 0.2"), 0);
  EXPECT_EQ(code("loss>0.2"), 1);
  EXPECT_EQ(code("loss>=0.1"), 0);
  EXPECT_EQ(code("accuracy==1"), 0);
  EXPECT_EQ(code("accuracy!=1"), 1);
}

TEST(Train, GivesTheSameFiguresAtEachLevelAndTarget) {
  auto figures = [](std::vector<std::string> more) {
    std::vector<std::string> words = {"train", "06", "--steps", "50", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    Json json = Json::parse(run_tool(words).out);
    json.erase("seconds");
    return json;
  };
  Json reference = figures({});
  EXPECT_EQ(figures({"-O", "0"}), reference);
  EXPECT_EQ(figures({"--target", "x86-64"}), reference);
  EXPECT_EQ(figures({"--threads", "1"}), reference);
}

TEST(Train, AssessesByWhatItCompiledBesideTheStepAsEvalDoes) {
  Scratch d;
  const std::string model = "04_minibatch_gradient_descent:many_rows";
  for (const char* batch : {"100000", "30000"}) {
    ToolRun train = run_tool({"train", model, "--batch", batch, "--steps", "2", "--save",
                              d.file("rows.safetensors"), "--json"});
    ToolRun eval =
        run_tool({"eval", model, "--batch", batch, "--load", d.file("rows.safetensors"), "--json"});
    ASSERT_EQ(train.code + eval.code, 0) << train.err << eval.err;
    EXPECT_EQ(Json::parse(train.out)["loss"], Json::parse(eval.out)["loss"]);
    EXPECT_LT(Json::parse(eval.out)["loss"].get<double>(), 4);
  }
}

/// The model is declared for the rows of a part, beside what asks for its training step.
TEST(Train, AssessesPartsOfTheRowsByWhatItCompiledBesideTheStep) {
  for (int i = 0; i < 3; ++i) {
    ToolRun run = run_tool({"train", "04_minibatch_gradient_descent:many_rows", "--split", "0.2",
                            "--steps", "1", "--json"});
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_LT(Json::parse(run.out)["outputs"]["dev/loss"].get<double>(), 4) << run.out;
  }
}

TEST(Train, CutsRowsIntoBatchesWithAShortLastOne) {
  ToolRun run = run_tool({"train", "05", "--batch", "4", "--epochs", "3", "--json"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Json::parse(run.out)["steps"], 6);
}

TEST(List, NamesEachModelAsTheToolTakesIt) {
  Json rows = Json::parse(run_tool({"list", "--json"}).out);
  EXPECT_GE(rows.size(), 13u);
  std::string text = run_tool({"list"}).out;
  for (const Json& row : rows) {
    EXPECT_THAT(text, HasSubstr(row["model"].get<std::string>()));
    EXPECT_EQ(run_tool({"info", row["model"]}).code, 0);
  }
}

TEST(Info, SaysVersionAndFolders) {
  Json json = Json::parse(run_tool({"info", "--json"}).out);
  EXPECT_THAT(run_tool({"--version"}).out, HasSubstr(json["version"].get<std::string>()));
  for (const char* key : {"llvm", "cpu", "targets", "library", "include", "examples", "cache"})
    EXPECT_FALSE(json[key].empty()) << key;
}

TEST(Info, ShowsASignature) {
  Json json = Json::parse(run_tool({"info", "05", "--json"}).out);
  EXPECT_EQ(json["states"]["w"], "f32[2,1]");
  EXPECT_EQ(json["state_bytes"], 20);
  EXPECT_THAT(run_tool({"info", "05"}).out, HasSubstr("state w : f32[2,1] = zeros"));
}

TEST(Bench, SaysHowLongCompilingAndStepsTake) {
  ToolRun run = run_tool({"bench", "01", "--seconds", "0.01", "--compiles", "1", "--json"});
  Json json = Json::parse(run.out);
  for (const char* phase :
       {"differentiate", "fuse", "lower", "schedule", "plan", "optimize", "link"})
    EXPECT_GT(json["compile"]["phases"][phase].get<double>(), 0) << phase;
  EXPECT_GT(json["step"]["seconds"]["median"].get<double>(), 0);
  EXPECT_GT(json["step"]["operations"].get<double>(), 0);
  EXPECT_GT(json["step"]["least_seconds"].get<double>(), 0);
  EXPECT_GT(json["limits"]["flops"].get<double>(), json["limits"]["memory"].get<double>() / 8);
  EXPECT_THAT(run_tool({"bench", "01", "--seconds", "0.01", "--compiles", "1"}).out,
              AllOf(HasSubstr("quartiles"), HasSubstr(" a step, at the limits "),
                    HasSubstr("products     ")));
}

TEST(Check, FindsEveryLessonRight) {
  for (const char* lesson : lesson_files) {
    ToolRun run = run_tool({"check", lesson, "--native", "--json"});
    EXPECT_EQ(run.code, 0) << run.out << run.err;
    Json json = Json::parse(run.out);
    EXPECT_EQ(json["failed"], 0);
    EXPECT_GE(json["checks"].size(), 10u);
  }
}

TEST(Check, ExitsWith5WhereATypeDoesNotScale) {
  Scratch scratch;
  std::string model = scratch.write(
      "fixed.cpp", with(line_model, "matmul(x, w)", "matmul(x, w) + m.constant({{1}, {2}, {3}})"));
  ToolRun run = run_tool({"check", model, "--native", "--batch", "3"});
  EXPECT_EQ(run.code, 5) << run.err;
  EXPECT_THAT(run.out, HasSubstr("FAILED   declared for 13 rows: "));
  EXPECT_THAT(run.out, HasSubstr("do not broadcast"));
}

TEST(Check, SkipsDifferencesOfALossThatIsNaN) {
  Scratch d;
  std::string file = d.write("m.cpp", R"(#include <gdjit/gdjit.h>
using namespace gdjit;
void root(Model& m) {
  Parameter w = m.parameter("w", values({-1.0, 4.0}));
  m.minimize(sum(sqrt(w)), SGD{.lr = 0.1});
}
GDJIT_MODEL(root, "of less than nothing");
)");
  ToolRun run = run_tool({"check", file});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("skipped  d loss/d w: the loss is NaN at these values"));
  run = run_tool({"train", file, "--steps", "1"});
  EXPECT_THAT(run.out + run.err,
              testing::AllOf(HasSubstr(" nan"), testing::Not(HasSubstr(" -nan"))));
}

TEST(Train, TellsOfALossThatTheLastUpdateMadeInfinite) {
  Scratch d;
  std::string file = d.write("line.cpp", line_model);
  const std::vector<std::string> call = {"train", file, "--steps", "1", "--lr", "1e30", "-q"};
  ToolRun run = run_tool(call);
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("warning: the loss after the last update is inf; --check-nan"));
  std::vector<std::string> checked = call;
  checked.emplace_back("--check-nan");
  run = run_tool(checked);
  EXPECT_EQ(run.code, 6) << run.out << run.err;
}

TEST(Check, SkipsWhatATextDoesNotHoldVisibly) {
  std::string text = run_tool({"dump", "01", "--stage", "fused"}).out;
  ToolRun run = run_tool({"check", "-", "--native"}, {.input = text});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("skipped  gradients: a text has fixed types"));
  EXPECT_THAT(run.out,
              HasSubstr("skipped  other batch sizes: a text holds a step for one batch size"));
}

TEST(Doc, ListsOpsPassesAndStages) {
  EXPECT_THAT(run_tool({"doc", "ops"}).out, HasSubstr("### matmul\n"));
  EXPECT_THAT(run_tool({"doc", "ops", "matmul"}).out, testing::StartsWith("### matmul\n"));
  EXPECT_THAT(run_tool({"doc", "passes"}).out, HasSubstr("| stabilize |"));
  EXPECT_THAT(run_tool({"doc", "stages"}).out, HasSubstr("| planned |"));
}

} // namespace
