// Which columns an input takes of another table than that of the run, and which numbers its words
// have there.
#include "JsonOfRuns.h"

#include "gdjit/Data/Checkpoint.h"
#include "gdjit/IO/Npy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace gdjit;
using namespace gdjit::test;
using testing::HasSubstr;

namespace {

constexpr const char* sorted_models = R"(#include <gdjit/gdjit.h>
using namespace gdjit;

void kinds(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch()}, DType::i32);
  Tensor z = Linear(m, "z", 2, 3)(x);
  m.minimize(cross_entropy(z, y), Adam{.lr = 0.1});
  m.output("kind", argmax(z, -1));
}
GDJIT_MODEL(kinds, "three classes");

void words(Model& m) {
  Tensor w = m.input("w", {m.batch(), 3}, DType::i32), y = m.input("y", {m.batch()});
  Tensor h = sum(cast(w, DType::f32), 1) * m.parameter("s", ones({}));
  m.minimize(mse_loss(h, y), SGD{.lr = 0.0});
  m.output("sum", h);
}
GDJIT_MODEL(words, "numbers of words, added");
)";

std::string sorted_file(const std::string& model) {
  return models_file("scores/sorted.cpp", sorted_models) + ":" + model;
}

/// Three kinds far from one another, with their words.
std::string kinds_csv(const std::string& header) {
  std::string text = header;
  for (int i = 0; i < 12; ++i)
    text += fmt::format("{},{},{}\n", i % 3 == 0 ? 3 : -3, i % 3 == 1 ? 3 : -3,
                        i % 3 == 0   ? "cat"
                        : i % 3 == 1 ? "dog"
                                     : "fish");
  return text;
}

/// A run over the columns a, b and y, with their words.
std::string trained_kinds(const Scratch& d) {
  Json run = json_of({"train", sorted_file("kinds"), "-q", "--steps", "100", "--data",
                      d.write("f.csv", kinds_csv("a,b,y\n")), "--save", d.file("cls.st")});
  EXPECT_EQ(run["metrics"]["accuracy"], 1);
  return d.file("cls.st");
}

Words judge(const Scratch& d, const std::string& model, const std::string& saved,
            const std::string& text) {
  return {"eval", model, "--load", saved, "--data", d.write("other.csv", text)};
}

TEST(RowColumns, AHeaderThatNamesTheInputsInAnotherOrderIsWarnedOf) {
  Scratch d;
  std::string rows = d.write("t.csv", "y,w,b,c\n1,2,3,4\n5,6,7,8\n");
  ToolRun run = run_tool({"train", sorted_file("words"), "--data", rows, "--steps", "1", "-q"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("warning: column 'y' goes to input w, by the order of "
                                 "declaration; by names it is --columns w=w,y=y"));
}

TEST(RowColumns, WhereTheRunWasToldItsColumnsAnotherOrderIsNoGuess) {
  Scratch d;
  const std::string words = sorted_file("words"), run = d.file("w.st"), numbered = d.file("n.st");
  const std::string header = d.write("h.csv", "y,a,b,c\n6,1,2,3\n15,4,5,6\n");
  const std::string bare = d.write("bare.csv", "6,1,2,3\n15,4,5,6\n");
  auto train = [&](const std::string& rows, const std::string& columns, const std::string& to) {
    ToolRun trained = run_tool(
        {"train", words, "--data", rows, "--columns", columns, "--steps", "1", "-q", "--save", to});
    EXPECT_EQ(trained.code, 0) << trained.err;
  };
  train(header, "y=y,w=a:c", run);
  train(bare, "y=1,w=2:4", numbered);
  EXPECT_THAT(run_tool({"eval", words, "--load", numbered, "--data", header}).out,
              HasSubstr("loss 0"));
  EXPECT_THAT(run_tool({"eval", words, "--load", run, "--data", header}).out, HasSubstr("loss 0"));
  ToolRun guess = run_tool({"eval", words, "--load", run, "--data", bare});
  EXPECT_EQ(guess.code, 7) << guess.out;
  EXPECT_THAT(guess.err, HasSubstr("of the columns that the run took it lacks 'a', 'b', 'c', 'y'"));
}

TEST(RowColumns, WordsKeepTheirNumbersWhereTheColumnHasAnotherName) {
  Scratch d;
  std::string saved = trained_kinds(d);
  auto accuracy = [&](const std::string& text, const Words& more) {
    return json_of(judge(d, sorted_file("kinds"), saved, text) + more)["metrics"]["accuracy"];
  };
  std::string rows = "-3,3,dog\n-3,-3,fish\n";
  EXPECT_EQ(accuracy("p,q,label\n" + rows, {}), 1);
  EXPECT_EQ(accuracy(rows, {"--header", "no"}), 1);
  EXPECT_EQ(accuracy("a,b,label\n" + rows, {"--columns", "x=a:b,y=label"}), 1);
  ToolRun run = run_tool(judge(d, sorted_file("kinds"), saved, "a,b,label\n-3,3,bird\n") +
                         Words{"--columns", "x=a:b,y=label"});
  EXPECT_EQ(run.code, 7) << run.out;
  EXPECT_THAT(run.err, HasSubstr("column 'label': 'bird' is none of the classes"));
}

TEST(RowColumns, WordsOfFloatsKeepTheirNumbersToo) {
  Scratch d;
  std::string text = "a,b,c,passed\n";
  for (int i = 0; i < 8; ++i)
    text += fmt::format("{},{},{},{}\n", i, i * i % 5, 8 - i, i > 3 ? "yes" : "no");
  train("pass", {"--steps", "20", "--classes", "passed", "--data", d.write("w.csv", text), "--save",
                 d.file("w.st")});
  auto judged = [&](const std::string& header, const Words& more) {
    return json_of(judge(d, scores_file("pass"), d.file("w.st"), header + "1,2,3,yes\n") + more);
  };
  EXPECT_EQ(judged("p,q,r,label\n", {"--classes", "label"}), judged("a,b,c,passed\n", {}));
  EXPECT_EQ(judged("p,q,r,label\n", {}), judged("a,b,c,passed\n", {}));
}

TEST(RowColumns, WordsOfATargetAreNoneOfAFeatureInItsPlace) {
  Scratch d;
  Words run = {"train",
               sorted_file("kinds"),
               "-q",
               "--steps",
               "100",
               "--data",
               d.write("f.csv", kinds_csv("")),
               "--save",
               d.file("cls.st")};
  json_of(run);
  Words other = judge(d, sorted_file("kinds"), d.file("cls.st"), "dog,-3,3\nfish,-3,-3\n");
  EXPECT_EQ(
      json_of(other + Words{"--columns", "y=1,x=2:3", "--header", "no"})["metrics"]["accuracy"], 1);
}

TEST(RowColumns, WordsAreRefusedWhereTheRunHadIntegers) {
  Scratch d;
  json_of({"train", sorted_file("kinds"), "-q", "--steps", "5", "--data",
           d.write("f.csv", "a,b,y\n1,2,0\n3,4,2\n"), "--save", d.file("i.st")});
  ToolRun run = run_tool(judge(d, sorted_file("kinds"), d.file("i.st"), "a,b,y\n1,2,cat\n"));
  EXPECT_EQ(run.code, 7) << run.out;
  EXPECT_THAT(run.err, HasSubstr("column 'y': 'cat' is none of the classes"));
  EXPECT_THAT(run.err, HasSubstr("classes: integers"));
}

TEST(RowColumns, ATableWithSomeOfTheNamesIsRefused) {
  Scratch d;
  std::string model = scores_file("scores"), saved = d.file("h.st");
  train("scores", {"--data", d.write("a.csv", scores_of(4)), "--steps", "5", "--save", saved});
  auto predict = [&](const std::string& text) {
    return run_tool({"predict", model, "--load", saved, "--data", d.write("r2.csv", text)});
  };
  ToolRun run = predict("quiz2,quiz1,quiz4\n1,2,3\n");
  EXPECT_EQ(run.code, 7) << run.out;
  for (const char* part :
       {"r2.csv: of the columns that the run took it lacks 'quiz3'",
        "input x took 'quiz1', 'quiz2', 'quiz3'", "columns: 1 'quiz2', 2 'quiz1', 3 'quiz4'",
        "say which go where: --columns x=…"})
    EXPECT_THAT(run.err, HasSubstr(part));
  EXPECT_EQ(predict("a,b,c\n1,2,3\n").code, 0) << "none of the names: by place";
  EXPECT_EQ(predict("1,2,3\n").code, 0) << "no names: by place";

  std::string swapped = "quiz3,quiz1,quiz2,score\n77,70,81,153\n";
  EXPECT_EQ(predict(swapped).out, predict("quiz1,quiz2,quiz3\n70,81,77\n").out);
  run = run_tool(judge(d, model, saved, swapped));
  EXPECT_EQ(run.code, 7) << run.out;
  EXPECT_THAT(run.err, HasSubstr("--columns x=…,y=…"));
  EXPECT_EQ(
      run_tool(judge(d, model, saved, swapped) + Words{"--columns", "x=quiz1,quiz2,quiz3,y=score"})
          .code,
      0);
}

TEST(RowColumns, WordsOfOneInputHaveOneNumbering) {
  Scratch d;
  std::string model = sorted_file("words"), saved = d.file("w.st");
  json_of({"train", model, "-q", "--steps", "1", "--data",
           d.write("w.csv", "w1,w2,w3,y\na,b,c,1\nb,d,b,2\n"), "--save", saved});
  for (const ClassLabels& labels : read_checkpoint(saved).labels)
    EXPECT_THAT(labels.labels, testing::ElementsAre("a", "b", "c", "d")) << labels.column;
  Json found = json_of(
      {"predict", model, "--load", saved, "--data", d.write("v.csv", "u1,u2,u3\nd,b,a\nc,c,d\n")});
  EXPECT_EQ(found["outputs"]["sum"]["values"], Json({4.0, 7.0}));
  found = json_of({"predict", model, "--load", saved, "--w", "d,b,a,c,c,d"});
  EXPECT_EQ(found["outputs"]["sum"]["values"], Json({4.0, 7.0}));
}

TEST(RowColumns, OptionsOfTextAreRefusedForArrays) {
  Scratch d;
  write_npy(d.file("all.npy"), TensorView("", Array({DType::f32, {2, 4}}, std::vector<double>(8))));
  write_npy(d.file("x.npy"), TensorView("", Array({DType::f32, {2, 3}}, std::vector<double>(6))));
  write_npy(d.file("y.npy"), TensorView("", Array({DType::f32, {2, 1}}, std::vector<double>(2))));
  Words run = {"train", scores_file("scores"), "-q", "--steps", "1", "--data"};
  Words each = {"x=" + d.file("x.npy"), "--data", "y=" + d.file("y.npy")};
  for (const Words& more : {Words{"--delimiter", "tab"}, Words{"--classes", "1"}})
    for (const Words& data : {Words{d.file("all.npy")}, each}) {
      ToolRun refused = run_tool(run + data + more);
      EXPECT_EQ(refused.code, 2) << more[0] << refused.out;
      EXPECT_THAT(refused.err, HasSubstr("no text"));
    }
  ToolRun twice = run_tool(run + each + Words{"--data", "x=" + d.file("all.npy")});
  EXPECT_EQ(twice.code, 2);
  EXPECT_THAT(twice.err, HasSubstr("input x is given twice"));
  EXPECT_EQ(run_tool(run + each).code, 0);
}

} // namespace
