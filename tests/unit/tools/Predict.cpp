// What a trained model says: predict and eval; and what its kernels take: explain and bench.
#include "JsonOfRuns.h"
#include "unit/Runtime/RefuseThreads.h"

#include "gdjit/Data/Table.h"
#include "gdjit/IO/Npy.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace gdjit;
using namespace gdjit::test;
using testing::HasSubstr;

namespace {

TEST(Predict, GivesTheSameNumbersForArgumentsTablesAndArrays) {
  Scratch d;
  std::string model = scores_file("scores"), saved = d.file("s.safetensors");
  train("scores", {"--data", d.write("a.csv", scores_of(4)), "--standardize", "x", "--lr", "0.1",
                   "--steps", "50", "--save", saved});
  Json typed = json_of({"predict", model, "--load", saved, "--x", "80,85,90", "--x=-1,0,1e2"});
  EXPECT_EQ(typed["rows"], 2);
  EXPECT_EQ(json_of({"predict", model, "--load", saved, "--x", "80,85,90,-1,0,1e2"}), typed);
  std::string table = d.write("new.csv", "quiz3,name,quiz1,quiz2\n90,Ann,80,85\n100,Bo,-1,0\n");
  EXPECT_EQ(json_of({"predict", model, "--load", saved, "--data", table}), typed)
      << "columns by the names they had in training";
  EXPECT_EQ(json_of({"predict", model, "--load", saved, "--data", table, "--batch", "1"}), typed);
  Array x({DType::f32, {2, 3}}, {80, 85, 90, -1, 0, 100});
  write_npy(d.file("x.npy"), TensorView("", x));
  EXPECT_EQ(json_of({"predict", model, "--load", saved, "--data", "x=" + d.file("x.npy")}), typed);

  // What eval says of the same rows follows from what predict says.
  ASSERT_EQ(run_tool({"predict", model, "--load", saved, "--data", d.file("a.csv"), "--out",
                      d.file("p.csv")})
                .code,
            0);
  Table out = read_table(d.file("p.csv")), in = parse_table(scores_of(4), "a");
  EXPECT_EQ(out.names(), std::vector<std::string>{"final"});
  double mae = 0;
  for (int64_t r = 0; r < 11; ++r)
    mae += std::abs(out.at(r, 0) - in.at(r, 3)) / 11;
  Json eval = json_of({"eval", model, "--load", saved});
  EXPECT_EQ(eval["rows"], 11) << "the rows of the run";
  EXPECT_NEAR(eval["metrics"]["mae"].get<double>(), mae, 1e-4);
  ASSERT_EQ(run_tool({"predict", model, "--load", saved, "--data", d.file("a.csv"), "--out",
                      d.file("p.npy")})
                .code,
            0);
  SharedArray array = read_npy(d.file("p.npy"));
  EXPECT_EQ(to_string(array.type), "f32[11,1]");
  for (int64_t r = 0; r < 11; ++r)
    EXPECT_EQ(static_cast<float>(out.at(r, 0)), array.view("").at(r));
}

TEST(Predict, SaysClassesInTheirOwnWords) {
  Scratch d;
  std::string model = scores_file("grades"), saved = d.file("s");
  ToolRun run = run_tool({"train", model, "-q", "--data", d.write("a.csv", scores_csv), "--columns",
                          "x=1:3,y=grade", "--standardize", "x", "--steps", "300", "--save", saved,
                          "--expect", "accuracy==1"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("  actual  A  B  C\n  A       4  0  0\n"));
  run = run_tool({"predict", model, "--load", saved, "--x", "95,99,97,46,58,63"});
  EXPECT_THAT(run.out, testing::StartsWith("grade "));
  EXPECT_THAT(run.out, testing::ContainsRegex("\n +A .*\n +C "));
  ASSERT_EQ(run_tool({"predict", model, "--load", saved, "--data", d.file("a.csv"), "--output",
                      "grade", "--out", d.file("g.csv")})
                .code,
            0);
  EXPECT_THAT(read_text(d.file("g.csv")), testing::StartsWith("grade\nB\nA\nA\nA\nB\nC\n"));
  Json json = json_of({"predict", model, "--load", saved, "--x", "95,99,97"});
  EXPECT_EQ(json["outputs"]["grade"]["labels"], Json({"A", "B", "C"}));
  // A file of one class only keeps the numbers of the run.
  run = run_tool({"eval", model, "--load", saved, "--data",
                  d.write("c.csv", "quiz1,quiz2,quiz3,grade\n46,58,63,C\n53,47,50,C\n"), "--expect",
                  "accuracy==1"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
}

TEST(Predict, AsksForNothingThatItsOutputsDoNotNeed) {
  Scratch d;
  std::string model = d.write("none.cpp", R"(#include <gdjit/gdjit.h>
using namespace gdjit;
void none(Model& m) {
  Parameter t = m.parameter("t", zeros({}));
  m.minimize(square(t - 3), SGD{.lr = 0.25});
  m.output("twice", t * 2);
}
GDJIT_MODEL(none, "no rows at all");
)");
  Json json = json_of({"train", model, "-q", "--steps", "60", "--save", d.file("s")});
  EXPECT_NEAR(json["outputs"]["twice"].get<double>(), 6, 1e-6);
  ToolRun run = run_tool({"predict", model, "--load", d.file("s"), "--output", "twice"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, testing::StartsWith("twice = "));
}

TEST(Predict, NeedsNoCheckpointWhereNothingIsKept) {
  Scratch d;
  std::string model = d.write("sum.cpp", R"(#include <gdjit/gdjit.h>
using namespace gdjit;
void total(Model& m) { m.output("total", sum(m.input("x", {m.batch(), 3}), 1)); }
GDJIT_MODEL(total, "no state");
)");
  EXPECT_EQ(json_of({"predict", model, "--x", "1,2,3"})["outputs"]["total"]["values"], Json({6.0}));
}

TEST(Predict, TakesBatchesNoLargerThanTheRows) {
  Scratch d;
  std::string saved = d.file("s"), rows = d.write("two.csv", "x,y\n1,2\n2,4\n");
  json_of({"train", "01", "-q", "--steps", "20", "--save", saved});
  for (const Words& command :
       {Words{"predict", "01", "--load", saved, "--x", "1"},
        Words{"predict", "01", "--load", saved, "--data", rows},
        Words{"eval", "01", "--load", saved}, Words{"eval", "01", "--load", saved, "--data", rows}})
    EXPECT_EQ(json_of(command + Words{"--batch", "5"}), json_of(command)) << command[0];
}

TEST(Eval, DrawsAnewByAnotherSeed) {
  auto estimate = [](const char* seed) {
    return json_of({"eval", "08:samples", "--seed", seed})["outputs"]["by_all"].get<double>();
  };
  EXPECT_EQ(estimate("1"), estimate("1"));
  EXPECT_NE(estimate("1"), estimate("2"));
}

TEST(Eval, SaysOfATextThatItCannotJudgeWhatWould) {
  Scratch d;
  const std::string saved = d.file("s");
  json_of({"train", "03", "-q", "--steps", "3", "--save", saved});
  for (const char* stage : {"declared", "simplified", "fused", "planned"}) {
    SCOPED_TRACE(stage);
    const std::string text = d.write("step.gdir", run_tool({"dump", "03", "--stage", stage}).out);
    const ToolRun run = run_tool({"eval", text, "--load", saved});
    EXPECT_EQ(run.code, 0) << run.err;
    const bool judged = run.out.find("r2 ") != std::string::npos;
    EXPECT_EQ(judged, stage[0] != 'f' && stage[0] != 'p');
    EXPECT_EQ(run.err, judged ? ""
                              : fmt::format("the outputs alone, no accuracy and no errors: a text "
                                            "at stage {} does not say which of its inputs are "
                                            "answers; one dumped with --stage simplified does, or "
                                            "an earlier one\n",
                                            stage));
  }
}

TEST(Eval, OfATextOfLoopsIsCompiledAndItsUpdatesLeftOut) {
  Scratch d;
  std::string csv = "x,y\n";
  for (int i = 0; i < 20'000; ++i)
    csv += std::to_string(i % 7) + "," + std::to_string(i % 11) + "\n";
  const std::string rows = d.write("rows.csv", csv), saved = d.file("s"), metrics = d.file("m.csv");
  json_of({"train", "01", "-q", "--steps", "3", "--save", saved});
  for (const char* batch : {"5000", "20000"}) {
    Json outputs;
    std::vector<double> losses;
    for (const char* stage : {"declared", "loops", "planned"}) {
      SCOPED_TRACE(std::string(stage) + ", batches of " + batch);
      const std::string text =
          d.write("step.gdir", run_tool({"dump", "01", "--batch", batch, "--stage", stage}).out);
      const Words eval = {"eval", text, "--load", saved, "--data", rows};
      json_of({"train", text, "-q", "--epochs", "2", "--data", rows, "--metrics", metrics});
      const Json judged = json_of(eval)["outputs"];
      const Table epochs = read_table(metrics);
      const std::vector<double> seen = {epochs.at(0, 2), epochs.at(1, 2), epochs.at(2, 2)};
      if (outputs.is_null()) {
        outputs = judged;
        losses = seen;
      }
      EXPECT_EQ(judged, outputs);
      EXPECT_EQ(seen, losses);
      EXPECT_THAT(run_tool(eval + Words{"--target", "none"}).err, HasSubstr("unknown target none"));
    }
  }
}

TEST(Explain, SaysOfEachKernelItsLinesItsScheduleAndItsShareOfTheLimit) {
  ToolRun run = run_tool({"explain", scores_file("grades"), "--batch", "512"});
  EXPECT_EQ(run.code, 0) << run.err;
  for (const char* part :
       {"training step, 512 rows, 1 thread: at most", "arena of ", " that are live at once in k0; ",
        "k0 \"", "m.minimize(", "  fused      all ", "  loops      ", "  ends       ",
        "  work       ", "  predicted  ", " % of the limit"})
    EXPECT_THAT(run.out, HasSubstr(part));
  Json json = json_of({"explain", "02:cost_curve"});
  EXPECT_EQ(json["step"], "evaluation") << "it has no update";
  ASSERT_EQ(json["kernels"].size(), 1);
  EXPECT_GT(json["kernels"][0]["operations"].get<double>(), 13 * 3 * 5);
  EXPECT_GT(json["kernels"][0]["measured"].get<double>(), 0);
  EXPECT_GT(json["limits"]["cache"].get<double>(), json["limits"]["memory"].get<double>() / 4);
  EXPECT_GT(json["limits"]["updates_memory"].get<double>(), 0) << "read and written in place";
  EXPECT_THAT(json["kernels"][0]["lines"].dump(), HasSubstr("02_gradient_descent.cpp:"));
}

TEST(Explain, CountsTheWorkOfTheGraphHoweverItIsScheduled) {
  Json counted_before;
  for (const Words& schedule :
       {Words{"--target", "x86-64"}, Words{"--target", "x86-64-v3"}, Words{"--threads", "2"}}) {
    Json kernels =
        json_of(Words{"explain", "09:softmax_regression", "--batch", "64"} + schedule)["kernels"];
    Json counted;
    double bytes = 0;
    for (const Json& kernel : kernels) {
      counted.push_back({kernel["name"], kernel["bytes"]});
      bytes += kernel["bytes"].get<double>();
      EXPECT_FALSE(kernel["fused"].empty());
    }
    if (!counted_before.is_null())
      EXPECT_EQ(counted, counted_before) << schedule[1];
    counted_before = counted;
    EXPECT_GT(bytes, 4 * (64 * 784 + 2 * 784 * 10)) << "rows are read, weights read and written";
    EXPECT_LT(bytes, 4 * (4 * 64 * 784 + 4 * 784 * 10));
  }
}

TEST(Explain, SaysWhyNodesShareAKernel) {
  ToolRun run = run_tool({"explain", "09:mlp", "--batch", "64"});
  EXPECT_EQ(run.code, 0) << run.err;
  for (const char* part :
       {"(matmul) begins it: a contraction keeps its loops", " work on it element by element",
        "reduce what the kernel computes", "are done where the gradients are computed",
        "read nothing that a kernel computes",
        "terms in one chain, since sums side by side fill vectors",
        "terms in 16 partial sums, added up by a tree, since ",
        "not in the loop above: a contraction keeps its loops", " of temporary arrays: "})
    EXPECT_THAT(run.out, HasSubstr(part));
}

TEST(Explain, SaysWhyChainsAreOneAndWhereATextAsksForThat) {
  Scratch d;
  ToolRun run = run_tool({"explain", d.write("sum.gdir", R"(gdir 1
stage declared
model total
step evaluation
batch 1

input x : f32[1,1000], batch axis 0
output one : f32[]
output all : f32[20]
output few : f32[]

graph {
  %x = input x
  %one = sum %x axes=[0, 1] order=f32:sequential
  %1 = reshape %x : f32[50,20]
  %all = sum %1 axes=[0]
  %3 = slice %x start=[0, 0] limit=[1, 12] step=[1, 1]
  %4 = reshape %3 : f32[12]
  %few = sum %4 axes=[0]
  output one = %one
  output all = %all
  output few = %few
}
)")});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("total, evaluation step, 1 row, 1 thread: at most"));
  EXPECT_THAT(run.out, HasSubstr("1000 terms in one chain, as its order asks: f32:sequential\n"));
  EXPECT_THAT(run.out, HasSubstr("50 terms in one chain, since sums side by side fill vectors\n"));
  EXPECT_THAT(run.out, HasSubstr("12 terms in one chain, as is every sum over so few rows: "));
}

TEST(Explain, TellsEqualLayersOnce) {
  const std::string file = models_file("deep/deep.cpp", R"(#include <gdjit/gdjit.h>
using namespace gdjit;

void deep(Model& m) {
  Tensor h = m.input("x", {m.batch(), 16});
  for (int i = 0; i < 60; ++i)
    h = tanh(Linear(m, "layer" + std::to_string(i), 16, 16)(h));
  m.minimize(mean(h * h), SGD{.lr = 0.1});
}
GDJIT_MODEL(deep, "sixty layers");
)");
  ToolRun run = run_tool({"explain", file, "--batch", "8"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out,
              testing::ContainsRegex("the same   k2 to k[0-9]+, but for their arrays: measured "));
  EXPECT_THAT(run.out, HasSubstr("all of the step: predicted "));
  EXPECT_LT(std::ranges::count(run.out, '\n'), 200);
  EXPECT_GT(json_of({"explain", file, "--batch", "8"})["kernels"].size(), 150);
}

TEST(Explain, SaysWhyFewerThreadsShareAStepThanWereAskedFor) {
  ToolRun run = run_tool({"explain", "01", "--threads", "3"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("3 threads were asked for, one does it all: no loop"));
}

// Whatever ticks the clock has, and however short a step is beside them.
TEST(Explain, MeasuresWhatBenchDoes) {
  for (const char* model : {"01", "07:overfitting"}) {
    double ratio = 0;
    for (int tries = 0; tries < 5 && !(ratio > 0.7 && ratio < 1.4); ++tries) { // others disturb
      const Json bench = json_of({"bench", model, "--seconds", "0.2", "--compiles", "1"});
      const Json explain = json_of({"explain", model});
      double measured = 0;
      for (const Json& kernel : explain["kernels"])
        measured += kernel["measured"].get<double>();
      ratio = measured / bench["step"]["seconds"]["best"].get<double>();
    }
    EXPECT_GT(ratio, 0.7) << model;
    EXPECT_LT(ratio, 1.4) << model;
  }
}

TEST(Explain, WarnsOfMoreThreadsThanProcessors) {
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  auto warning = [](unsigned threads) {
    return run_tool({"explain", "01", "--threads", std::to_string(threads)}).err;
  };
  EXPECT_THAT(warning(processors + 1), HasSubstr(" a step takes longer than with as many threads"));
  EXPECT_THAT(warning(processors), testing::Not(HasSubstr("takes longer")));
  EXPECT_THAT(warning(99999), testing::AllOf(HasSubstr("99999 threads for a step: give 1 to 1024"),
                                             testing::Not(HasSubstr("takes longer"))));
}

TEST(Bench, SaysWhereTheSystemStartsFewerThreads) {
  const pid_t child = fork();
  if (child == 0) {
    if (!refuse_threads())
      _exit(2);
    const std::string log = run_tool({"bench", "09:mlp", "--batch", "256", "--threads", "2",
                                      "--seconds", "0.01", "--compiles", "1"})
                                .err;
    const size_t at = log.find("warning: of the 2 threads that share a step the system starts 1 ");
    const bool once = at != log.npos && log.find("warning: ", at + 1) == log.npos;
    _exit(once && log.find("as with --threads 1\n") != log.npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Bench, TimesTheEvaluationOfAModelWithoutUpdates) {
  ToolRun run = run_tool({"bench", "02:cost_curve", "--seconds", "0.01", "--compiles", "1"});
  EXPECT_EQ(run.code, 0) << run.err;
}

TEST(Bench, CountsOneAsOne) {
  ToolRun run =
      run_tool({"bench", "01:twice", "--batch", "1", "--seconds", "0.01", "--compiles", "1"});
  EXPECT_THAT(run.out, HasSubstr("twice with 1 row, 1 thread\n"));
  EXPECT_THAT(run.out, HasSubstr("1 kernel, 1 function\n"));
}

TEST(Bench, DrawsRowsWhereAModelHasNone) {
  ToolRun run = run_tool({"bench", scores_file("grades"), "--batch", "32", "--seconds", "0.01",
                          "--compiles", "1", "--json"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Json::parse(run.out)["rows"], 32);
  EXPECT_LE(Json::parse(run.out)["live_bytes"], Json::parse(run.out)["arena_bytes"]);
  EXPECT_THAT(run.err, HasSubstr("grades carries no rows: random ones of the shapes declared"));
  run = run_tool({"check", scores_file("pass"), "--native", "--json"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
}

TEST(Bench, TimesAWorkloadOfTheBenchmarks) {
  const std::string model = GDJIT_SOURCE_DIR "/tests/benchmarks/workloads.cpp:mnist_mlp128_b64_sgd";
  ToolRun run = run_tool({"bench", model, "--seconds", "0.01", "--compiles", "1", "--json"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.err, "") << "it carries its rows";
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["rows"], 64);
  // Forward and backward; nothing asks for the gradient of the rows themselves.
  EXPECT_EQ(json["step"]["products"], 2 * 64 * (2 * 784 * 128 + 3 * 128 * 10));
  EXPECT_GT(json["step"]["operations"], json["step"]["products"]);
}

TEST(Bench, TakesTheRowsAgainWhereTheStepTakesMoreThanThereAre) {
  Json json = json_of({"bench", "02:cost_curve", "--seconds", "0.01", "--compiles", "1"});
  EXPECT_EQ(json["rows"], 13);
  json = json_of({"bench", "01", "--batch", "7", "--seconds", "0.01", "--compiles", "1"});
  EXPECT_EQ(json["rows"], 7);
}

} // namespace
