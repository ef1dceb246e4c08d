// Bad words on the command line, bad figures, and a run that is stopped: one message, one exit
// code.
#include "ToolMistakes.h"

using namespace gdjit::test;

namespace {

TEST(ToolMistakes, no_command) {
  EXPECT_REFUSED(run_tool({}), 2, "error: no command; there are list, train, eval, predict, dump");
}

TEST(ToolMistakes, an_unknown_command) {
  EXPECT_REFUSED(run_tool({"trian", "05"}), 2, "unknown command 'trian'; did you mean 'train'?");
}

TEST(ToolMistakes, no_model) {
  EXPECT_REFUSED(run_tool({"train"}), 2, "train: model is required", "gdjit train --help");
}

TEST(ToolMistakes, an_unknown_model) {
  EXPECT_REFUSED(run_tool({"train", "05:"}), 2, "'05:' names no model behind ':'");
  EXPECT_REFUSED(run_tool({"train", "linear_regresion"}), 2,
                 "unknown model 'linear_regresion'; did you mean '01_linear_regression'?");
  EXPECT_REFUSED(run_tool({"train", "5x"}), 2,
                 "unknown model '5x'; `gdjit list` shows the examples");
  EXPECT_REFUSED(
      run_tool({"train", "01:plus_tree"}), 2,
      "holds no model 'plus_tree', it holds twice, plus_three, same; did you mean 'plus_three'?");
}

TEST(ToolMistakes, an_unknown_flag) {
  EXPECT_REFUSED(run_tool({"train", "05", "--stepz", "3"}), 2,
                 "train: unknown option '--stepz'; did you mean '--steps'?");
  EXPECT_REFUSED(run_tool({"train", "05", "more"}), 2, "train: 'more' is one argument too many");
}

TEST(ToolMistakes, numbers_that_are_none) {
  EXPECT_REFUSED(run_tool({"train", "05", "--steps", "-1"}), 2,
                 "--steps: '-1' is no whole number of at least 0");
  EXPECT_REFUSED(run_tool({"train", "05", "--steps", "1.5"}), 2,
                 "--steps: '1.5' is no whole number of at least 0");
  EXPECT_REFUSED(run_tool({"train", "05", "--batch", "0"}), 2,
                 "--batch: '0' is no whole number of at least 1");
  EXPECT_REFUSED(run_tool({"bench", "05", "--seconds", "inf"}), 2,
                 "--seconds: 'inf' is no number above 0");
  EXPECT_REFUSED(run_tool({"train", "05", "--lr", "fast"}), 2, "--lr: 'fast' is no number");
  EXPECT_REFUSED(run_tool({"train", "05", "--seed", "99999999999999999999"}), 2,
                 "--seed: '99999999999999999999' is no whole number of 64 bits");
  EXPECT_REFUSED(run_tool({"check", "05", "--seed", "abc"}), 2,
                 "--seed: 'abc' is no whole number of at least 0");
  EXPECT_REFUSED(
      run_tool({"train", "05", "--batch", "2", "--epochs", "9000000000000000000"}), 2,
      "--epochs 9000000000000000000: of 3 batches each, that is more updates than can be counted");
}

TEST(ToolMistakes, an_unknown_option_of_the_model) {
  EXPECT_REFUSED(run_tool({"train", "05", "--set", "hidden=3"}), 2, "has no option 'hidden'");
  EXPECT_REFUSED(run_tool({"train", "05", "--set", "hidden"}), 2, "expected NAME=VALUE");
}

TEST(ToolMistakes, words_that_would_do_nothing) {
  EXPECT_REFUSED(run_tool({"explain", "02:cost_curve", "--optimizer", "adam"}), 2,
                 "model 'cost_curve' minimizes nothing", "leave the optimizer out");
  EXPECT_REFUSED(run_tool({"eval", "08", "--batch", "5"}), 2, "--batch 5: model ", "has no batch",
                 "leave --batch out");
  EXPECT_REFUSED(run_tool({"train", "01", "--lr", "0.1", "--lr", "0.2"}), 2,
                 "--lr 0.2: the learning rate of all is given twice; leave one");
  EXPECT_REFUSED(run_tool({"train", "01", "--lr", "lr=1", "--lr", "lr=2"}), 2,
                 "--lr lr=2: that of lr is given twice; leave one");
  EXPECT_REFUSED(run_tool({"train", "07:overfitting", "--set", "hidden=3", "--set", "hidden=4"}), 2,
                 "option 'hidden' of model 'overfitting' is given twice; leave one value");
}

TEST(ToolMistakes, an_unknown_pass) {
  const char* message = "unknown pass 'simplfy'; did you mean 'simplify'?\n";
  EXPECT_REFUSED(run_tool({"dump", "05", "--after", "simplfy"}), 2, message);
  EXPECT_REFUSED(run_tool({"opt", "05", "--passes", "simplfy"}), 2, message);
  EXPECT_REFUSED(run_tool({"dump", "05", "--stage", "fused", "--disable", "simplfy"}), 2,
                 "unknown pass 'simplfy'");
  EXPECT_REFUSED(run_tool({"opt", "05", "--passes", "qqq"}), 2,
                 "unknown pass 'qqq'; `gdjit doc passes` lists them");
  for (const char* passes : {"simplify,eliminate_dead_code", "specialize,schedule"})
    EXPECT_REFUSED(run_tool({"opt", "05", "--passes", passes}), 2, "works on stage",
                   "the step is at declared there", "gdjit doc passes");
}

TEST(ToolMistakes, an_unknown_option_in_the_place_of_the_model) {
  EXPECT_REFUSED(run_tool({"train", "--hlep"}), 2, "train: unknown option '--hlep'; did you mean '--help'?");
}

TEST(ToolMistakes, what_a_text_no_longer_has) {
  Scratch d;
  std::string text = d.write("loops.gdir", run_tool({"dump", "05", "--stage", "loops"}).out);
  EXPECT_REFUSED(run_tool({"dump", text, "--step", "evaluation"}), 2,
                 "--step chooses among the steps of a model; a text holds one");
  EXPECT_REFUSED(run_tool({"bench", text, "--outputs", "loss"}), 2,
                 "is a text, which computes what it says; give the model's source");
  EXPECT_REFUSED(run_tool({"explain", "05", "--outputs", "loss,los"}), 2,
                 "has no output 'los'; did you mean 'loss'?");
  EXPECT_REFUSED(run_tool({"dump", text, "--after", "simplify"}), 2,
                 "--after simplify: ", "stands at stage loops, behind that pass");
  EXPECT_REFUSED(run_tool({"dump", "05", "--values", "--as", "dot"}), 2,
                 "--values prints text or json, not dot");
}

TEST(ToolMistakes, an_unknown_stage) {
  EXPECT_REFUSED(run_tool({"dump", "05", "--stage", "lops"}), 2,
                 "unknown stage 'lops'; did you mean 'loops'?");
  EXPECT_REFUSED(run_tool({"opt", "05", "--to", "qqq"}), 2,
                 "unknown stage 'qqq'; the stages are declared");
}

TEST(ToolMistakes, words_that_are_empty) {
  EXPECT_REFUSED(run_tool({"dump", "05", "--stage", ""}), 2, "--stage: '' names nothing");
  EXPECT_REFUSED(run_tool({"dump", "05", "-o", ""}), 2, "--output: '' names nothing");
  EXPECT_REFUSED(run_tool({"opt", "05", "-o", ""}), 2, "--output: '' names nothing");
}

TEST(ToolMistakes, help_that_cannot_be_written) {
  for (const char* word : {"--help", "--version"})
    EXPECT_REFUSED(run_tool({word}, {.out_to = "/dev/full"}), 7, "standard output: ");
}

TEST(ToolMistakes, other_unknown_words) {
  EXPECT_REFUSED(run_tool({"dump", "05", "--as", "maths"}), 2,
                 "--as: 'maths' is none of text, math, dot, svg, json; did you mean 'math'?");
  EXPECT_REFUSED(run_tool({"train", "05", "--dtype", "f16"}), 2, "--dtype f16");
  EXPECT_REFUSED(run_tool({"train", "05", "--target", "arm"}), 2, "unknown target arm",
                 "x86-64-v3");
  EXPECT_REFUSED(run_tool({"train", "05", "-O", "7"}), 2, "unknown optimization level 7",
                 "0, 2, 3");
  EXPECT_REFUSED(run_tool({"doc", "opps"}), 2,
                 "unknown page 'opps', there are ops, passes, stages; did you mean 'ops'?");
  EXPECT_REFUSED(run_tool({"doc", "ops", "matmull"}), 2,
                 "unknown op 'matmull'; did you mean 'matmul'?");
}

TEST(ToolMistakes, learning_rates_that_are_negative_or_not_finite) {
  for (const char* rate : {"-1", "nan", "inf"})
    EXPECT_REFUSED(run_tool({"train", "05", "--lr", rate}), 2, "--lr: the learning rate lr is ",
                   "must be finite and not negative");
  EXPECT_EQ(run_tool({"train", "05", "--lr", "0", "--steps", "3"}).code, 0);
}

TEST(ToolMistakes, a_criterion_of_no_figure_is_refused_before_the_run) {
  ToolRun run = run_tool({"train", "05", "--expect", "los<3"});
  EXPECT_REFUSED(run, 2, "no figure 'los', there are loss, accuracy", "did you mean 'loss'?");
  EXPECT_THAT(run.err, testing::Not(testing::HasSubstr("step ")));
  EXPECT_REFUSED(run_tool({"train", "05", "--expect", "loss"}), 2, "as in 'loss<0.05'");
}

TEST(ToolMistakes, a_criterion_that_is_not_met_exits_with_1_behind_the_results) {
  ToolRun run = run_tool({"train", "05", "--steps", "1", "-q", "--expect", "loss<0.1"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, testing::HasSubstr("not met: loss<0.1, it is "));
  EXPECT_THAT(run.out, testing::StartsWith("loss "));
}

TEST(ToolMistakes, a_value_that_is_not_finite_names_op_and_line) {
  Scratch scratch;
  std::string source =
      scratch.write("nan.cpp", with(line_model, "matmul(x, w)", "log(matmul(x, w) - 1)"));
  EXPECT_REFUSED(run_tool({"train", source, "--check-nan", "-q"}), 6,
                 "nan.cpp:8:", "step 0: the result of log", "forward");
}

TEST(ToolMistakes, an_interrupt_ends_in_order_with_130) {
  ToolRun run = run_tool({"train", "05", "--steps", "1000000000"}, {.interrupt_at = "loss"});
  EXPECT_EQ(run.code, 130);
  EXPECT_THAT(run.err, testing::HasSubstr("interrupted after "));
  EXPECT_THAT(run.out, testing::StartsWith("loss ")) << "what was reached is printed";
}

TEST(ToolMistakes, a_reader_that_goes_away_is_no_crash) {
  ToolRun run = run_shell("gdjit dump 05 --stage all | head -1; echo ${PIPESTATUS[0]}");
  EXPECT_THAT(run.out, testing::StartsWith("; ---- declared ----\n"));
  EXPECT_THAT(run.out, testing::AnyOf(testing::HasSubstr("\n141\n"), testing::HasSubstr("\n0\n")));
  EXPECT_THAT(run.err, testing::Not(testing::HasSubstr("error")));
}

TEST(ToolMistakes, the_benchmarks_of_no_build) {
  const std::string run = GDJIT_SOURCE_DIR "/tests/benchmarks/run";
  EXPECT_REFUSED(run_shell(run + " /nonexistent"), 2,
                 "/nonexistent is no build with -DGDJIT_BENCHMARKS=ON", "cmake --build");
  EXPECT_REFUSED(run_shell(run), 2, "no folder is no build");
}

} // namespace
