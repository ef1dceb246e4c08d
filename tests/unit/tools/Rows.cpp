// Rows from files: train and eval on tables and arrays, with parts, scaling and metrics.
#include "JsonOfRuns.h"

#include "gdjit/Data/Table.h"
#include "gdjit/IO/Npy.h"

#include <cmath>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sstream>

using namespace gdjit;
using namespace gdjit::test;
using testing::HasSubstr;
using testing::Not;

namespace {

/// The table as an array.
Array scores_array() { return parse_table(scores_of(4), "scores").values(); }

std::vector<Json> lines_of(const std::string& path) {
  std::istringstream text(read_text(path));
  std::vector<Json> lines;
  for (std::string line; std::getline(text, line);)
    lines.push_back(Json::parse(line));
  return lines;
}

TEST(TrainOnRows, FindsTheSameRowsInEveryForm) {
  Scratch d;
  Json expected = train("scores", {"--data", d.write("a.csv", scores_of(4)), "--steps", "30"});
  EXPECT_LT(expected["loss"].get<double>(), 100);
  auto same = [&](const Words& data) {
    EXPECT_EQ(train("scores", data + Words{"--steps", "30"}), expected)
        << testing::PrintToString(data);
  };
  std::string whole = d.write("whole.csv", scores_csv);
  same({"--data", whole, "--columns", "x=quiz1:quiz3,y=final"});
  same({"--data", whole, "--columns", "x=1:3,y=4"});
  // Other order, other signs, other words.
  Table table = parse_table(scores_of(4), "a");
  std::string other = "; a comment\n";
  for (int64_t r = 0; r < table.rows(); ++r)
    other += fmt::format("{}\t{}\t{}\t0\t{}\r\n", table.at(r, 3), table.at(r, 2), table.at(r, 1),
                         table.at(r, 0));
  same({"--data", d.write("b.txt", other), "--columns", "x=5,3,2,y=1", "--delimiter", "tab",
        "--comment", ";", "--header", "no"});
  write_npy(d.file("all.npy"), TensorView("", scores_array()));
  same({"--data", d.file("all.npy")});
  Array x({DType::f32, {11, 3}}), y({DType::f32, {11, 1}});
  for (int64_t r = 0; r < 11; ++r) {
    for (int c = 0; c < 3; ++c)
      x.set(r * 3 + c, table.at(r, c));
    y.set(r, table.at(r, 3));
  }
  write_npy(d.file("x.npy"), TensorView("", x));
  write_npy(d.file("y.npy"), TensorView("", y));
  same({"--data", "x=" + d.file("x.npy"), "--data", "y=" + d.file("y.npy")});
  // NumPy's own type for decimals.
  Array wide({DType::f64, {11, 3}});
  for (int64_t i = 0; i < x.elements(); ++i)
    wide.set(i, x.at(i));
  write_npy(d.file("wide.npy"), TensorView("", wide));
  same({"--data", "x=" + d.file("wide.npy"), "--data", "y=" + d.file("y.npy")});
}

TEST(TrainOnRows, TakesWordsAsClassesOfFloatsWhereTold) {
  Scratch d;
  std::string words = "a,b,c,passed\n", numbers = words;
  for (int i = 0; i < 8; ++i) {
    std::string row = fmt::format("{},{},{},", i, i * i % 5, 8 - i);
    words += row + (i > 3 ? "yes\n" : "no\n");
    numbers += row + (i > 3 ? "1\n" : "0\n");
  }
  Words run = {"--steps", "20", "--classes", "passed", "--data"};
  Json expected = train("pass", Words{"--steps", "20", "--data", d.write("n.csv", numbers),
                                      "--save", d.file("n.st")});
  EXPECT_EQ(train("pass", run + Words{d.write("w.csv", words), "--save", d.file("w.st")}),
            expected);
  // In the numbers that they had, also of a file with one of them alone.
  auto judged = [&](const char* run, const std::string& row) {
    return json_of({"eval", scores_file("pass"), "--load", d.file(run), "--data",
                    d.write("one.csv", "a,b,c,passed\n" + row)});
  };
  EXPECT_EQ(judged("w.st", "1,2,3,yes\n"), judged("n.st", "1,2,3,1\n"));
}

TEST(Eval, JudgesThePartsOfTheRun) {
  Scratch d;
  Words rows = {"--data",        d.write("a.csv", scores_of(4)),
                "--split",       "0.3,0.2",
                "--seed",        "3",
                "--standardize", "x",
                "--steps",       "9"};
  Json trained = train("scores", rows + Words{"--save", d.file("a.st")});
  Json judged = json_of({"eval", scores_file("scores"), "--load", d.file("a.st")});
  EXPECT_EQ(judged["outputs"], trained["outputs"]);
  EXPECT_TRUE(judged["outputs"].contains("dev/loss") && judged["outputs"].contains("test/loss"));
}

TEST(Train, TellsOfTheRunWhosePlaceItTakes) {
  Scratch d;
  Words run = {
      "train",  scores_file("scores"), "--data", d.write("a.csv", scores_of(4)), "--steps", "5",
      "--save", d.file("a.st")};
  EXPECT_THAT(run_tool(run).err, Not(HasSubstr("takes its place")));
  EXPECT_THAT(run_tool(run).err,
              HasSubstr("a.st holds a run of 5 updates; this one takes its place"));
  EXPECT_THAT(run_tool(run + Words{"--resume", d.file("a.st")}).err,
              Not(HasSubstr("takes its place")));
}

TEST(Train, TellsOfRowsThatARunDidNotHave) {
  Scratch d;
  std::string rows = scores_of(4), other = rows;
  other[other.rfind('7')] = '6';
  Words run = {"train", scores_file("scores"), "--save", d.file("a.st"), "-q"};
  run_tool(run + Words{"--steps", "2", "--data", d.write("a.csv", rows)});
  Words on = run + Words{"--resume", d.file("a.st"), "--steps"};
  EXPECT_EQ(run_tool(on + Words{"3"}).err, "");
  d.write("a.csv", other);
  EXPECT_THAT(run_tool(on + Words{"4"}).err, HasSubstr("warning: these are not the rows"));
  EXPECT_EQ(run_tool(on + Words{"5"}).err, "");
  Words eval = {"eval", scores_file("scores"), "--load", d.file("a.st")};
  EXPECT_EQ(run_tool(eval).err, "");
  d.write("a.csv", rows);
  EXPECT_THAT(run_tool(eval).err, HasSubstr("warning: these are not the rows"));
}

TEST(Train, AndEvalTakeTheSamePartsWhateverTheSeed) {
  Scratch d;
  Words run = {"train",   scores_file("scores"),
               "--data",  d.write("a.csv", scores_of(4)),
               "--split", "0.3,0.3",
               "--seed",  "9007199254740993",
               "--steps", "5",
               "-q"};
  Json trained = json_of(run + Words{"--save", d.file("a.st")}),
       judged = json_of({"eval", scores_file("scores"), "--load", d.file("a.st")});
  EXPECT_TRUE(trained["metrics"].contains("test/mae"));
  EXPECT_EQ(judged["metrics"], trained["metrics"]);
}

/// Two heads, a weight, and outputs that are not what a loss compares.
inline constexpr const char* judged_models = R"(#include <gdjit/gdjit.h>
using namespace gdjit;

void heads(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), weight = m.input("weight", {m.batch(), 1});
  Tensor y = m.input("y", {m.batch(), 1});
  Tensor animal = m.input("animal", {m.batch()}, DType::i64);
  Tensor colour = m.input("colour", {m.batch()}, DType::i64);
  m.output("feature", slice(x, 1, 0, 1) * 100.0f);
  m.output("side", cast(reshape(slice(x, 1, 1, 2), {m.batch()}) > 0.0f, DType::i64));
  Tensor h = Linear(m, "h", 2, 1)(x);
  Tensor a = Linear(m, "a", 2, 2)(x), c = Linear(m, "c", 2, 2)(x);
  m.minimize(mean(square(h - y) * weight) + cross_entropy(a, animal) + cross_entropy(c, colour), Adam{.lr = 0.1});
  m.output("h", h);
  m.output("animal_is", argmax(a, 1));
  m.output("colour_is", argmax(c, 1));
}
GDJIT_MODEL(heads, "three targets");

void logits(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 1});
  Tensor z = Linear(m, "z", 2, 1)(x);
  m.minimize(binary_cross_entropy_with_logits(z, y), Adam{.lr = 0.1});
  m.output("z", z);
}
GDJIT_MODEL(logits, "logits alone");

void zero_or_one(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 1});
  Tensor h = Linear(m, "h", 2, 1)(x);
  m.minimize(mse_loss(h, y), Adam{.lr = 0.1});
  m.output("h", h);
}
GDJIT_MODEL(zero_or_one, "regression of 0 and 1");
)";

TEST(TrainOnRows, JudgesByWhatTheLossCompares) {
  Scratch d;
  std::string model = d.write("judged.cpp", judged_models), rows = "x0,x1,weight,y,animal,colour\n",
              binary = "x0,x1,y\n";
  for (int i = 0; i < 40; ++i) {
    const int row = i / 8;
    double a = i % 8 - 3.5, b = row - 2.1;
    rows += fmt::format("{},{},{},{},{},{}\n", a, b, 1 + i % 3, 0.5 * a - b, a > 0 ? "dog" : "cat",
                        b > 0 ? "red" : "blue");
    binary += fmt::format("{},{},{}\n", a, b, a + b > 0 ? 1 : 0);
  }
  std::string file = d.write("rows.csv", rows), saved = d.file("s");
  Json run =
      json_of({"train", model + ":heads", "--data", file, "--steps", "400", "-q", "--save", saved});
  Json figures = run["metrics"];
  EXPECT_LT(figures["y/mae"].get<double>(), 0.05);
  EXPECT_EQ(figures["animal/accuracy"], 1);
  EXPECT_EQ(figures["colour/accuracy"], 1);
  EXPECT_FALSE(figures.contains("weight/mae"));
  std::string table = run_tool({"predict", model + ":heads", "--load", saved, "--x", "3,-2"}).out;
  EXPECT_THAT(table, HasSubstr("dog"));
  EXPECT_THAT(table, HasSubstr("blue"));
  EXPECT_THAT(table, testing::ContainsRegex("side.*\n.* 0 ")) << "no class of a target";

  file = d.write("binary.csv", binary);
  figures =
      json_of({"train", model + ":logits", "--data", file, "--steps", "400", "-q"})["metrics"];
  EXPECT_GT(figures["accuracy"].get<double>(), 0.9);
  EXPECT_TRUE(figures.contains("roc_auc"));
  figures =
      json_of({"train", model + ":zero_or_one", "--data", file, "--steps", "400", "-q"})["metrics"];
  EXPECT_LT(figures["mae"].get<double>(), 0.4);
  EXPECT_FALSE(figures.contains("accuracy"));
}

TEST(Train, TakesARateByNameWhateverItsPlace) {
  for (const Words& order :
       {Words{"--lr", "lr=0", "--lr", "0.5"}, Words{"--lr", "0.5", "--lr", "lr=0"}})
    EXPECT_NEAR(json_of(Words{"train", "05", "-q", "--steps", "5"} + order)["loss"].get<double>(),
                0.6931472, 1e-6);
}

TEST(TrainOnRows, OfATextAsOfItsModel) {
  Scratch d;
  std::string rows = d.write("a.csv", scores_of(4));
  std::string text =
      d.write("step.gdir", run_tool({"dump", scores_file("scores"), "--batch", "11"}).out);
  ASSERT_EQ(run_tool({"opt", scores_file("scores"), "--batch", "11", "-o", text}).code, 0);
  Json expected = train("scores", {"--data", rows, "--steps", "9"}),
       of_text = json_of({"train", text, "-q", "--data", rows, "--steps", "9"});
  EXPECT_EQ(of_text["computed"], Json::parse(R"(["loss", "final"])")) << "it says what";
  of_text["computed"] = expected["computed"];
  EXPECT_EQ(of_text, expected);
}

TEST(TrainOnRows, ShufflesBySeedAndKeepsOrDropsAShortBatch) {
  Scratch d;
  Words data = {"--data", d.write("a.csv", scores_of(4)), "--batch", "4", "--epochs", "2"};
  Json ordered = train("scores", data), shuffled = train("scores", data + Words{"--shuffle"});
  EXPECT_EQ(ordered["steps"], 6);
  EXPECT_NE(ordered["losses"], shuffled["losses"]);
  EXPECT_EQ(train("scores", data + Words{"--shuffle"}), shuffled);
  EXPECT_NE(train("scores", data + Words{"--shuffle", "--seed", "1"})["losses"],
            shuffled["losses"]);
  EXPECT_EQ(train("scores", data + Words{"--drop-last"})["steps"], 4);
}

TEST(TrainOnRows, WritesFiguresOfEveryEpochForEveryPart) {
  Scratch d;
  Words words = {"--data",        d.write("a.csv", scores_csv),
                 "--columns",     "x=1:3,y=passed",
                 "--split",       "0.3,0.2",
                 "--stratify",    "y",
                 "--standardize", "x",
                 "--epochs",      "12"};
  Json result = train("pass", words + Words{"--metrics", d.file("m.jsonl")});
  std::vector<Json> lines = lines_of(d.file("m.jsonl"));
  ASSERT_EQ(lines.size(), 13u) << "one for the beginning";
  EXPECT_EQ(lines[0]["step"], 0);
  EXPECT_EQ(lines[12]["epoch"], 12);
  for (const char* part : {"", "dev/"})
    for (const char* figure : {"accuracy", "precision", "recall", "f1", "roc_auc", "confusion/0/1"})
      EXPECT_EQ(lines[12][part + std::string(figure)].get<double>(),
                result["metrics"][part + std::string(figure)].get<double>());
  EXPECT_EQ(lines[12]["loss"], result["outputs"]["loss"]);
  EXPECT_LT(lines[12]["loss"].get<double>(), lines[0]["loss"].get<double>());
  EXPECT_FALSE(lines[12].contains("test/loss")) << "looked at once, at the end";
  EXPECT_TRUE(result["outputs"].contains("test/loss"));
  double rows = 0;
  for (const auto& [name, value] : result["metrics"].items())
    if (name.find("confusion/") != std::string::npos)
      rows += value.get<double>();
  EXPECT_EQ(rows, 11) << "each row is in one part";

  train("pass", words + Words{"--metrics", d.file("m.csv")});
  Table table = read_table(d.file("m.csv"));
  ASSERT_EQ(table.rows(), 13);
  for (int c = 0; c < table.columns(); ++c)
    EXPECT_EQ(table.at(12, c), lines[12][table.names()[static_cast<size_t>(c)]].get<double>());
}

TEST(TrainOnRows, ShowsEpochsPartsAndWatchedValues) {
  Scratch d;
  ToolRun run =
      run_tool({"train", scores_file("pass"), "--data", d.write("a.csv", scores_csv), "--columns",
                "x=1:3,y=passed", "--split", "0.3", "--epochs", "130", "--min-max", "x"});
  EXPECT_EQ(run.code, 0) << run.err;
  for (const char* line :
       {"epoch 0  step 0  loss ", "\nepoch 1  step 1  loss ", "\nepoch 99  ", "\nepoch 110  ",
        "  roc_auc ", "  dev/loss ", "\nsum [8,1]: min ", "  not finite 0\n"})
    EXPECT_THAT(run.err, HasSubstr(line));
  EXPECT_THAT(run.err, Not(HasSubstr("\nepoch 111  ")));
  EXPECT_THAT(run.out, HasSubstr("\nsum [8,1]: min "));
  EXPECT_THAT(run.out, HasSubstr("\ndev/confusion: rows of each class"));
  EXPECT_THAT(run.out, Not(HasSubstr("minimize/m/"))) << "what only the optimizer reads";
}

TEST(TrainOnRows, JudgesFiguresOfEveryPart) {
  Scratch d;
  Words words = {"train",
                 scores_file("scores"),
                 "-q",
                 "--data",
                 d.write("a.csv", scores_of(4)),
                 "--split",
                 "0.3",
                 "--steps",
                 "50"};
  EXPECT_EQ(run_tool(words + Words{"--expect", "dev/mae<1000", "--expect", "r2<=1"}).code, 0);
  ToolRun run = run_tool(words + Words{"--expect", "dev/mae<0"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("not met: dev/mae<0, it is "));
}

TEST(TrainOnRows, TakesAnotherOptimizer) {
  Scratch d;
  Words data = {"--data", d.write("a.csv", scores_of(4)), "--steps", "5"};
  Json own = train("scores", data),
       same = train("scores", data + Words{"--optimizer", "sgd,momentum=0.5"}),
       adam = train("scores", data + Words{"--optimizer", "adam,lr=0.1"});
  EXPECT_EQ(own, same) << "the model's rule in words";
  EXPECT_TRUE(adam["parameters"].contains("minimize/v/fc/w"));
  EXPECT_FALSE(adam["parameters"].contains("minimize/momentum/fc/w"));
  EXPECT_EQ(train("scores", data + Words{"--optimizer", "adam", "--lr", "0.1"}), adam);
}

TEST(Train, LooksAtTheTestDigitsOfAFolderAfterEveryEpoch) {
  Scratch d;
  std::filesystem::create_directory(d.file("digits"));
  for (const char* set : {"train", "t10k"}) { // a bright row of its own for each digit
    std::string images("\0\0\x08\x03\0\0\0\x14\0\0\0\x1c\0\0\0\x1c", 16);
    std::string labels("\0\0\x08\x01\0\0\0\x14", 8);
    for (char i = 0; i < 20; ++i) {
      std::string image(784, '\0');
      image.replace(static_cast<size_t>(28 * (i % 10 + 5)), 28, 28, '\xff');
      images += image;
      labels += static_cast<char>(i % 10);
    }
    d.write("digits/" + std::string(set) + "-images-idx3-ubyte", images);
    d.write("digits/" + std::string(set) + "-labels-idx1-ubyte", labels);
  }
  ToolRun run =
      run_tool({"train", "09", "--data", d.file("digits"), "--epochs", "20", "-q", "--metrics",
                d.file("m.csv"), "--save", d.file("s"), "--expect", "test/accuracy==1"});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  Table metrics = read_table(d.file("m.csv"));
  EXPECT_EQ(metrics.rows(), 21);
  EXPECT_THAT(metrics.names(), testing::Contains("test/accuracy"));
  run = run_tool({"eval", "09", "--load", d.file("s")});
  EXPECT_THAT(run.out, HasSubstr("test/accuracy 1\n"));
}

} // namespace
