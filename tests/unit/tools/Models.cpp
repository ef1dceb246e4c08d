// Every way to give the tool a model, the cache of compiled sources, help, and a bug of ours.
#include "Lessons.h"
#include "ToolRows.h"

#include "gdjit/IO/Npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>

using namespace gdjit;
using namespace gdjit::test;
using testing::HasSubstr;

namespace {

TEST(Words, NameTheSameModelInEachWay) {
  auto figures = [](const std::string& word, const std::string& input = "") {
    ToolRun run = run_tool({"train", word, "--steps", "7", "--json"}, {.input = input});
    EXPECT_EQ(run.code, 0) << word << "\n" << run.err;
    return run.code == 0 ? Json::parse(run.out)["losses"] : Json();
  };
  Json expected = figures("05_logistic_regression");
  ASSERT_EQ(expected.size(), 7u);
  EXPECT_EQ(figures("05"), expected);
  EXPECT_EQ(figures("logistic_regression"), expected);
  EXPECT_EQ(figures("05:by_hand"), expected);
  EXPECT_EQ(figures(GDJIT_BINARY_DIR "/lib/gdjit/examples/05_logistic_regression.so"), expected);
  EXPECT_EQ(figures(GDJIT_SOURCE_DIR "/examples/05_logistic_regression.cpp"), expected);
  EXPECT_EQ(figures(GDJIT_SOURCE_DIR "/examples/05_logistic_regression.cpp:by_hand"), expected);
  Scratch d;
  std::string text = run_tool({"dump", "05", "--stage", "declared"}).out;
  EXPECT_EQ(figures(d.write("step.gdir", text)), expected);
  EXPECT_EQ(figures("-", text), expected);
}

TEST(Words, WithoutAModelTheFirstIsTakenAndTheRestNamed) {
  EXPECT_THAT(run_tool({"info", "02"}).err,
              HasSubstr("by_hand is the first model of 02; also there: by_minimize, cost_curve"));
  EXPECT_EQ(run_tool({"info", "02:by_minimize"}).err, "");
}

TEST(Sources, AreCompiledOnceAndAgainWhenAHeaderChanges) {
  Scratch d;
  d.write("rate.h", "constexpr double rate = 0.05;\n");
  std::string model =
      d.write("line.cpp", "#include \"rate.h\"\n" + with(line_model, "0.05", "rate"));
  std::string compiler =
      d.write("cxx", "#!/bin/sh\necho x >> " + d.file("log") + "\nexec c++ \"$@\"\n");
  std::filesystem::permissions(compiler, std::filesystem::perms::owner_all);
  RunOptions options{.environment = {{"XDG_CACHE_HOME", d.file("cache")}, {"CXX", compiler}}};
  auto lr = [&](const std::string& text) {
    ToolRun run = run_tool({"dump", model, "--stage", "declared"}, options);
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("scalar lr : f32 = " + text + " "));
    return read_text(d.file("log"));
  };
  EXPECT_EQ(lr("0.05"), "x\n");
  EXPECT_EQ(lr("0.05"), "x\n") << "unchanged, it is not compiled again";
  d.write("rate.h", "constexpr double rate = 0.25;\n");
  EXPECT_EQ(lr("0.25"), "x\nx\n");
  d.write("rate.h", "constexpr double rate = 0.05;\n");
  EXPECT_EQ(lr("0.05"), "x\nx\n") << "the first object is still there";
}

/// What tells a file that is as it was from one that was written again: not its time and size
/// alone.
TEST(Sources, ThatWereWrittenAgainAtTheSameTimeAreReadAgain) {
  namespace fs = std::filesystem;
  Scratch d;
  const std::string header = d.write("rate.h", "constexpr double rate = 0.05;\n");
  const std::string model =
      d.write("line.cpp", "#include \"rate.h\"\n" + with(line_model, "0.05", "rate"));
  auto lr = [&] {
    ToolRun run = run_tool({"dump", model, "--stage", "declared"},
                           {.environment = {{"XDG_CACHE_HOME", d.file("cache")}}});
    EXPECT_EQ(run.code, 0) << run.err;
    const size_t at = run.out.find("scalar lr : f32 = ");
    return at == std::string::npos ? run.out : run.out.substr(at + 18, 4);
  };
  auto list = [&] { // of the one model
    for (const fs::directory_entry& entry : fs::directory_iterator(d.file("cache/gdjit/models")))
      if (entry.path().extension() == ".files")
        return entry.path().string();
    return std::string();
  };
  const auto time = fs::last_write_time(header);
  EXPECT_EQ(lr(), "0.05");
  std::this_thread::sleep_for(std::chrono::milliseconds(3100));
  EXPECT_EQ(lr(), "0.05");
  EXPECT_THAT(read_text(list()), testing::Not(HasSubstr("0000000000000000 ")));
  EXPECT_EQ(lr(), "0.05");
  d.write("rate.h", "constexpr double rate = 0.25;\n");
  fs::last_write_time(header, time);
  EXPECT_EQ(lr(), "0.25");
  // What is no list, or one of a version of old, or cut short, is none.
  const std::string whole = read_text(list()),
                    cut = whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1);
  for (const std::string& other :
       {header + "\n", std::string("0123456789abcdef\n0123456789abcdef\n"), cut}) {
    std::ofstream(list()) << other;
    EXPECT_EQ(lr(), "0.25");
    EXPECT_EQ(read_text(list()).size(), whole.size()) << "it was compiled again";
  }
  for (const double left : {0.0, 0.5, 0.99}) // of an object that was cut off, or ends in zeros
    for (const bool zeros : {false, true}) {
      for (const fs::directory_entry& entry : fs::directory_iterator(d.file("cache/gdjit/models")))
        if (entry.path().extension() == ".so") {
          const uintmax_t whole = fs::file_size(entry.path());
          fs::resize_file(entry.path(), static_cast<uintmax_t>(left * static_cast<double>(whole)));
          if (zeros)
            fs::resize_file(entry.path(), whole);
        }
      EXPECT_EQ(lr(), "0.25") << left << zeros << ": it is made again";
    }
  const std::string path = list();
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_EQ(lr(), "0.25");
}

/// A header that takes the place of one while it is compiled, however old it is, belongs to no
/// object that is kept: neither one that is moved there nor one that a link or a folder now leads
/// to.
TEST(Sources, ReplacedByOlderOnesWhileTheyCompileAreNotKept) {
  namespace fs = std::filesystem;
  for (const char* replace : {"mv other/rate.h used/rate.h", "ln -sfn ../other/rate.h used/rate.h",
                              "mv used before && mv other used", "ln -sfn other link",
                              "mv used before && mv other used && : link"}) {
    Scratch d;
    SCOPED_TRACE(replace);
    d.write("used/rate.h", "constexpr double rate = 0.05;\n");
    const std::string other = d.write("other/rate.h", "constexpr double rate = 0.25;\n");
    fs::create_directory_symlink("used", d.file("link"));
    fs::last_write_time(other, fs::file_time_type::clock::now() - std::chrono::hours(24));
    const std::string folder = std::string(replace).ends_with("link") ? "link" : "used";
    const std::string model = d.write("line.cpp", "#include \"" + folder + "/rate.h\"\n" +
                                                      with(line_model, "0.05", "rate"));
    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // older than what is compiled
    const std::string compiler =
        d.write("cxx", "#!/bin/sh\nc++ \"$@\" && cd " + d.path() +
                           " && [ -e done ] || { touch done; " + replace + "; }\n");
    fs::permissions(compiler, fs::perms::owner_all);
    RunOptions options{.environment = {{"XDG_CACHE_HOME", d.file("cache")}, {"CXX", compiler}}};
    for (const char* rate : {"0.05", "0.25", "0.25"})
      EXPECT_THAT(run_tool({"dump", model, "--stage", "declared"}, options).out,
                  HasSubstr("scalar lr : f32 = " + std::string(rate) + " "));
  }
}

TEST(Sources, RunWithoutACacheToWriteTo) {
  Scratch d;
  std::string model = d.write("line.cpp", line_model);
  ToolRun run = run_tool({"train", model, "--steps", "1", "-q"},
                         {.environment = {{"XDG_CACHE_HOME", "/proc/none"}, {"TMPDIR", d.path()}}});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(d.names(), std::vector<std::string>{"line.cpp"}) << "nothing is left behind";
}

TEST(Sources, RunWithAFullCache) {
  Scratch d;
  const std::string model = d.write("line.cpp", line_model), cache = d.file("cache");
  std::filesystem::create_directory(cache);
  const std::string in_full = "unshare --mount --map-root-user sh -c 'mount -t tmpfs -o size=64k "
                              "none " +
                              cache + " && XDG_CACHE_HOME=" + cache + " exec ";
  if (run_shell(in_full + "true'").code != 0)
    GTEST_SKIP() << "nobody may mount here";
  ToolRun run = run_shell(in_full + "gdjit train " + model + " --steps 1 -q'");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.err, "");
}

TEST(Sources, InterruptedWhileTheyCompileLeaveNothing) {
  Scratch d;
  std::string model = d.write("line.cpp", line_model);
  std::string compiler = d.write("cxx", "#!/bin/sh\necho compiling\nexec sleep 50\n");
  std::filesystem::permissions(compiler, std::filesystem::perms::owner_all);
  for (int signal : {SIGINT, SIGHUP}) {
    ToolRun run = run_tool({"train", model},
                           {.environment = {{"XDG_CACHE_HOME", d.file("cache")}, {"CXX", compiler}},
                            .interrupt_at = "compiling",
                            .interrupt_by = signal});
    EXPECT_EQ(run.code, 130) << run.signal << run.err;
    EXPECT_THAT(run.err, HasSubstr("interrupted while cxx was running"));
    EXPECT_TRUE(std::filesystem::is_empty(d.file("cache/gdjit/models")));
  }
}

TEST(Sources, WhatAKilledRunLeftIsRemovedWhatALivingOneMakesIsNot) {
  Scratch d;
  namespace fs = std::filesystem;
  std::string model = d.write("line.cpp", line_model);
  std::string left = d.file("cache/gdjit/models/making-aaaaaa"),
              living = d.file("cache/gdjit/models/making-bbbbbb");
  d.write("cache/gdjit/models/making-aaaaaa/model.so", "half");
  fs::create_directories(living);
  int lock = open(living.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  for (const std::string& folder : {left, living})
    fs::last_write_time(folder, fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(run_tool({"dump", model}, {.environment = {{"XDG_CACHE_HOME", d.file("cache")}}}).code,
            0);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(living));
  close(lock);
}

TEST(Sources, ACompilerThatWritesNothingIsNamed) {
  Scratch d;
  ToolRun run =
      run_tool({"dump", d.write("line.cpp", line_model)}, {.environment = {{"CXX", "/bin/true"}}});
  EXPECT_EQ(run.code, 4);
  EXPECT_THAT(run.err, HasSubstr("line.cpp does not compile: '/bin/true' says nothing and writes "
                                 "nothing; name a C++ compiler"));
}

/// Lines of a command's help that begin with "  gdjit".
std::vector<std::string> examples(const std::string& command) {
  std::istringstream help(run_tool({command, "--help"}).out);
  std::vector<std::string> lines;
  for (std::string line; std::getline(help, line);)
    if (line.starts_with("  gdjit "))
      lines.push_back(line.substr(2));
  return lines;
}

TEST(Help, ItsExamplesWorkWhenPasted) {
  Scratch d;
  for (const char* file : {"line.cpp", "my_model.cpp", "my_models.cpp"}) // as users have them
    d.write(file, line_model);
  d.write("scores.cpp", scores_models);
  d.write("scores.csv", scores_of(4));
  d.write("new.csv", "quiz1,quiz2,quiz3,final\n80,85,90,170\n60,61,59,120\n");
  write_npy(d.file("new.npy"),
            TensorView("", Array({DType::f32, {2, 3}}, {80, 85, 90, 60, 61, 59})));
  for (const char* command : {"list", "train", "eval", "predict", "dump", "opt", "check", "bench",
                              "explain", "doc", "info"}) {
    std::vector<std::string> lines = examples(command);
    EXPECT_FALSE(lines.empty()) << command;
    for (std::string line : lines) {
      if (std::string(command) == "bench")
        line += " --seconds 0.01 --compiles 1"; // not to wait
      ToolRun run = run_shell("set -o pipefail; " + line, {.folder = d.path()});
      EXPECT_EQ(run.code, 0) << line << "\n" << run.err;
    }
  }
}

TEST(Help, TheFirstExampleOfEachCommandNeedsNoFile) {
  for (const char* command : {"list", "train", "dump", "opt", "check", "doc", "info"}) {
    std::vector<std::string> lines = examples(command);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(run_shell(lines[0], {.folder = "/"}).code, 0) << lines[0];
  }
}

TEST(Bugs, ExitWith70AndAReproducerThatReadsBack) {
  Scratch d;
  // An internal error where the model is declared a second time, for its one example row.
  std::string model =
      d.write("bug.cpp", with(line_model, "  m.output(\"h\", h);",
                              "  if (m.batch() == 1) throw InternalError(\"a broken invariant\");\n"
                              "  m.output(\"h\", h);\n  m.examples({{\"x\", {{4}}}});"));
  ToolRun run = run_tool({"train", model, "-q", "--steps", "2"}, {.folder = d.path()});
  EXPECT_EQ(run.code, 70) << run.err;
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("internal error in gdjit: a broken invariant"));
  size_t at = run.err.find("gdjit-bug-");
  ASSERT_NE(at, std::string::npos);
  std::string file = d.file(run.err.substr(at, run.err.find(' ', at) - at));
  EXPECT_THAT(read_text(file), HasSubstr("; command: gdjit train "));
  ToolRun again = run_tool({"opt", file});
  EXPECT_EQ(again.code, 0) << again.err;
}

TEST(Words, TooLongOrStrangeAreNoBugOfOurs) {
  for (const std::string& word :
       {std::string(5000, 'a'), std::string(5000, 'a') + ".cpp", std::string(300, 'a') + ":b",
        std::string("\n"), std::string(":"), std::string("a:b:c"), std::string("05:"),
        std::string("/:x"), std::string("/dev/null/x.gdir")}) {
    ToolRun run = run_tool({"train", word, "-q"});
    EXPECT_TRUE(run.code == 2 || run.code == 7) << word << run.code << run.err;
  }
}

} // namespace
