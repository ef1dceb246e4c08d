// Runs that stop and go on: to the bit as if they had never stopped, whenever they were stopped.
#include "Lessons.h"
#include "ToolRows.h"

#include "gdjit/Data/Checkpoint.h"
#include "gdjit/Support/Error.h"

#include <chrono>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

using namespace gdjit;
using namespace gdjit::test;
using testing::HasSubstr;

namespace {

using Words = std::vector<std::string>;

/// A run over 11 shuffled rows in batches of 4, 4 and 3, with a development part.
class Runs : public testing::Test {
protected:
  Words noisy(const std::string& name, const Words& length) const {
    Words words = {"train",     scores_file("noisy"),
                   "-q",        "--data",
                   rows_,       "--columns",
                   "x=1:3,y=4", "--standardize",
                   "x",         "--split",
                   "0.1",       "--batch",
                   "4",         "--shuffle",
                   "--seed",    "5",
                   "--lr",      "0.02",
                   "--metrics", folder_.file(name + ".jsonl"),
                   "--save",    folder_.file(name)};
    words.insert(words.end(), length.begin(), length.end());
    return words;
  }
  Words resumed(const std::string& name) const {
    return {"train",
            scores_file("noisy"),
            "-q",
            "--metrics",
            folder_.file(name + ".jsonl"),
            "--save",
            folder_.file(name),
            "--resume",
            folder_.file(name)};
  }
  void run(Words words, const Words& more = {}) const {
    words.insert(words.end(), more.begin(), more.end());
    ToolRun run = run_tool(std::move(words));
    ASSERT_EQ(run.code, 0) << run.err;
  }
  std::string bytes(const std::string& name) const { return read_text(folder_.file(name)); }

  Scratch folder_;
  std::string rows_ = folder_.write("rows.csv", scores_csv);
};

TEST_F(Runs, ResumedAtEachStepEndInTheSameBytes) {
  run(noisy("whole", {"--epochs", "5"}));
  ASSERT_EQ(read_checkpoint(folder_.file("whole")).step, 15);
  // To there, on into an epoch, and to the end.
  for (const char* steps : {"0", "1", "5", "8", "9"}) {
    std::filesystem::remove(folder_.file("parts"));
    std::filesystem::remove(folder_.file("parts.jsonl"));
    run(noisy("parts", {"--steps", steps}));
    EXPECT_EQ(read_checkpoint(folder_.file("parts")).step, std::stoi(steps));
    run(resumed("parts"), {"--steps", "11"});
    run(resumed("parts"), {"--epochs", "5"});
    EXPECT_EQ(bytes("parts"), bytes("whole")) << steps;
    EXPECT_EQ(bytes("parts.jsonl"), bytes("whole.jsonl")) << steps;
  }
}

TEST_F(Runs, ThatAreInterruptedSaveAndGoOn) {
  Words words = noisy("run", {"--epochs", "100000000"});
  std::erase(words, "-q");
  ToolRun stopped = run_tool(words, {.interrupt_at = "epoch 20 "});
  EXPECT_EQ(stopped.code, 130);
  EXPECT_THAT(stopped.err, HasSubstr("saved to " + folder_.file("run")));
  int64_t step = read_checkpoint(folder_.file("run")).step;
  EXPECT_GE(step, 60);
  EXPECT_THAT(stopped.err, HasSubstr(fmt::format("interrupted after {} updates", step)));
  int64_t epochs = step / 3 + 2;
  run(resumed("run"), {"--epochs", std::to_string(epochs)});
  run(noisy("whole", {"--epochs", std::to_string(epochs)}));
  EXPECT_EQ(bytes("run"), bytes("whole"));
  EXPECT_EQ(bytes("run.jsonl"), bytes("whole.jsonl"));
}

TEST_F(Runs, KilledAtRandomInstantsLoseNothing) {
  constexpr int kills = 200, epochs = 12;
  const Words length = {"--epochs", std::to_string(epochs), "--save-every", "1"};
  constexpr auto limit = std::chrono::seconds(120);
  using Clock = std::chrono::steady_clock;
  auto begin = Clock::now();
  run(noisy("whole", length));
  double duration = std::chrono::duration<double>(Clock::now() - begin).count();
  std::mt19937 random(7);
  std::uniform_real_distribution<double> instant(0, duration);
  int killed = 0, finished = 0;
  int64_t last = 0;
  std::string path = folder_.file("run");
  for (; killed < kills && Clock::now() - begin < limit;) {
    Words words = std::filesystem::exists(path) ? resumed("run") : noisy("run", {});
    words.insert(words.end(), length.begin(), length.end());
    ToolRun run = run_tool(words, {.kill_after = std::max(1e-3, instant(random))});
    if (run.signal == SIGKILL)
      ++killed;
    else
      ASSERT_EQ(run.code, 0) << run.err;
    if (!std::filesystem::exists(path))
      continue; // before its first save
    Checkpoint checkpoint;
    ASSERT_NO_THROW(checkpoint = read_checkpoint(path));
    EXPECT_GE(checkpoint.step, last) << "what was saved is never lost";
    last = checkpoint.step;
    if (checkpoint.step < epochs * 3)
      continue;
    // At the end: compare, and begin anew.
    run_tool(resumed("run"));
    ASSERT_EQ(bytes("run").size(), bytes("whole").size());
    EXPECT_TRUE(bytes("run") == bytes("whole"));
    EXPECT_EQ(bytes("run.jsonl"), bytes("whole.jsonl"));
    std::filesystem::remove(path);
    std::filesystem::remove(folder_.file("run.jsonl"));
    last = 0;
    ++finished;
  }
  RecordProperty("killed", killed);
  RecordProperty("finished", finished);
  EXPECT_GT(killed, 0);
  if (!std::filesystem::exists(path))
    run(noisy("run", length));
  run(resumed("run"));
  EXPECT_TRUE(bytes("run") == bytes("whole"));
  for (const std::string& name : folder_.names())
    EXPECT_TRUE(name == "rows.csv" || name.starts_with("run") || name.starts_with("whole")) << name;
}

TEST_F(Runs, GoOnAsTheyWereTold) {
  run(noisy("run", {"--epochs", "2"}), {"--set", "drop=0.25", "--optimizer", "sgd,momentum=0.9"});
  ToolRun more = run_tool(
      {"train", scores_file("noisy"), "--resume", folder_.file("run"), "--epochs", "3", "--json"});
  ASSERT_EQ(more.code, 0) << more.err;
  Json json = Json::parse(more.out);
  EXPECT_EQ(json["steps"], 9);
  EXPECT_EQ(json["losses"].size(), 3u) << "of this process";
  EXPECT_EQ(json["seed"], 5);
  EXPECT_TRUE(json["parameters"].contains("minimize/momentum/a/w"));
  more = run_tool({"train", scores_file("noisy"), "--resume", folder_.file("run"), "-q"});
  EXPECT_EQ(more.code, 0);
  EXPECT_THAT(more.err, HasSubstr("holds 6 updates already"));
}

TEST_F(Runs, AreDescribedByInfo) {
  run(noisy("run", {"--epochs", "2"}), {"--set", "drop=0.25"});
  ToolRun text = run_tool({"info", folder_.file("run")});
  EXPECT_EQ(text.code, 0) << text.err;
  for (const char* line :
       {"checkpoint  format 1, written by gdjit ", "model       noisy, f32, drop=0.25\n",
        "step        6, seed 5\n",
        "position    epoch 2, batch 0; 10 rows in batches of 4, shuffled by 5\n",
        "columns     x = quiz1, quiz2, quiz3\n", "scaling     x: standardize, less ",
        "trained by  --standardize x\n", "array       a/w : f32[3,4]\n"})
    EXPECT_THAT(text.out, HasSubstr(line));
  Json json = Json::parse(run_tool({"info", folder_.file("run"), "--json"}).out);
  EXPECT_EQ(json["step"], 6);
  EXPECT_EQ(json["options"]["drop"], 0.25);
  EXPECT_EQ(json["arrays"]["norm/mean"], "f32[4]");
  EXPECT_EQ(json["settings"]["--batch"], Json({"4"}));
}

TEST(Info, DescribesAnIdxFile) {
  Scratch d;
  const std::string images("\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\2abcd", 20);
  ToolRun run = run_tool({"info", d.write("images", images)});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "IDX file    unsigned byte[1,2,2], read as i32\n");
  Json json = Json::parse(run_tool({"info", d.file("images"), "--json"}).out);
  EXPECT_EQ(json["array"], "i32[1,2,2]");
  run = run_tool({"info", d.write("images", images.substr(0, 19))});
  EXPECT_EQ(run.code, 7);
  EXPECT_THAT(run.err, HasSubstr("its extents [1,2,2] take 20 bytes, the file holds 19"));
  run = run_tool({"info", d.write("images", images.substr(0, 2))});
  EXPECT_THAT(run.err, HasSubstr("ends within its header"));
}

TEST_F(Runs, ASecondOneOnOnePathIsRefusedBeforeItTouchesAnything) {
  run(noisy("run", {"--epochs", "1"}));
  std::string before = bytes("run"), figures = bytes("run.jsonl");
  OwnedFile first(folder_.file("run")); // as a run holds it
  ToolRun second = run_tool(noisy("run", {"--epochs", "3"}));
  EXPECT_EQ(second.code, 7);
  EXPECT_EQ(second.out, "");
  EXPECT_THAT(second.err, HasSubstr("another run saves to '" + folder_.file("run") + "'"));
  EXPECT_THAT(second.err, HasSubstr("save to another path"));
  EXPECT_EQ(bytes("run"), before);
  EXPECT_EQ(bytes("run.jsonl"), figures);
}

TEST_F(Runs, PythonReadsWhatIsSaved) {
  if (std::system(GDJIT_PYTHON " -c 'import numpy, safetensors' 2>/dev/null") != 0)
    GTEST_SKIP() << GDJIT_PYTHON " has no numpy, safetensors; give one by "
                                 "-DGDJIT_PYTHON=/path/to/python";
  run(noisy("run", {"--epochs", "2"}));
  run({"predict", scores_file("noisy"), "--load", folder_.file("run"), "--data", rows_, "--out",
       folder_.file("p.npy")});
  std::string script = folder_.write("read.py", R"(
import json, sys, numpy as np
from safetensors import safe_open
d = sys.argv[1]
with safe_open(d + "/run", "np") as f:
    told = json.loads(f.metadata()["gdjit.checkpoint"])
    a = {k: f.get_tensor(k) for k in f.keys()}
assert told["step"] == 6 and told["seed"] == 5 and told["model"] == "noisy"
assert a["minimize/step"] == 6 and a["a/w"].shape == (3, 4) and a["a/w"].dtype == np.float32
# What gdjit predicts, by hand: scaling, layer, batch norm in evaluation, relu, layer.
x = np.loadtxt(d + "/rows.csv", delimiter=",", skiprows=2, usecols=(0, 1, 2))
s = told["scalings"][0]
x = (x - s["offset"]) / s["scale"]
h = x / 100 @ a["a/w"] + a["a/b"]
h = (h - a["norm/mean"]) / np.sqrt(a["norm/var"] + 1e-5) * a["norm/w"] + a["norm/b"]
h = (np.maximum(h, 0) @ a["b/w"] + a["b/b"]) * 100
p = np.load(d + "/p.npy")
assert p.shape == (11, 1) and np.allclose(p, h, rtol=1e-4), (p, h)
)");
  ToolRun read = run_program(GDJIT_PYTHON, {script, folder_.path()});
  EXPECT_EQ(read.code, 0) << read.err;
}

} // namespace
