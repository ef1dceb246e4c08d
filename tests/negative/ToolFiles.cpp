// Files that cannot be written or read, and texts that are wrong: place and remedy, nothing left.
#include "ToolMistakes.h"

#include <sys/stat.h>

using namespace gdjit::test;

namespace {

/// The declared text of lesson 1.
const std::string& declared() {
  static const std::string text = run_tool({"dump", "01", "--stage", "declared"}).out;
  return text;
}

ToolRun opt(const std::string& text) { return run_tool({"opt", "-"}, {.input = text}); }

TEST(ToolFiles, a_folder_that_is_not_there_before_the_run_begins) {
  for (const char* option : {"--metrics", "--plot"}) {
    ToolRun run = run_tool(
        {"train", "05", "--steps", "3", option,
         std::string(option) == "--plot" ? "cost=/nonexistent/x.svg" : "/nonexistent/x.csv"});
    EXPECT_REFUSED(run, 7, "folder /nonexistent: No such file or directory");
    EXPECT_EQ(run.err.find("step 0"), std::string::npos);
  }
}

TEST(ToolFiles, a_full_standard_output) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"train", "05", "-q", "--steps", "3"},
        {"dump", "05"},
        {"list"},
        {"doc", "ops"},
        {"info"},
        {"opt", "05"},
        {"train", "05", "-q", "--steps", "3", "--json"}})
    EXPECT_REFUSED(run_tool(command, {.out_to = "/dev/full"}), 7,
                   "standard output: No space left on device");
}

TEST(ToolFiles, closed_streams) {
  EXPECT_REFUSED(run_tool({"train", "05", "-q", "--steps", "3"}, {.close_out = true}), 7,
                 "standard output: Bad file descriptor");
  ToolRun run = run_tool({"train", "05", "--steps", "3"}, {.close_err = true});
  EXPECT_EQ(run.code, 0) << "nobody reads the progress, and that is all";
  EXPECT_THAT(run.out, testing::StartsWith("loss "));
}

TEST(ToolFiles, targets_that_cannot_be_written) {
  EXPECT_REFUSED(run_tool({"opt", "05", "-o", "/dev/full"}), 7,
                 "cannot write '/dev/full': No space left");
  EXPECT_REFUSED(run_tool({"dump", "05", "--stage", "all", "-o", "/dev/full"}), 7, "/dev/full");
  EXPECT_REFUSED(run_tool({"opt", "05", "-o", "/nonexistent/x.gdir"}), 7, "/nonexistent/x.gdir",
                 "No such file");
  EXPECT_REFUSED(run_tool({"opt", "05", "-o", "/proc/x.gdir"}), 7, "/proc/x.gdir");
}

TEST(ToolFiles, a_folder_without_permission) {
  if (geteuid() == 0)
    GTEST_SKIP() << "root may write everywhere";
  Scratch scratch;
  chmod(scratch.path().c_str(), 0555);
  EXPECT_REFUSED(run_tool({"opt", "05", "-o", scratch.file("x.gdir")}), 7, "Permission denied");
  EXPECT_TRUE(scratch.names().empty());
}

TEST(ToolFiles, a_failed_run_leaves_an_older_file_alone) {
  Scratch scratch;
  std::string file = scratch.write("x.gdir", "older");
  EXPECT_REFUSED(run_tool({"opt", "-", "-o", file}, {.input = "gdir 1\nstage"}), 3, "<stdin>:2:6");
  EXPECT_EQ(read_text(file), "older");
  EXPECT_EQ(scratch.names(), std::vector<std::string>{"x.gdir"});
}

TEST(ToolFiles, models_that_are_none) {
  EXPECT_REFUSED(run_tool({"train", "nofile.cpp"}), 7, "nofile.cpp: no such file");
  EXPECT_REFUSED(run_tool({"opt", "nofile.gdir"}), 7, "nofile.gdir: no such file");
  EXPECT_REFUSED(run_tool({"train", "/tmp"}), 7, "/tmp is a folder, not a model");
  EXPECT_REFUSED(run_tool({"train", "/etc/passwd"}), 2, "ends in neither .cpp, .so nor .gdir");
  EXPECT_REFUSED(run_tool({"list", "x.gdir"}), 2, "holds one step, not a file of models");
}

TEST(ToolFiles, a_shared_object_that_cannot_be_read) {
  Scratch scratch;
  EXPECT_REFUSED(run_tool({"train", scratch.write("bad.so", "no ELF")}), 3,
                 "bad.so cannot be loaded", "gdjit_add_model");
  EXPECT_REFUSED(run_tool({"train", scratch.file("none.so")}), 7, "none.so: no such file");
  std::string whole = read_text(GDJIT_BINARY_DIR "/lib/gdjit/examples/01_linear_regression.so");
  ASSERT_GT(whole.size(), 10'000u);
  EXPECT_REFUSED(run_tool({"train", scratch.write("cut.so", whole.substr(0, whole.size() / 2))}), 3,
                 "cut.so cannot be loaded: the file is cut off; build it again");
  EXPECT_REFUSED(run_tool({"train", GDJIT_BINARY_DIR "/lib/libgdjit.so"}), 3,
                 "GDJIT_MODEL(function");
}

TEST(ToolFiles, a_shared_object_of_another_version) {
  Scratch scratch;
  // Its accessor is all that such an object shares with ours.
  std::string source = scratch.write("old.c", "const char* gdjit_model_rows(void*** b, void*** e)"
                                              "{ *b = *e = 0; return \"gdjit 0.0.1 abi 0\"; }");
  ASSERT_EQ(run_shell("cc -shared -fPIC -o " + scratch.file("old.so") + " " + source).code, 0);
  EXPECT_REFUSED(run_tool({"train", scratch.file("old.so")}), 3, "old.so",
                 "was built against gdjit 0.0.1 abi 0, this is gdjit", "build it again");
}

TEST(ToolFiles, empty_and_truncated_texts) {
  EXPECT_REFUSED(opt(""), 3, "<stdin>:1:1: error: the text is empty; it begins with 'gdir 1'");
  for (size_t part : {1, 2, 3})
    EXPECT_REFUSED(opt(declared().substr(0, declared().size() * part / 4)), 3, "<stdin>:");
}

TEST(ToolFiles, wrong_texts_by_line_and_column) {
  EXPECT_REFUSED(opt(with(declared(), "= matmul", "= matmull")), 3, "matmull",
                 "did you mean 'matmul'?");
  EXPECT_REFUSED(opt(with(declared(), "square %7", "square %77")), 3, "%77");
  EXPECT_REFUSED(opt(with(declared(), "%7 = sub", "%4 = sub")), 3, "%4");
  EXPECT_REFUSED(opt(with(declared(), "sub %h, %y : f32[3,1]", "sub %h, %y : f32[3,2]")), 3,
                 "f32[3,2]", "f32[3,1]");
  EXPECT_REFUSED(opt(with(declared(), "%x = input x : f32[3,1]",
                          "%x = input x : f32[99999999999,99999999999]")),
                 3, "<stdin>:23:18", "more than 2^40 elements");
  EXPECT_REFUSED(opt(with(declared(), "stage declared", "stage declred")), 3, "<stdin>:2:7",
                 "declred");
  EXPECT_REFUSED(opt(with(declared(), "gdir 1", "gdir 9")), 3, "<stdin>:1:7", "reads version 1");
}

TEST(ToolFiles, literals_and_loops_nested_past_the_stated_depth) {
  EXPECT_REFUSED(opt(with(declared(), "= [[1], [2], [3]]", "= " + std::string(100'000, '['))), 3,
                 "<stdin>:");
  std::string loops = run_tool({"dump", "01", "--stage", "loops"}).out, deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "for %q" + std::to_string(i) + " in 0..1 {\n";
  size_t body = loops.find("  for ");
  ASSERT_NE(body, std::string::npos) << loops;
  EXPECT_REFUSED(opt(loops.insert(body, deep)), 3, "<stdin>:");
}

TEST(ToolFiles, loops_written_by_hand_that_leave_a_buffer) {
  std::string loops = run_tool({"opt", "01", "--to", "planned"}).out;
  std::string far = with(loops, "  store minimize/step.next",
                         "  %999 = 1000000000000 : i64\n  store minimize/step.next");
  far = with(far, " b[0]", " b[%999]");
  EXPECT_REFUSED(run_tool({"train", "-", "-q"}, {.input = far}), 7,
                 "load of b, axis 0: index out of range at position 1000000000000");
}

TEST(ToolFiles, rows_that_are_missing_or_do_not_fit) {
  Scratch d;
  std::string text =
      with(declared(), "data x : f32[3,1] = [[1], [2], [3]]", "data x = file \"x.npy\"");
  std::string step = d.write("step.gdir", text);
  EXPECT_REFUSED(run_tool({"train", step, "-q"}), 7, d.file("x.npy"), "No such file");
  d.write("x.npy", "no array");
  EXPECT_REFUSED(run_tool({"train", step, "-q"}), 7, d.file("x.npy"), ".npy");
  d.write("step.gdir", with(declared(), "data x : f32[3,1] = [[1], [2], [3]]\n", ""));
  EXPECT_REFUSED(run_tool({"train", step, "-q"}), 7, "has no rows for 1 of its inputs", "m.data(",
                 "x : f32[3,1]");
}

TEST(ToolFiles, texts_asked_for_what_they_do_not_hold) {
  std::string fused = run_tool({"dump", "01", "--stage", "fused"}).out;
  EXPECT_REFUSED(run_tool({"opt", "-", "--to", "declared"}, {.input = fused}), 2, "declared",
                 "fused");
  EXPECT_REFUSED(run_tool({"dump", "-", "--stage", "declared"}, {.input = fused}), 2,
                 "stands at stage fused");
  EXPECT_REFUSED(run_tool({"opt", "-", "--from", "loops"}, {.input = fused}), 2,
                 "stands at stage fused, not at loops");
  EXPECT_REFUSED(
      run_tool({"train", "-", "--batch", "5"}, {.input = fused}), 3,
      "this text holds a step for 3 rows, not for 5; dump the model again with --batch 5, or "
      "take the model itself, which is compiled for any number\n");
  EXPECT_REFUSED(run_tool({"train", "-", "--dtype", "f64"}, {.input = fused}), 2, "is a text",
                 "--dtype");
}

TEST(ToolFiles, texts_with_other_numbers_of_rows) {
  Scratch d;
  const std::string two = d.write("two.csv", "x,y\n1,2\n2,4\n"),
                    four = d.write("four.csv", "x,y\n1,2\n2,4\n3,6\n4,8\n");
  const std::string saved = d.file("s");
  EXPECT_EQ(run_tool({"train", "01", "-q", "--save", saved}).code, 0);
  for (const char* stage : {"declared", "fused", "loops", "planned"}) {
    SCOPED_TRACE(stage);
    const RunOptions text{.input = run_tool({"dump", "01", "--stage", stage}).out};
    const std::string own = "this text holds a step for 3 rows, not for ";
    for (std::vector<std::string> words :
         {std::vector<std::string>{"train", "-"}, {"eval", "-", "--load", saved}}) {
      words.insert(words.end(), {"--data", two});
      EXPECT_REFUSED(run_tool(words, text), 3,
                     own + "2; dump the model again with --batch 2 or a divisor of that");
      words.back() = four;
      EXPECT_REFUSED(run_tool(words, text), 3,
                     own + "1, the last batch of 4; dump the model again with --batch 4 or a "
                           "divisor of that");
    }
    EXPECT_REFUSED(run_tool({"predict", "-", "--load", saved, "--data", two}, text), 3,
                   own + "2; ");
    EXPECT_REFUSED(
        run_tool({"train", "-", "--data", four, "--split", "0.25", "--metrics", d.file("m.csv")},
                 text),
        3, own + "1; dump the model again with --batch 1, or take ");
  }
}

} // namespace
