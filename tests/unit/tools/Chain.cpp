// A stage is a file that one can feed in again: from each text stage of each lesson model, opt goes
// on to what dump gives, byte for byte, and train to the same figures, bit for bit.
#include "Lessons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>

using namespace gdjit::test;

namespace {

class Chain : public testing::TestWithParam<const char*> {};

std::string file_of(int stage) {
  return std::to_string(stage) + "-" + text_stages[stage] + ".gdir";
}

TEST_P(Chain, each_stage_continues_to_each_later_one_as_dump_does) {
  for (const std::string& model : models_of(GetParam())) {
    SCOPED_TRACE(model);
    Scratch d;
    // The source beside the texts, so that they quote it.
    std::string source = std::string(GetParam()) + ".cpp";
    std::filesystem::copy_file(GDJIT_SOURCE_DIR "/examples/" + source, d.file(source));
    for (int stage = 0; stage < 7; ++stage)
      d.write(file_of(stage), run_lesson({"dump", model, "--stage", text_stages[stage]}).out);
    std::string assembly = run_lesson({"dump", model, "--stage", "object"}).out;
    for (int from = 0; from < 7; ++from) {
      for (int to = from; to < 7; ++to) {
        ToolRun run = run_tool(
            {"opt", d.file(file_of(from)), "--from", text_stages[from], "--to", text_stages[to]});
        EXPECT_EQ(run.code, 0) << run.err;
        EXPECT_TRUE(run.out == read_text(d.file(file_of(to))))
            << text_stages[from] << " to " << text_stages[to] << " gives\n"
            << run.out;
      }
      ToolRun object = run_tool({"opt", d.file(file_of(from)), "--to", "object"});
      EXPECT_EQ(object.code, 0) << object.err;
      // Loops that come as text are checked where an index is a value, as in a
      // table's look-up, or an access is masked; what a random draw reads they load
      // where they name it.
      bool differs =
          from >= 4 && std::regex_search(read_text(d.file(file_of(6))),
                                         std::regex("\\[[^\\]\n]*%| if %|\nbuffer stream "));
      EXPECT_TRUE(differs || object.out == assembly) << "from " << text_stages[from];
    }
  }
}

TEST_P(Chain, each_stage_trains_to_the_same_figures) {
  for (const std::string& model : models_of(GetParam())) {
    SCOPED_TRACE(model);
    Scratch d;
    ASSERT_EQ(run_lesson({"dump", model, "--stage", "all", "-o", d.path()}).code, 0);
    ToolRun direct = run_lesson({"train", model, "--steps", "20", "--json"});
    ASSERT_TRUE(direct.code == 0 || direct.code == 3) << direct.err;
    for (int from = 0; from < 7; ++from) {
      ToolRun run = run_tool({"train", d.file(file_of(from)), "--steps", "20", "--json"});
      ASSERT_EQ(run.code, direct.code) << text_stages[from] << run.err;
      if (run.code == 3) {
        EXPECT_THAT(run.err, testing::HasSubstr("nothing to train"));
        continue;
      }
      Json a = Json::parse(direct.out), b = Json::parse(run.out);
      for (const char* figures : {"steps", "losses", "parameters"})
        EXPECT_EQ(a[figures], b[figures]) << figures << " from " << text_stages[from];
      // From the second stage on a text is a training step and has no evaluation.
      bool draws = model.ends_with(":dropout");
      for (const char* figures : {"loss", "outputs"})
        EXPECT_EQ(a[figures] == b[figures], !draws || from == 0)
            << figures << " from " << text_stages[from];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lessons, Chain, testing::ValuesIn(lesson_files),
                         [](const auto& info) { return test_name(info.param); });

TEST(Opt, ItsPassesHeedTargetDisableAndStopAfter) {
  auto opt = [](const std::string& text, std::vector<std::string> words) {
    words.insert(words.begin(), {"opt", "-"});
    ToolRun run = run_tool(words, {.input = text});
    EXPECT_EQ(run.code, 0) << run.err;
    return run.out;
  };
  std::string loops = run_tool({"dump", "08", "--stage", "loops"}).out;
  for (const char* target : {"native", "x86-64"})
    EXPECT_EQ(opt(loops, {"--passes", "expand,schedule", "--target", target}),
              opt(loops, {"--to", "scheduled", "--target", target}));
  EXPECT_NE(opt(loops, {"--to", "scheduled", "--target", "native"}),
            opt(loops, {"--to", "scheduled", "--target", "x86-64"}));
  std::string graph = run_tool({"dump", "05", "--stage", "differentiated"}).out;
  const char* both = "fold_constants,simplify";
  std::string one = opt(graph, {"--passes", "fold_constants"});
  EXPECT_NE(opt(graph, {"--passes", both}), one);
  EXPECT_EQ(opt(graph, {"--passes", both, "--disable", "simplify"}), one);
  EXPECT_EQ(opt(graph, {"--passes", both, "--stop-after", "1"}), one);
}

} // namespace
