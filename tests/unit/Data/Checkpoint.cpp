// Checkpoints: what is saved comes back, a run goes on in the same bits, nothing is lost.
#include "Scratch.h"
#include "gdjit/IO/Safetensors.h"
#include "gdjit/Support/FileFaults.h"
#include "gdjit/gdjit.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <new>
#include <random>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gdjit {
namespace {

using test::Scratch;
using ::testing::HasSubstr;

/// Momentum, a running mean and noise by seed and step: all that a State keeps matters.
void noisy_line(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", uniform({2, 1}, -1, 1));
  Variable mean_of_x = m.variable("mean", zeros({2}));
  Tensor noise = m.normal("noise", {m.batch(), 1}, 0, m.option("spread", 0.1));
  m.minimize(mse_loss(matmul(x - mean_of_x, w) + noise, y), SGD{.lr = 0.05, .momentum = 0.9});
  m.update(mean_of_x, 0.9 * mean_of_x + 0.1 * mean(x, 0));
}

Dataset line_rows() {
  Array x({DType::f32, {10, 2}}), y({DType::f32, {10, 1}});
  for (int64_t i = 0; i < 10; ++i) {
    x.set(2 * i, static_cast<double>(i) / 7);
    x.set(2 * i + 1, static_cast<double>(i * i) / 50);
    y.set(i, static_cast<double>(i) / 3);
  }
  return Dataset({{"x", std::move(x)}, {"y", std::move(y)}});
}

std::string bits(const State& state) {
  std::string all = std::to_string(state.step());
  for (int i = 0; i < state.size(); ++i)
    all.append(static_cast<const char*>(state.view(i).data),
               static_cast<size_t>(state.type(i).bytes()));
  return all;
}

std::string error_of(const std::string& path, State& state) {
  std::string before = bits(state);
  try {
    load_checkpoint(path, state);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_EQ(bits(state), before) << "a state that cannot be loaded stays as it was";
    return error.what();
  }
  return "no error";
}

TEST(Checkpoint, ARunResumedAtEachStepEndsInTheSameBits) {
  Scratch folder;
  LoaderOptions options{.batch = 4, .shuffle_seed = 7};
  Model m(noisy_line, {.batch = 4});
  State whole = initial_state(m, 3), parts = initial_state(m, 3);
  {
    StepFunction train = compile(m.training(), whole);
    Loader loader(line_rows(), options);
    for (int epoch = 0; epoch < 3; ++epoch)
      for (const Batch& batch : loader) {
        double loss = train(batch, {.lr = 0.03});
        EXPECT_TRUE(loss >= 0);
      }
  }
  save_checkpoint(folder.file("run"), parts, describe(m));
  LoaderPosition position = Loader(line_rows(), options).position();
  for (int step = 0; step < 9; ++step) { // all anew for every step
    Model again(noisy_line, {.batch = 4});
    State state = initial_state(again, 99);
    Checkpoint c = load_checkpoint(folder.file("run"), state);
    EXPECT_EQ(c.step, step);
    Loader loader(line_rows(), options);
    loader.seek(step == 0 ? position : c.position);
    StepFunction train = compile(again.training(), state);
    train(*loader.begin(), {.lr = 0.03});
    Checkpoint next = describe(again);
    next.position = loader.position();
    save_checkpoint(folder.file("run"), state, next);
  }
  load_checkpoint(folder.file("run"), parts);
  EXPECT_EQ(bits(parts), bits(whole));
  EXPECT_EQ(parts.seed(), 3);
}

TEST(Checkpoint, EverythingThatARunIsComesBack) {
  Scratch folder;
  Model m(noisy_line, {.batch = 4, .options = {{"spread", 0.1}}, .name = "line"});
  State state = initial_state(m, -5);
  state.set_step(int64_t{1} << 60);
  Checkpoint c = describe(m);
  c.position = {
      .epoch = 3, .batch = 1, .rows = 10, .batch_size = 4, .shuffle_seed = -7, .drop_last = true};
  c.scalings = {{"x", ScalingKind::min_max, {0.1, -0.0}, {1e-300, 3}}};
  c.labels = {{"kind", {"größer", "a\"b"}}};
  c.columns = {{"x", {"a", "b,c"}}, {"y", {"d"}}};
  c.settings = {{"split", "0.2,0.1"}, {"optimizer", "sgd,momentum=0.9"}};
  CheckpointFile(folder.file("run")).save(state, c);
  State other = initial_state(m, 0);
  Checkpoint back = load_checkpoint(folder.file("run"), other);
  EXPECT_EQ(bits(other), bits(state));
  EXPECT_EQ(back.seed, -5);
  EXPECT_EQ(back.step, int64_t{1} << 60);
  EXPECT_EQ(back.model, "line");
  EXPECT_EQ(back.dtype, DType::f32);
  EXPECT_EQ(back.position, c.position);
  EXPECT_EQ(back.scalings, c.scalings);
  EXPECT_EQ(back.labels, c.labels);
  EXPECT_EQ(back.columns, c.columns);
  EXPECT_EQ(back.settings, c.settings);
  ASSERT_EQ(back.options.size(), 1u);
  EXPECT_EQ(static_cast<double>(back.options[0].value.value), 0.1);
  EXPECT_TRUE(back.options[0].value.is_float);
  EXPECT_EQ(back.written_by, read_checkpoint(folder.file("run")).written_by);
}

TEST(Checkpoint, EveryDifferenceFromTheModelIsListed) {
  Scratch folder;
  State there({"a", "b", "c"},
              {Array({DType::f32, {2}}), Array({DType::f32, {2}}), Array({DType::f32, {}})});
  State here({"a", "b", "d"},
             {Array({DType::f32, {3}}), Array({DType::f64, {2}}), Array({DType::f32, {}})});
  save_checkpoint(folder.file("run"), there, {});
  std::string message = error_of(folder.file("run"), here);
  for (const char* text :
       {"of another model; 4 arrays differ", "a : f32[3] in the model, f32[2] in the file",
        "b : f64[2] in the model, f32[2] in the file", "d : f32[] is not in the file",
        "c : f32[] is not in the model"})
    EXPECT_THAT(message, HasSubstr(text));
}

TEST(Checkpoint, WhatIsNoCheckpointIsRefused) {
  Scratch folder;
  State state({"w"}, {Array({DType::f32, {2}}, {1, 2})});
  EXPECT_THAT(error_of(folder.file("none"), state), HasSubstr("No such file"));
  write_safetensors(folder.file("foreign"), std::vector{state.view(0)});
  EXPECT_THAT(error_of(folder.file("foreign"), state), HasSubstr("but no checkpoint of gdjit"));
  write_safetensors(folder.file("newer"), std::vector{state.view(0)},
                    {{"gdjit.checkpoint", R"({"version":2,"written_by":"9.1"})"}});
  EXPECT_THAT(error_of(folder.file("newer"), state),
              HasSubstr("of format 2, written by gdjit 9.1; this gdjit reads formats up to 1"));
  write_safetensors(folder.file("bad"), std::vector{state.view(0)}, {{"gdjit.checkpoint", "{}"}});
  EXPECT_THAT(error_of(folder.file("bad"), state), HasSubstr("no checkpoint that can be read"));
  save_checkpoint(folder.file("run"), state, {});
  std::string bytes = read_file(folder.file("run"));
  std::string flipped = bytes;
  flipped.back() ^= 1;
  EXPECT_THAT(error_of(folder.write("flipped", flipped), state),
              HasSubstr("damaged: checksums differ of w"));
  EXPECT_THAT(error_of(folder.write("short", bytes.substr(0, bytes.size() - 1)), state),
              HasSubstr("truncated"));
}

TEST(Checkpoint, ASecondRunOnOnePathIsRefused) {
  Scratch folder;
  State state({"w"}, {Array({DType::f32, {2}})});
  CheckpointFile first(folder.file("run"));
  first.save(state, {});
  EXPECT_THROW(CheckpointFile(folder.file("run")), Error);
}

int fault_calls = 0, fault_at = 0;
int fault(FileCall, size_t&) { return fault_calls++ == fault_at ? EIO : 0; }

TEST(Checkpoint, AFaultAtEachCallLeavesTheLastSaveOrThisOne) {
  Scratch folder;
  CheckpointFile file(folder.file("run"));
  State state({"w"}, {Array({DType::f64, {1000}})});
  file.save(state, {});
  for (fault_at = 0; fault_at < 20; ++fault_at) {
    state.set_step(state.step() + 1);
    fault_calls = 0;
    set_file_fault(fault);
    bool failed = false;
    try {
      file.save(state, {});
    } catch (const Error&) {
      failed = true;
    }
    set_file_fault(nullptr);
    int64_t step = read_checkpoint(folder.file("run")).step;
    EXPECT_TRUE(step == state.step() || (failed && step < state.step())) << fault_at;
    if (!failed)
      break;
  }
  EXPECT_LT(fault_at, 20);
  EXPECT_GT(fault_at, 4);
}

/// Saves the numbers behind `first`, one after the other, in every element; says which are saved.
[[noreturn]] void save_forever(const std::string& path, int64_t first,
                               std::atomic<int64_t>* saved) {
  CheckpointFile file(path);
  for (int64_t n = first;; ++n) {
    Array values({DType::f64, {5000}});
    for (int64_t i = 0; i < values.elements(); ++i)
      values.data<double>()[i] = static_cast<double>(n);
    State state({"w"}, {values});
    state.set_step(n);
    file.save(state, {});
    *saved = n;
  }
}

TEST(Checkpoint, KilledAtRandomInstantsARunLosesNothing) {
  Scratch folder;
  std::string path = folder.file("run");
  void* shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* saved = new (shared) std::atomic<int64_t>(0);
  State state({"w"}, {Array({DType::f64, {5000}})});
  save_checkpoint(path, state, {});
  std::mt19937 random(1);
  for (int kill = 0; kill < 200; ++kill) {
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0)
      save_forever(path, state.step() + 1, saved);
    ::usleep(random() % 12'000);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ASSERT_NO_THROW(load_checkpoint(path, state)) << kill;
    ASSERT_GE(state.step(), saved->load()) << "a save that was done is there";
    for (int64_t i = 0; i < 5000; ++i)
      ASSERT_EQ(state.view(0).as<double>()[i], static_cast<double>(state.step()));
    ASSERT_LE(folder.names().size(), 2u) << "at most one temporary file";
  }
  EXPECT_GT(saved->load(), 0);
  ::munmap(shared, 4096);
}

} // namespace
} // namespace gdjit
