// Steps that threads share: the bits of one thread, whatever their number, alone and side by side.
#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/gdjit.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace gdjit {
namespace {

constexpr int64_t batch = 60;

void network(Model& m) {
  Tensor x = m.input("x", {m.batch(), 320}), label = m.input("label", {m.batch()}, DType::i32);
  Tensor h = relu(Linear(m, "fc1", 320, 256)(x));
  h = Dropout(m, "drop", 0.25)(tanh(Linear(m, "fc2", 256, 128)(h)));
  m.minimize(cross_entropy(Linear(m, "fc3", 128, 10)(h), label), AdamW{.lr = 1e-3});
}

Array inputs() {
  Array x({DType::f32, {batch, 320}});
  for (int64_t i = 0; i < x.elements(); ++i)
    x.set(i, static_cast<double>(i * 2654435761 % 1000) / 1000 - 0.5);
  return x;
}
Array labels(int64_t shift = 0) {
  Array label({DType::i32, {batch}});
  for (int64_t i = 0; i < batch; ++i)
    label.set(i, static_cast<double>((i * 7 + shift) % 10));
  return label;
}

/// The State after some updates, and how many threads the step shares.
std::vector<Array> trained(int threads, int64_t* shared = nullptr) {
  Model m(network, {.batch = batch});
  State s = initial_state(m, 3);
  MachineTable machine = machine_table("native");
  machine.least_shared = 1000;
  StepFunction train =
      compile(m.training(), s, CompileOptions{.threads = threads, .machine = &machine});
  if (shared)
    *shared = train.executable().threads();
  const Array x = inputs(), label = labels();
  for (int k = 0; k < 20; ++k)
    train({{"x", x}, {"label", label}});
  return s.values();
}

bool same(const std::vector<Array>& a, const std::vector<Array>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(a[i].bytes(), b[i].bytes(), static_cast<size_t>(a[i].type().bytes())) != 0)
      return false;
  return a.size() == b.size();
}

TEST(Threads, train_to_the_bits_of_one_thread) {
  const std::vector<Array> one = trained(1);
  for (int threads : {2, 3, 4, 8}) {
    int64_t shared = 0;
    EXPECT_TRUE(same(trained(threads, &shared), one)) << threads;
    EXPECT_GT(shared, 1);
  }
}

TEST(Threads, two_steps_at_once_keep_their_bits) {
  const std::vector<Array> one = trained(1);
  std::vector<std::vector<Array>> results(2);
  std::vector<std::thread> callers;
  for (std::vector<Array>& result : results)
    callers.emplace_back([&result] { result = trained(3); });
  for (std::thread& caller : callers)
    caller.join();
  EXPECT_TRUE(same(results[0], one));
  EXPECT_TRUE(same(results[1], one));
}

TEST(Threads, are_one_where_a_step_is_small) {
  Model m(network, {.batch = 1});
  State s = initial_state(m);
  EXPECT_EQ(compile(m.training(), s, CompileOptions{.threads = 4}).executable().threads(), 1);
}

TEST(Threads, report_the_index_that_one_thread_would) {
  auto message = [](int threads) -> std::string {
    Model m(network, {.batch = batch});
    State s = initial_state(m);
    MachineTable machine = machine_table("native");
    machine.least_shared = 1000;
    StepFunction train =
        compile(m.training(), s, CompileOptions{.threads = threads, .machine = &machine});
    Array x = inputs(), label = labels();
    label.set(17, 10);
    label.set(50, -1);
    try {
      train({{"x", x}, {"label", label}});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message(1), "");
  EXPECT_EQ(message(4), message(1));
}

} // namespace
} // namespace gdjit
