// gdjit dump: each way of looking at a model.
#include "Lessons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit::test;
using testing::HasSubstr;
using testing::Not;

namespace {

std::string dump(std::vector<std::string> words) {
  words.insert(words.begin(), "dump");
  ToolRun run = run_tool(words);
  EXPECT_EQ(run.code, 0) << run.err;
  return run.out;
}

TEST(Dump, AloneShowsTheDeclaredGraphAndALineForEachLaterStage) {
  std::string text = dump({"01"});
  EXPECT_THAT(text, testing::StartsWith("gdir 1\nstage declared\nmodel twice\n"));
  for (const char* stage : {"differentiated", "simplified", "fused", "loops", "scheduled",
                            "planned", "llvm", "optimized", "object"})
    EXPECT_THAT(text, HasSubstr(std::string("gdjit dump 01 --stage ") + stage + "\n"));
}

TEST(Dump, NamesFilesRelativeToTheModelsFolderAndQuotesTheUsersLine) {
  for (const char* stage : {"declared", "simplified", "loops"}) {
    std::string text = dump({"01", "--stage", stage});
    EXPECT_THAT(text, HasSubstr(" @ 01_linear_regression.cpp:"));
    EXPECT_THAT(text, HasSubstr("; Tensor x = m.input(\"x\", {m.batch(), 1});"));
    EXPECT_THAT(text, Not(HasSubstr("/01_linear_regression.cpp")));
  }
}

/// A shared object of the model in d/sub, compiled in folder `from` under the name `source`.
std::string build_there(const Scratch& d, const std::string& from, const std::string& source) {
  ToolRun run =
      run_shell("g++ -std=c++20 -O0 -shared -fPIC -I" GDJIT_BINARY_DIR "/include -o " +
                    d.file("line.so") + " " + source + " " GDJIT_BINARY_DIR "/lib/libgdjit.so",
                {.folder = from});
  EXPECT_EQ(run.code, 0) << run.err;
  return run_tool({"dump", d.file("line.so"), "--stage", "declared"}).out;
}

TEST(Dump, DoesNotDependOnHowASharedObjectNamedItsSource) {
  Scratch d;
  std::string source = d.write("sub/line.cpp", line_model);
  std::string absolute = build_there(d, d.path(), source);
  EXPECT_THAT(absolute, HasSubstr(" @ line.cpp:5:"));
  EXPECT_THAT(absolute, HasSubstr("; Tensor x = m.input("));
  std::filesystem::copy_file(source, d.file("line.cpp")); // found beside the object
  EXPECT_EQ(build_there(d, d.path(), "sub/line.cpp"), absolute);
}

TEST(Dump, WritesAllStagesUnderStableNamesWithStableBytes) {
  Scratch first, second;
  dump({"05", "--stage", "all", "-o", first.path()});
  dump({"05", "--stage", "all", "-o", second.path()});
  EXPECT_THAT(first.names(),
              testing::ElementsAre("0-declared.gdir", "1-differentiated.gdir", "2-simplified.gdir",
                                   "3-fused.gdir", "4-loops.gdir", "5-scheduled.gdir",
                                   "6-planned.gdir", "7-llvm.ll", "8-optimized.ll", "9-object.s"));
  for (const std::string& name : first.names())
    EXPECT_EQ(read_text(first.file(name)), read_text(second.file(name))) << name;
}

TEST(Dump, SaysHowManyFilesItWrote) {
  auto said = [](std::vector<std::string> words, const Scratch& d) {
    words.insert(words.begin(), "dump");
    words.insert(words.end(), {"-o", d.path()});
    ToolRun run = run_tool(words);
    EXPECT_EQ(run.code, 0) << run.err;
    return run.err;
  };
  Scratch all, one, beside;
  EXPECT_THAT(said({"05", "--stage", "all"}, all), HasSubstr("10 files in " + all.path()));
  EXPECT_THAT(said({"05", "--stage", "loops"}, one), HasSubstr("1 file in " + one.path()));
  std::string text =
      said({"04:many_rows", "--set", "rows=400", "--stage", "all"}, beside); // rows in .npy
  EXPECT_THAT(beside.names(), testing::Contains("data.x.npy"));
  EXPECT_THAT(text, HasSubstr(std::to_string(beside.names().size()) + " files in "));
}

TEST(Dump, LeavesAMillionNumbersOutOfStandardOutputAndSaysSo) {
  ToolRun run = run_tool({"dump", "04:many_rows", "--set", "rows=400", "--stage", "loops"});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("the rows of x, f32[400,32], are left out; -o DIR writes them"));
  EXPECT_THAT(run.out, Not(HasSubstr("data x")));
  EXPECT_THAT(run.out, HasSubstr("\ndata y : f32[400,1] = ")) << "400 numbers";
}

TEST(Dump, PutsLargeLiteralsIntoFilesBeside) {
  Scratch d;
  std::string rows;
  for (int i = 0; i < 65; ++i)
    rows += (i ? ", {" : "{") + std::to_string(i) + "}";
  std::string model =
      d.write("many.cpp", with(with(line_model, "{{1}, {2}, {3}}", "{" + rows + "}"),
                               "{{2}, {4}, {6}}", "{" + rows + "}"));
  dump({model, "--stage", "all", "-o", d.file("out")});
  EXPECT_THAT(read_text(d.file("out/0-declared.gdir")),
              HasSubstr("data x = file \"data.x.npy\"\n"));
  ToolRun direct = run_tool({"train", model, "--steps", "5", "--lr", "1e-4", "--json"});
  ToolRun text = run_tool(
      {"train", d.file("out/2-simplified.gdir"), "--steps", "5", "--lr", "1e-4", "--json"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(Json::parse(text.out)["losses"], Json::parse(direct.out)["losses"]);
  // A text written elsewhere names the files from there.
  d.write("else/where/empty", "");
  EXPECT_EQ(run_tool({"opt", d.file("out/0-declared.gdir"), "--to", "loops", "-o",
                      d.file("else/where/loops.gdir")})
                .code,
            0);
  EXPECT_THAT(read_text(d.file("else/where/loops.gdir")),
              HasSubstr("data x = file \"../../out/data.x.npy\"\n"));
  ToolRun here = run_tool({"opt", "../../out/0-declared.gdir"}, {.folder = d.file("else/where")});
  for (const ToolRun& run : {run_tool({"train", d.file("else/where/loops.gdir"), "--steps", "5",
                                       "--lr", "1e-4", "--json"}),
                             run_tool({"train", "-", "--steps", "5", "--lr", "1e-4", "--json"},
                                      {.input = here.out, .folder = d.file("else/where")})}) {
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(Json::parse(run.out)["losses"], Json::parse(direct.out)["losses"]);
  }
}

TEST(Dump, FilesOfLiteralsKeepTheirElementsFromStageToStage) {
  Scratch d;
  auto literal = [](int first) {
    std::string elements;
    for (int i = 0; i < 65; ++i)
      elements += (i ? ", " : "") + std::to_string(first + i);
    return "m.constant({" + elements + "})";
  };
  std::string model = d.write("literals.cpp", R"(#include <gdjit/gdjit.h>
using namespace gdjit;
void literals(Model& m) {
  Tensor x = m.input("x", {65});
  m.output("y", square(x) + )" + literal(0) + " + " +
                                                  literal(1000) + R"();
}
GDJIT_MODEL(literals, "");
)");
  dump({model, "--stage", "all", "-o", d.file("out")});
  std::string planned = run_tool({"opt", d.file("out/0-declared.gdir"), "--to", "fused"}).out;
  for (const char* stage : {"1-differentiated", "2-simplified", "3-fused"})
    EXPECT_EQ(run_tool({"opt", d.file("out/" + std::string(stage) + ".gdir"), "--to", "fused"}).out,
              planned)
        << stage;
}

TEST(Dump, AsMathShowsFormulasAndDerivatives) {
  std::string text = dump({"02", "--as", "math"});
  EXPECT_THAT(text, HasSubstr("loss = sum("));
  EXPECT_THAT(text, HasSubstr("d loss/d w = "));
  EXPECT_THAT(text, HasSubstr("w <- w - lr * "));
}

TEST(Dump, AsMathSaysWhichElementsAndSeparatesScopesByDots) {
  Scratch d;
  std::string model = d.write("parts.cpp", R"(#include <gdjit/gdjit.h>
using namespace gdjit;
void parts(Model& m) {
  Tensor x = m.input("x", {m.batch(), 4});
  m.output("a", slice(x, 1, 2, 4));
  m.output("b", pad(x, {0, 1}, {0, 0}, 5.0));
  m.output("c", one_hot(cast(x, DType::i64), 3));
  m.output("d", Linear(m, "block/layer", 4, 1)(x));
}
GDJIT_MODEL(parts, "");
)");
  std::string text = dump({model, "--as", "math"});
  EXPECT_THAT(text, HasSubstr("a = slice(x, start=[0, 2], limit=[1, 4])"));
  EXPECT_THAT(text, HasSubstr("b = pad(x, low=[0, 1], high=[0, 0], fill=5)"));
  EXPECT_THAT(text, HasSubstr("c = one_hot(i64(x), depth=3)"));
  EXPECT_THAT(text, HasSubstr("d = x·block.layer.w + block.layer.b"));
}

TEST(Dump, WithRespectToAStateLeavesNothingOfTheUpdates) {
  std::string text = dump({"05", "--wrt", "w", "--stage", "declared"});
  EXPECT_THAT(text, testing::Not(HasSubstr("update")));
  EXPECT_THAT(text, testing::Not(HasSubstr("scalar lr\n")));
}

TEST(Dump, ValuesAsJsonHaveEveryElement) {
  Json json = Json::parse(dump({"05", "--values", "--as", "json"}));
  for (const Json& node : json["nodes"])
    if (node["name"] == "x") {
      EXPECT_EQ(node["op"], "input");
      EXPECT_EQ(node["part"], "forward");
      EXPECT_EQ(node["type"], "f32[6,2]");
      EXPECT_EQ(node["values"][3], 3);
      return;
    }
  FAIL() << "no x";
}

TEST(Dump, AsDotAndSvgDrawGraphsAndLoops) {
  for (const char* stage : {"declared", "fused", "loops"})
    EXPECT_THAT(dump({"05", "--as", "dot", "--stage", stage}), testing::StartsWith("digraph "));
  ToolRun svg = run_tool({"dump", "05", "--as", "svg"});
  if (svg.code == 0)
    EXPECT_THAT(svg.out, HasSubstr("<svg"));
  else
    EXPECT_THAT(svg.err, HasSubstr("Graphviz is not installed")) << "the one excuse";
  ToolRun none =
      run_tool({"dump", "05", "--as", "svg"}, {.environment = {{"PATH", "/nonexistent"}}});
  EXPECT_NE(none.code, 0);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, HasSubstr("Graphviz"));
}

TEST(Dump, AsSvgWorksWhereverTemporaryFilesLie) {
  Scratch d;
  std::filesystem::create_directory(d.file("it's \"$x"));
  ToolRun svg =
      run_tool({"dump", "05", "--as", "svg"}, {.environment = {{"TMPDIR", d.file("it's \"$x")}}});
  if (svg.code != 0)
    EXPECT_THAT(svg.err, HasSubstr("Graphviz is not installed")) << "the one excuse";
  EXPECT_TRUE(std::filesystem::is_empty(d.file("it's \"$x")));
}

TEST(Dump, AsJsonParsesAtEveryStage) {
  Scratch d;
  dump({"05", "--stage", "all", "--as", "json", "-o", d.path()});
  EXPECT_EQ(d.names().size(), 10u);
  for (const std::string& name : d.names())
    EXPECT_TRUE(Json::accept(read_text(d.file(name)))) << name;
}

TEST(Dump, AllStagesAsJsonAreOneArray) {
  Json stages = Json::parse(dump({"05", "--stage", "all", "--as", "json"}));
  EXPECT_EQ(stages.size(), 10U);
}

TEST(Dump, FormulasSayWhatTheyLeaveOutOfBranches) {
  Scratch d;
  std::string file = d.write("m.cpp", R"(#include <gdjit/gdjit.h>
using namespace gdjit;
void roots(Model& m) {
  Tensor z = m.parameter("w", ones({})) * m.input("x", {m.batch()});
  m.minimize(sum(where(z > 0.0, sqrt(z), z)), SGD{.lr = 0.1});
  m.data({{"x", {-1, 0, 4}}});
}
GDJIT_MODEL(roots, "roots of what is positive");
)");
  EXPECT_THAT(dump({file, "--as", "math"}), HasSubstr("(0 times a factor that is not finite is 0"));
  EXPECT_THAT(dump({"02", "--as", "math"}), Not(HasSubstr("finite")));
}

TEST(Dump, SeveralPicturesNeedAFolder) {
  ToolRun run = run_tool({"dump", "05", "--stage", "all", "--as", "svg"});
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("--stage all --as svg draws several pictures; -o DIR takes them"));
}

TEST(Dump, ItsJsonIsUtf8WhateverTheFilesName) {
  Scratch d;
  std::string file = d.write("bad\xff\"name.cpp", line_model);
  for (const char* stage : {"declared", "loops", "optimized"}) {
    ToolRun run = run_tool({"dump", file, "--as", "json", "--stage", stage});
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_TRUE(Json::accept(run.out)) << stage;
  }
}

TEST(Dump, ValuesRunsTheInterpreterOnTheFirstBatch) {
  std::string text = dump({"05", "--values"});
  EXPECT_THAT(text, HasSubstr("%x = input x "));
  EXPECT_THAT(text, HasSubstr("[[1, 2], [2, 3], [3, 1], [4, 3], [5, 3], [6, 2]]"));
  EXPECT_THAT(text, HasSubstr("0.6931472"));
  EXPECT_EQ(run_tool({"dump", "05", "--values", "--stage", "loops"}).code, 2);
}

TEST(Dump, WrtAddsDerivativesWithoutUpdates) {
  std::string text = dump({"05", "--wrt", "x", "--stage", "simplified"});
  EXPECT_THAT(text, HasSubstr("output \"d loss/d x\" : f32[6,2]"));
  EXPECT_THAT(text, Not(HasSubstr("update w")));
  ToolRun unknown = run_tool({"dump", "05", "--wrt", "nope"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("'nope' is no state, input or named node"));
}

TEST(Dump, OnlyNarrowsToOnePart) {
  std::string whole = dump({"05", "--stage", "simplified"});
  std::string forward = dump({"05", "--stage", "simplified", "--only", "forward"});
  std::string backward = dump({"05", "--stage", "simplified", "--only", "backward"});
  std::string update = dump({"05", "--stage", "simplified", "--only", "update"});
  EXPECT_THAT(forward, HasSubstr("%p = sigmoid"));
  EXPECT_THAT(backward, Not(HasSubstr("%p = sigmoid")));
  EXPECT_THAT(update, HasSubstr("  update w = "));
  for (const std::string& part : {forward, backward, update}) {
    EXPECT_FALSE(part.empty());
    EXPECT_LT(part.size(), whole.size());
  }
}

TEST(Dump, AfterShowsTheWorkBehindEachPassThatChangedIt) {
  EXPECT_THAT(dump({"05", "--after", "simplify"}), testing::StartsWith("; after simplify"));
  std::string all = dump({"05", "--after", "all"});
  std::string changed = dump({"05", "--after", "all", "--only-changed"});
  EXPECT_THAT(all, HasSubstr("(nothing changed)"));
  EXPECT_THAT(changed, Not(HasSubstr("(nothing changed)")));
  EXPECT_THAT(changed, HasSubstr("; after differentiate\n"));
  EXPECT_EQ(run_tool({"dump", "05", "--only-changed"}).code, 2);
}

TEST(Dump, ShowsEvaluationAndPredictionToo) {
  EXPECT_THAT(dump({"05", "--step", "evaluation", "--stage", "declared"}),
              HasSubstr("\nstep evaluation\n"));
  std::string prediction = dump({"05", "--step", "prediction", "--stage", "declared"});
  EXPECT_THAT(prediction, HasSubstr("\nstep prediction\n"));
  EXPECT_THAT(prediction, Not(HasSubstr("update w")));
}

TEST(Opt, SaysHowLongEachPassTook) {
  ToolRun run = run_tool({"opt", "01", "--to", "object", "--time-passes"});
  EXPECT_EQ(run.code, 0) << run.err;
  for (const char* part : {"differentiate ", "schedule ", "select ", "link ", "in all ", " ms"})
    EXPECT_THAT(run.err, HasSubstr(part));
  run = run_tool({"opt", "01", "--passes", "differentiate", "--time-passes"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("differentiate "));
}

} // namespace
