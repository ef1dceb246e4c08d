// The steps and the arrays of the loops they are compared with.
#include "Memory.h"

#include "Prepared.h"
#include "Streams.h"

#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>

namespace gdjit::benchmarks {

namespace {

constexpr int64_t million = 1'000'000;

void adam(Model& m) {
  Parameter w = m.parameter("w", zeros({10 * million}));
  m.minimize(sum(w * w), Adam{.lr = 1e-3}, MinimizeOptions{.accumulate = true});
}

void softmax_and_gradient(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1000});
  Tensor label = m.input("label", {m.batch()}, DType::i32);
  m.output("d", gradient(cross_entropy(x, label), x));
}

void chain(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1024});
  m.output("y", relu(x * 2 + 1) * x - 0.5);
}

void total(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1024});
  m.output("sum", sum(x));
}

using Part = ModelStep (*)(const Model&);

/// What a row's function objects share.
struct Ready {
  Ready(void (*declare)(Model&), int64_t batch, Part part)
      : model(declare, {.batch = batch}), state(initial_state(model)),
        function(compile(part(model), state)) {
    const Step step = part(model).step();
    rows = random_arguments(step.signature, 1, index_bound(step.graph)).inputs;
    std::vector<TensorView> views;
    for (size_t i = 0; i < rows.size(); ++i)
      views.emplace_back(step.signature.inputs[i].name, rows[i]);
    function.bind(views);
  }

  Model model;
  State state;
  StepFunction function;
  std::vector<Array> rows;
};

/// Arrays for a loop that only moves, at different places of their pages.
struct Moved {
  Moved(int count, int64_t elements) {
    for (int i = 0; i < count; ++i) {
      const int64_t shift = int64_t{272} * i;
      arrays.emplace_back(TensorType{DType::f32, Shape{elements + shift}});
      at.push_back(arrays.back().data<float>() + shift);
    }
  }

  std::vector<Array> arrays;
  std::vector<float*> at;
};

MemoryBound prepare(const std::string& name, void (*declare)(Model&), int64_t batch, Part part,
                    Streams streams, int64_t elements) {
  auto ready = std::make_shared<Ready>(declare, batch, part);
  const int arrays = streams.in_place ? streams.reads : streams.reads + streams.writes;
  MemoryBound bound{name,
                    4.0 * static_cast<double>(elements) * (streams.reads + streams.writes),
                    {{"gdjit", [ready] { ready->function.run(); }}}};
  for (Stores stores : {Stores::plain, Stores::streaming})
    if (stores == Stores::plain || streams.writes > 0) {
      // Its own: of two loops over the same arrays the second would find them in a cache.
      auto moved = std::make_shared<Moved>(arrays, elements);
      bound.contestants.push_back({"loop", [=] { move(streams, stores, moved->at, elements); }});
    }
  return bound;
}

} // namespace

std::vector<MemoryRow> memory_rows() {
  auto evaluation = [](const Model& m) { return m.evaluation(); };
  std::vector<MemoryRow> rows;
  auto add = [&](const std::string& name, void (*model)(Model&), int64_t batch, Part part,
                 Streams streams, int64_t elements) {
    rows.push_back({name, [=] { return prepare(name, model, batch, part, streams, elements); }});
  };
  add(
      "Adam alone, 10 million", adam, 0, [](const Model& m) { return m.apply(); },
      Streams{4, 4, true}, 10 * million);
  add("softmax and gradient, 4096x1000", softmax_and_gradient, 4096, evaluation, Streams{1, 1},
      int64_t{4096} * 1000);
  for (int64_t mib : {1, 8, 32}) {
    add(fmt::format("chain, {} MiB to {} MiB", mib, mib), chain, mib * 256, evaluation,
        Streams{1, 1}, mib << 18);
    add(fmt::format("sum of {} MiB", 2 * mib), total, mib * 512, evaluation, Streams{1, 0},
        mib << 19);
  }
  return rows;
}

} // namespace gdjit::benchmarks
