// What a model declares: names, scopes, options, batch axes, rows, steps.
#include "Evaluate.h"

#include "gdjit/Frontend/Registry.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Train/Linear.h"
#include "gdjit/Train/Losses.h"
#include "gdjit/Train/Optimizers.h"
#include "unit/Runtime/Resident.h"

#include <atomic>
#include <chrono>
#include <thread>

using namespace gdjit;
using testing::ElementsAre;

namespace {

void line(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({1, 1}));
  Tensor h = matmul(x, w);
  m.minimize(mse_loss(h, y), SGD{.lr = 0.1});
  m.output("h", h);
  m.data({{"x", {{1}, {2}, {3}}}, {"y", {{2}, {4}, {6}}}});
  m.examples({{"x", {{4}}}});
}

template <class T> std::vector<std::string> names(const std::vector<T>& rows) {
  std::vector<std::string> all;
  for (const T& row : rows)
    all.push_back(row.name);
  return all;
}

TEST(Model, that_was_moved_from_is_still_the_model) {
  Model m(line);
  Model n = std::move(m); // NOLINT(performance-move-const-arg): what a user writes
  EXPECT_EQ(n.name(), "model");
  EXPECT_EQ(print(n.training().step()),
            print(m.training().step())); // NOLINT(bugprone-use-after-move)
}

TEST(Model, takes_its_batch_from_its_rows) {
  Model m(line);
  Step step = m.training().step();
  EXPECT_EQ(step.signature.batch, 3);
  EXPECT_EQ(to_string(step.signature.inputs[0].type), "f32[3,1]");
  EXPECT_EQ(step.signature.inputs[0].batch_axis, 0);
  EXPECT_EQ(step.signature.outputs[0].batch_axis, -1);
  EXPECT_EQ(step.signature.outputs[1].batch_axis, 0);
  EXPECT_EQ(step.signature.examples.size(), 1u);
  EXPECT_EQ(to_string(step.signature.examples[0].values->type()), "f32[1,1]");
}

TEST(Model, runs_its_function_once_per_batch_size) {
  int runs = 0;
  Model m(
      [&](Model& m) {
        ++runs;
        line(m);
      },
      {.batch = 3});
  int first = runs;
  EXPECT_EQ(to_string(m.training().step(7).signature.inputs[0].type), "f32[7,1]");
  EXPECT_EQ(runs, first + 1);
  EXPECT_EQ(m.evaluation().step(7).signature.batch, 7);
  EXPECT_EQ(m.training().step(3).signature.batch, 3);
  EXPECT_EQ(runs, first + 1);
}

/// A thread declares it for other rows while another one asks for its steps.
TEST(Model, is_whole_for_others_while_it_is_declared_for_other_rows) {
  std::atomic<bool> slow = false, inside = false;
  Model m([&](Model& model) {
    line(model);
    if (slow) {
      inside = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  slow = true;
  std::thread declares([&] { (void)m.training().step(7); });
  while (!inside)
    std::this_thread::yield();
  EXPECT_TRUE(m.training().has_updates());
  EXPECT_EQ(m.training().batch(), 3);
  declares.join();
}

TEST(Model, holds_its_rows_once) {
  constexpr int64_t rows = 10 << 20, megabytes = rows * 4 >> 20; // so large: given back at once
  if (!test::set_back_resident_peak())
    GTEST_SKIP() << "no telling how much memory there was";
  const int64_t before = test::resident_megabytes("VmRSS:");
  Model m([](Model& m) {
    Tensor x = m.input("x", {m.batch()});
    m.output("y", x + 1);
    m.data({{"x", Literal({rows}, std::vector<float>(rows, 0.25F))}});
  });
  EXPECT_LT(test::resident_megabytes("VmHWM:"), before + 2 * megabytes + 8) << "and what came in";
  (void)m.evaluation().step(rows / 2);
  EXPECT_LT(test::resident_megabytes("VmRSS:"), before + megabytes + 8);
  EXPECT_EQ(m.data_rows()[0].values->at(rows - 1), 0.25);
}

TEST(Model, makes_the_rows_of_a_function_once) {
  int runs = 0, made = 0;
  Model m([&](Model& m) {
    ++runs;
    Tensor x = m.input("x", {m.batch(), 2});
    Tensor y = m.input("y", {m.batch()});
    m.output("z", sum(x, 1) + y);
    m.data([&] {
      ++made;
      return std::vector<DataColumn>{{"x", {{1, 2}, {3, 4}, {5, 6}}}};
    });
    m.data({{"y", {7, 8, 9}}});
  });
  EXPECT_EQ(m.evaluation().batch(), 3);
  EXPECT_GT(runs, 1);
  EXPECT_EQ(m.evaluation().step(2).signature.batch, 2);
  EXPECT_EQ(made, 1);
  ASSERT_EQ(m.data_rows().size(), 2u);
  for (const Rows& rows : m.data_rows())
    EXPECT_EQ(rows.values->at(rows.values->elements() - 1), rows.input == 0 ? 6 : 9);
}

TEST(Model, makes_the_rows_of_a_function_without_one_of_its_own) {
  Model m({.batch = 2});
  m.output("x", m.input("x", {m.batch()}));
  m.data([] { return std::vector<DataColumn>{{"x", {1, 2}}}; });
  EXPECT_EQ(m.data_rows().size(), 1u);
}

TEST(Model, takes_an_array_of_the_type_of_the_input_as_it_is) {
  for (DType type : {DType::f32, DType::f64}) {
    Array values({DType::f32, {2}}, {1, 2});
    const void* bytes = values.bytes();
    Model m({.batch = 2, .dtype = type});
    m.output("x", m.input("x", {m.batch()}));
    m.data({{"x", Literal(std::move(values))}});
    const Array& rows = *m.data_rows()[0].values;
    EXPECT_EQ(rows.type().dtype, type);
    EXPECT_EQ(rows.bytes() == bytes, type == DType::f32);
    EXPECT_EQ(rows.at(1), 2);
  }
}

template <class T> class Literals : public testing::Test {};
using HeldTypes = testing::Types<float, double, long double, int16_t, int64_t, uint64_t>;
TYPED_TEST_SUITE(Literals, HeldTypes);

TYPED_TEST(Literals, round_each_element_once) {
  using T = TypeParam;
  constexpr T great = std::is_integral_v<T> ? std::numeric_limits<T>::max() : static_cast<T>(1e30L);
  Literal literal({3}, std::vector<T>{great, static_cast<T>(great / 3), static_cast<T>(1)});
  float floats[3];
  double doubles[3];
  literal.copy_to(floats);
  literal.copy_to(doubles);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(floats[i], static_cast<float>(literal.at(i).value));
    EXPECT_EQ(doubles[i], static_cast<double>(literal.at(i).value));
  }
}

TEST(Model, finds_the_batch_axis_and_no_extent_that_is_as_long) {
  Model m(
      [](Model& m) {
        Tensor a = m.input("a", {4, 4});
        Tensor b = m.input("b", {4, m.batch()});
        m.output("first", a);
        m.output("second", transpose(b));
      },
      {.batch = 4});
  Signature s = m.evaluation().step().signature;
  EXPECT_EQ(s.inputs[0].batch_axis, -1);
  EXPECT_EQ(s.inputs[1].batch_axis, 1);
  EXPECT_EQ(s.outputs[0].batch_axis, -1);
  EXPECT_EQ(s.outputs[1].batch_axis, 0);
}

TEST(Model, has_no_batch_where_none_is_asked_for) {
  Model m([](Model& m) { m.output("two", m.constant(2)); }, {.batch = 64});
  EXPECT_EQ(m.evaluation().step().signature.batch, 0);
  EXPECT_EQ(m.evaluation().batch(), 0);
}

TEST(Model, may_be_declared_without_a_function) {
  Model m({.batch = 2, .name = "direct"});
  Tensor x = m.input("x", {m.batch(), 3});
  m.output("double", 2 * x);
  Step step = m.prediction().step();
  EXPECT_EQ(step.signature.inputs[0].batch_axis, 0);
  EXPECT_EQ(step.signature.name, "direct");
  EXPECT_THROW(m.prediction().step(3), Error);
}

TEST(Model, takes_a_chain_of_a_million_nodes) {
  Model m([](Model& m) {
    Parameter w = m.parameter("w", zeros({}));
    Tensor t = w;
    for (int i = 0; i < 1000000; ++i)
      t = -t;
    m.minimize(t, SGD{});
  });
  EXPECT_GT(m.training().step().graph.size(), 1000000u);
}

TEST(Scopes, prefix_names) {
  Model m;
  Linear first(m, "fc", 2, 3);
  {
    auto block = m.scope("block1");
    auto inner = m.scope("deep");
    Linear second(m, "fc", 3, 1, {.bias = false});
    EXPECT_EQ(second.w().name(), "block1/deep/fc/w");
  }
  Parameter last = m.parameter("last", ones({2}));
  EXPECT_THAT(names(m.evaluation().step().signature.states),
              ElementsAre("fc/w", "fc/b", "block1/deep/fc/w", "last"));
}

TEST(Options, are_read_and_changed) {
  auto function = [](Model& m) {
    size_t hidden = m.option("hidden", size_t{128});
    float rate = m.option("rate", 0.5f);
    bool deep = m.option("deep", false);
    m.output("all", m.constant({static_cast<double>(hidden), rate, deep ? 1.0 : 0.0}));
  };
  auto values = [&](std::vector<OptionValue> options) {
    Model m(function, {.dtype = DType::f64, .options = std::move(options)});
    return test::elements(test::run(m.evaluation().step()).outputs[0]);
  };
  EXPECT_THAT(values({}), ElementsAre(128, 0.5, 0));
  EXPECT_THAT(values({{"hidden", 256}, {"rate", 2}, {"deep", 1}}), ElementsAre(256, 2, 1));
  Model m(function, {.options = {{"hidden", 3}}});
  EXPECT_EQ(m.options()[0].name, "hidden");
  EXPECT_EQ(m.options()[0].value.value, 3);
}

TEST(Steps, share_states_and_differ_in_outputs_and_updates) {
  Model m(line, {.batch = 3});
  Step train = m.training().step(), evaluate = m.evaluation().step(),
       predict = m.prediction().step();
  for (const Step* step : {&train, &evaluate, &predict})
    EXPECT_THAT(names(step->signature.states), ElementsAre("w", "minimize/step"));
  EXPECT_THAT(names(train.signature.outputs), ElementsAre("loss", "h"));
  EXPECT_THAT(names(evaluate.signature.outputs), ElementsAre("loss", "h"));
  EXPECT_THAT(names(predict.signature.outputs), ElementsAre("h"));
  EXPECT_EQ(train.updates.size(), 2u);
  EXPECT_TRUE(evaluate.updates.empty());
  EXPECT_TRUE(m.training().has_updates());
  EXPECT_FALSE(m.evaluation().has_updates());
}

TEST(Steps, stand_in_sections) {
  Step step = Model(line, {.batch = 3}).training().step();
  Part last = Part::forward;
  bool seen[3] = {};
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    Part part = step.graph.origin(n).part;
    seen[static_cast<int>(part)] = true;
    EXPECT_GE(part, last) << "forward, then backward, then update: node " << n;
    last = part;
  }
  EXPECT_TRUE(seen[0] && seen[1] && seen[2]);
}

TEST(Minimize, trains_by_groups_with_rates_of_their_own) {
  auto function = [](Model& m) {
    Parameter w = m.parameter("generator/w", ones({}));
    Parameter b = m.parameter("generator/b", ones({}));
    Parameter c = m.parameter("critic/w", ones({}));
    Tensor loss = square(w * c + b);
    m.minimize(loss, SGD{.lr = 0.5},
               {.name = "generate", .parameters = "generator/*", .except = "*/b"});
    m.minimize(-loss, SGD{.lr = 0.25}, {.name = "criticize", .parameters = "critic/*"});
  };
  Model m(function, {.dtype = DType::f64});
  Step both = m.training().step();
  EXPECT_THAT(names(both.signature.outputs), ElementsAre("generate/loss", "criticize/loss"));
  EXPECT_THAT(names(both.signature.scalars), ElementsAre("generate/lr", "criticize/lr"));
  EXPECT_EQ(both.updates.size(), 4u);
  Step one = m.training("criticize").step();
  EXPECT_EQ(one.updates.size(), 2u);
  EXPECT_EQ(one.signature.step, "criticize");
  CallResults r = test::run(both);
  EXPECT_EQ(r.updates[0].at(0), 1 - 0.5 * 4) << "w - lr * 2 (w c + b) c";
  EXPECT_EQ(r.updates[2].at(0), 1 + 0.25 * 4)
      << "c + lr * 2 (w c + b) w, both from the values before";
  EXPECT_EQ(r.updates[1].data<int64_t>()[0], 1);
}

TEST(Minimize, takes_rules_of_ones_own) {
  struct SignDescent {
    double lr = 0.1;
    void apply(Minimization& m) const {
      for (const Minimization::Target& target : m.targets()) {
        Variable seen = m.slot(target, "seen", ones());
        m.update(seen, seen + 1);
        m.update(target, target.parameter - m.lr(target.parameter.dtype()) * sign(target.gradient));
      }
    }
  };
  Model m({.dtype = DType::f64});
  Parameter w = m.parameter("w", values({1, -2}));
  m.minimize(sum(square(w)), SignDescent{.lr = 0.25});
  Step step = m.training().step();
  EXPECT_THAT(names(step.signature.states), ElementsAre("w", "minimize/step", "minimize/seen/w"));
  CallResults r = test::run(step);
  EXPECT_THAT(test::elements(r.updates[0]), ElementsAre(2, 2));
  EXPECT_THAT(test::elements(r.updates[1]), ElementsAre(0.75, -1.75));
}

TEST(Update, of_states_is_simultaneous) {
  Model m({.dtype = DType::f64});
  Variable p = m.variable("p", values({1, 2})), q = m.variable("q", values({3, 4}));
  m.update(p, q);
  m.update(q, p);
  CallResults r = test::run(m.training().step());
  EXPECT_THAT(test::elements(r.updates[0]), ElementsAre(3, 4));
  EXPECT_THAT(test::elements(r.updates[1]), ElementsAre(1, 2));
}

TEST(Training, is_a_scalar_that_chooses) {
  Model m({.dtype = DType::f64});
  m.output("mode", where(m.is_training(), 1, 0));
  EXPECT_EQ(test::run(m.training().step(), true).outputs[0].at(0), 1);
  EXPECT_EQ(test::run(m.evaluation().step(), false).outputs[0].at(0), 0);
}

TEST(InitialValues, depend_on_name_and_seed_alone) {
  auto first = [](int64_t seed, bool other) {
    Model m({.dtype = DType::f64});
    if (other)
      (void)m.parameter("other", normal({3}));
    (void)m.parameter("w", xavier_uniform({4, 2}));
    return initial_values(m.evaluation().step().signature, seed).back();
  };
  Array w = first(1, false);
  EXPECT_TRUE(same_bits(w, first(1, true)));
  EXPECT_FALSE(same_bits(w, first(2, false)));
  for (double e : test::elements(w))
    EXPECT_LE(std::abs(e), 1.0) << "sqrt(6 / (4 + 2))";
}

TEST(InitialValues, follow_their_formulas) {
  Model m({.dtype = DType::f64});
  (void)m.parameter("he", he_normal({400, 100}));
  (void)m.parameter("glorot", xavier_normal({400, 100}));
  (void)m.parameter("torch", fan_in_uniform(400, {400, 100}));
  (void)m.parameter("he_uniform", he_uniform({400, 100}));
  (void)m.parameter("seven", constant({2}, 7));
  std::vector<Array> all = initial_values(m.evaluation().step().signature, 0);
  auto stddev = [](const Array& a) {
    double squares = 0;
    for (double e : test::elements(a))
      squares += e * e;
    return std::sqrt(squares / static_cast<double>(a.elements()));
  };
  EXPECT_NEAR(stddev(all[0]), std::sqrt(2.0 / 400), 0.001);
  EXPECT_NEAR(stddev(all[1]), std::sqrt(2.0 / 500), 0.001);
  EXPECT_NEAR(stddev(all[2]), 1 / std::sqrt(400.0) / std::sqrt(3.0), 0.001);
  EXPECT_NEAR(stddev(all[3]), std::sqrt(2.0 / 400), 0.001);
  EXPECT_THAT(test::elements(all[4]), ElementsAre(7, 7));
}

void later_model(Model&) {}
void earlier_model(Model&) {}
const ModelRow earlier_row = {"earlier_model", "", "a.cpp", 3, earlier_model};
const ModelRow later_row = {"later_model", "", "a.cpp", 30, later_model};

TEST(Registry, sorts_rows_and_refuses_other_versions) {
  auto accessor = [](const ModelRow* const** begin, const ModelRow* const** end) {
    static const ModelRow* const table[] = {&later_row, &earlier_row};
    *begin = table;
    *end = table + 2;
    return GDJIT_ABI_TAG;
  };
  std::vector<const ModelRow*> models = registered_models(accessor, "models.so");
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0], &earlier_row);
  auto old = [](const ModelRow* const**, const ModelRow* const**) { return "gdjit 0.0.1 abi 0"; };
  try {
    registered_models(old, "old.so");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("'old.so' was built against gdjit 0.0.1 abi 0"));
  }
}

} // namespace
