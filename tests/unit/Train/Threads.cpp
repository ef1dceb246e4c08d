// Steps that threads share: the bits of one thread, whatever their number, alone and side by side.
#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/gdjit.h"

#include <gmock/gmock.h>

#include <cstring>
#include <random>
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

/// A product reads all rows of w: cut by rows itself, each of its pieces reads all of w, half of it
/// new from the other thread; cut by columns, half of a half. The update, whose rows lie together,
/// stays cut by rows; and a product that does not fit the second cache is, too.
TEST(Threads, cut_a_product_where_they_fetch_least_of_each_other) {
  auto cuts = [](int64_t l2_bytes) {
    Model m(network, {.batch = batch});
    MachineTable machine{.l2_bytes = l2_bytes, .least_shared = 1000};
    std::vector<std::string> cuts;
    for (const std::string& remark :
         compile(m.training().step(batch),
                 CompileOptions{.last = Stage::Scheduled, .threads = 2, .machine = &machine})
             .remarks)
      if (remark.find(" pieces of loop ") != std::string::npos)
        cuts.push_back(remark);
    return cuts;
  };
  EXPECT_THAT(cuts(2 << 20), testing::Contains(testing::StartsWith(
                                 "k1: 2 pieces of loop j for 2 threads, since a thread fetches ")));
  EXPECT_THAT(cuts(1000), testing::Each(testing::HasSubstr("pieces of loop i ")));
}

void drawn_network(Model& m) {
  Tensor h = m.input("x", {m.batch(), m.option("inputs", 32)});
  for (int i = 0; i < 3; ++i) {
    const std::string width = "width" + std::to_string(i);
    h = tanh(Linear(m, "fc" + std::to_string(i), h.shape()[1], m.option(width, 32))(h));
  }
  m.minimize(mean(h * h), SGD{.lr = 0.1, .momentum = 0.9});
}

TEST(Threads, keep_the_bits_whatever_is_cut_and_along_which_axis) {
  std::mt19937_64 random(5);
  auto one_of = [&](std::initializer_list<int> values) {
    return values.begin()[random() % values.size()];
  };
  int rows = 0, columns = 0;
  for (int drawn = 0; drawn < 12; ++drawn) {
    std::vector<OptionValue> widths;
    for (const char* name : {"inputs", "width0", "width1", "width2"})
      widths.push_back({name, one_of({32, 48, 96, 128, 192, 256})});
    const int64_t rows_of_batch = one_of({7, 24, 32, 60, 64});
    Model m(drawn_network, {.batch = rows_of_batch, .options = widths});
    MachineTable machine{.vector_bytes = one_of({16, 32, 64}),
                         .l2_bytes = one_of({4096, 2 << 20}),
                         .least_shared = one_of({1, 1000, 100'000})};
    CompileOptions options{.machine = &machine};
    std::vector<std::vector<Array>> trained;
    for (int threads : {1, one_of({2, 3, 4, 8})}) {
      options.threads = threads;
      State s = initial_state(m, 3);
      StepFunction train = compile(m.training(), s, options);
      Array x(m.training().step(rows_of_batch).signature.inputs[0].type);
      for (int64_t i = 0; i < x.elements(); ++i)
        x.set(i, static_cast<double>(i * 2654435761 % 1000) / 1000 - 0.5);
      for (int step = 0; step < 5; ++step)
        train({{"x", x}});
      trained.push_back(s.values());
    }
    EXPECT_TRUE(same(trained[0], trained[1])) << "drawn " << drawn;
    options.last = Stage::Scheduled;
    for (const std::string& remark : compile(m.training().step(rows_of_batch), options).remarks) {
      rows += remark.find("pieces of loop i ") != std::string::npos ? 1 : 0;
      columns += remark.find("pieces of loop j ") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(rows, 10);
  EXPECT_GT(columns, 10);
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
  MachineTable machine = machine_table("native");
  machine.l2_bytes = 2 << 20; // weights and moments fit
  const CompileOptions options{.threads = 4, .machine = &machine};
  EXPECT_EQ(compile(m.training(), s, options).executable().threads(), 1);
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
