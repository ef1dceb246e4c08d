// Runs that an error ends: what they came to is saved, and the message says where and how to go on.
#include "ToolMistakes.h"
#include "ToolRows.h"

#include "gdjit/Data/Checkpoint.h"
#include "gdjit/IO/Npy.h"

using namespace gdjit;
using namespace gdjit::test;
using testing::HasSubstr;

namespace {

class EndedRuns : public testing::Test {
protected:
  std::vector<std::string> words(const std::string& model,
                                 const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"train", scores_file(model), "--data", rows_, "--save", saved_};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string at_step(int64_t step) const {
    return saved_ + " holds the run at step " + std::to_string(step) + ", epoch ";
  }

  Scratch d_;
  std::string rows_ = d_.write("rows.csv", scores_of(4));
  std::string saved_ = d_.file("s");
};

TEST_F(EndedRuns, metrics_that_cannot_be_written_lose_no_checkpoint) {
  for (const char* every : {"", "--save-every 250"}) {
    SCOPED_TRACE(every);
    std::filesystem::remove(saved_);
    ToolRun run = run_shell("trap '' XFSZ; ulimit -f 8; exec gdjit train " + scores_file("scores") +
                            " -q --epochs 1000 --data " + rows_ + " --metrics " +
                            d_.file("m.jsonl") + " --save " + saved_ + " " + every);
    EXPECT_REFUSED(run, 7, "cannot write '" + d_.file("m.jsonl") + "': File too large",
                   "give --metrics a file that can be written",
                   "go on from there by --resume " + saved_);
    int64_t step = read_checkpoint(saved_).step;
    EXPECT_EQ(step, *every ? 250 : 1000);
    EXPECT_THAT(run.err, HasSubstr(at_step(step)));
    EXPECT_EQ(
        run_tool({"train", scores_file("scores"), "-q", "--resume", saved_, "--epochs", "1001"})
            .code,
        0);
  }
}

TEST_F(EndedRuns, checkpoints_that_can_be_written_no_more) {
  auto run_until = [&](std::function<void()> change) {
    return run_tool(words("scores", {"--epochs", "100000000", "--save-every", "1"}),
                    {.interrupt_at = "step", .instead = std::move(change)});
  };
  std::filesystem::create_directory(d_.file("below"));
  saved_ = d_.file("below/s");
  ToolRun run = run_until([&] { std::filesystem::remove_all(d_.file("below")); });
  EXPECT_EQ(run.code, 7);
  EXPECT_THAT(run.err, HasSubstr("cannot write '" + saved_ +
                                 "': No such file or directory\n"
                                 "  make room there, or give --save a file that can be written\n"));
  EXPECT_THAT(run.err, testing::Not(HasSubstr("holds the run")));
}

TEST_F(EndedRuns, a_checkpoint_that_is_there_still_is_named) {
  const std::string first = saved_;
  ASSERT_EQ(run_tool(words("scores", {"-q", "--steps", "7"})).code, 0);
  EXPECT_REFUSED(run_shell("trap '' XFSZ; ulimit -f 1; exec gdjit train " + scores_file("scores") +
                           " -q --resume " + first + " --save " + first + " --steps 9"),
                 7, "cannot write '" + first + "': File too large",
                 "give --save a file that can be written", at_step(7));
}

TEST_F(EndedRuns, rows_that_change_end_a_run_that_is_saved) {
  Array x({DType::f32, {100'000, 3}}), y({DType::f32, {100'000, 1}});
  write_npy(d_.file("x.npy"), TensorView("", x)); // mapped, being larger than 1 MiB
  write_npy(d_.file("y.npy"), TensorView("", y));
  ToolRun run =
      run_tool({"train", scores_file("scores"), "--data", "x=" + d_.file("x.npy"), "--data",
                "y=" + d_.file("y.npy"), "--epochs", "100000000", "--save", saved_},
               {.interrupt_at = "step",
                .instead = [&] { std::ofstream(d_.file("x.npy"), std::ios::app) << "more"; }});
  EXPECT_EQ(run.code, 7);
  EXPECT_THAT(run.err, HasSubstr("x.npy' changed while it was read"));
  int64_t step = read_checkpoint(saved_).step;
  EXPECT_GT(step, 0);
  EXPECT_THAT(run.err, HasSubstr(at_step(step)));
}

TEST_F(EndedRuns, an_update_that_fails_is_not_saved) {
  rows_ = d_.write("grades.csv", "1,2,3,0\n1,2,3,1\n1,2,3,2\n1,2,3,7\n");
  EXPECT_REFUSED(
      run_tool(words("grades", {"-q", "--batch", "1", "--steps", "9", "--save-every", "2"})), 7,
      "index out of range", at_step(2));
  EXPECT_EQ(read_checkpoint(saved_).step, 2);
}

TEST_F(EndedRuns, a_closed_terminal_is_a_ctrl_c) {
  for (int signal : {SIGHUP, SIGTERM}) {
    std::filesystem::remove(saved_);
    ToolRun run = run_tool(words("scores", {"--epochs", "100000000"}),
                           {.interrupt_at = "step", .interrupt_by = signal});
    EXPECT_EQ(run.code, 130) << run.err;
    EXPECT_THAT(run.err, HasSubstr("saved to " + saved_));
    EXPECT_GT(read_checkpoint(saved_).step, 0);
  }
}

TEST_F(EndedRuns, nohup_outlives_its_terminal) {
  const std::string err = d_.file("err");
  ToolRun run = run_shell("trap '' HUP; gdjit train " + scores_file("scores") + " --data " + rows_ +
                          " --epochs 100000000 2>" + err + " & until grep -q step " + err +
                          "; do sleep 0.05; done; kill -HUP $!; sleep 0.3; kill -KILL $!; wait $!");
  EXPECT_EQ(run.code, 128 + SIGKILL) << "ended by itself: " << read_text(err);
}

} // namespace
