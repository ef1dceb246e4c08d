// Rows cut from arguments and results, and random models whose rows do not see each other.
#include "RowBits.h"

#include "Chain.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/Frontend/Functions.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace gdjit::testing {

namespace {

constexpr int64_t most_rows = 64;

/// `count` rows from `first` on along an axis.
Array rows_of(const Array& all, int axis, int64_t first, int64_t count) {
  TensorType type = all.type();
  int64_t extent = type.shape[axis], inner = byte_size(type.dtype), outer = 1;
  for (int i = 0; i < type.shape.rank(); ++i)
    (i < axis ? outer : inner) *= i == axis ? 1 : type.shape[i];
  type.shape[axis] = count;
  Array cut(type);
  for (int64_t o = 0; o < outer; ++o)
    std::memcpy(static_cast<char*>(cut.bytes()) + o * count * inner,
                static_cast<const char*>(all.bytes()) + (o * extent + first) * inner,
                static_cast<size_t>(count * inner));
  return cut;
}

CallArguments rows_of(const Signature& signature, CallArguments all, int64_t first, int64_t count) {
  for (size_t i = 0; i < signature.inputs.size(); ++i)
    if (int axis = signature.inputs[i].batch_axis; axis >= 0)
      all.inputs[i] = rows_of(all.inputs[i], axis, first, count);
  return all;
}

/// A step for one batch size, both ways.
struct Both {
  Step graph;
  std::shared_ptr<const Executable> code;

  Both(const ModelStep& step, int64_t batch, const CodeChoice& choice) {
    CompileOptions options{
        .target = choice.target, .level = choice.level, .training = step.training()};
    code = compile(step.step(batch), options).executable;
    options.last = Stage::Differentiated;
    graph = compile(step.step(batch), options).work.step;
  }
};

} // namespace

int64_t expect_same_rows(const ModelStep& step, uint64_t seed,
                         const std::vector<int64_t>& batches) {
  std::vector<CodeChoice> choices = code_choices();
  Step widest = step.step(most_rows);
  const Signature& signature = widest.signature;
  CallArguments all = random_arguments(signature, seed, index_bound(widest.graph), seed % 2 == 0);
  int64_t outputs = 0;
  for (const OutputDecl& output : signature.outputs)
    outputs += output.batch_axis >= 0;
  if (outputs == 0)
    return 0;

  Both one(step, 1, choices[seed % choices.size()]);
  std::vector<CallResults> alone;
  for (int64_t row = 0; row < most_rows; ++row) {
    CallArguments arguments = rows_of(signature, all, row, 1);
    alone.push_back(one.code->call(arguments));
    if (row < 4)
      EXPECT_EQ(
          first_difference(one.graph.signature, interpret(one.graph, arguments), alone.back()), "")
          << "row " << row << " alone";
  }
  for (int64_t batch : batches) {
    const CodeChoice& choice = choices[(seed + static_cast<uint64_t>(batch)) % choices.size()];
    Both many(step, batch, choice);
    CallArguments arguments = rows_of(signature, all, 0, batch);
    CallResults native = many.code->call(arguments), interpreted = interpret(many.graph, arguments);
    EXPECT_EQ(first_difference(many.graph.signature, interpreted, native), "");
    for (size_t i = 0; i < signature.outputs.size(); ++i) {
      int axis = signature.outputs[i].batch_axis;
      for (int64_t row = 0; axis >= 0 && row < batch; ++row)
        if (!same_bits(rows_of(native.outputs[i], axis, row, 1), alone[row].outputs[i])) {
          ADD_FAILURE() << "seed " << seed << ", output " << signature.outputs[i].name << ", row "
                        << row << " of " << batch << " for " << choice.target << " at O"
                        << choice.level;
          break;
        }
    }
  }
  return outputs;
}

namespace {

/// Layers, softmax, norms and reductions over trailing axes, drawn by a seed.
void random_rows(Model& m, uint64_t seed) {
  std::mt19937_64 random(seed);
  auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  constexpr int64_t widths[] = {1, 2, 3, 8, 10, 16, 17, 33, 64, 130, 300};
  int64_t width = widths[below(std::size(widths))];
  Tensor h = m.input("x", {m.batch(), width});
  for (int64_t layer = 0, layers = 2 + below(4); layer < layers; ++layer) {
    switch (below(9)) {
    case 0:
      h = softmax(h);
      break;
    case 1:
      h = log_softmax(h);
      break;
    case 2:
      h = (h - mean(h, {1}, true)) / sqrt(var(h, {1}, true, 0) + 1e-5);
      break;
    case 3:
      h = concat({h * sum(h, {1}, true), reverse(h, {1})}, 1);
      width *= 2;
      break;
    case 4:
      h = max(h, {1}, true) - h + logsumexp(h, {1}, true);
      break;
    case 5: // a product of its own for each row
      if (width <= 33) {
        Tensor column = reshape(h, {m.batch(), width, 1}), row = reshape(h, {m.batch(), 1, width});
        h = tanh(mean(matmul(column, row), {below(2) ? 1 : 2}));
        break;
      }
      [[fallthrough]];
    default: {
      int64_t next = widths[below(std::size(widths))];
      std::string number = std::to_string(layer);
      Parameter w = m.parameter("w" + number, zeros({width, next}));
      Parameter b = m.parameter("b" + number, zeros({next}));
      Tensor z = matmul(h, w) + b;
      switch (below(4)) {
      case 0:
        h = relu(z);
        break;
      case 1:
        h = sigmoid(z);
        break;
      case 2:
        h = exp(z * 0.125);
        break;
      default:
        h = tanh(z);
      }
      width = next;
    }
    }
  }
  m.output("y", h);
  m.output("class", argmax(h, 1));
  m.output("norm", norm(h, {1}));
  m.output("product", prod(h, {1}));
}

TEST(Rows, of_random_models_have_the_same_bits_alone_and_in_any_batch) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    for (DType dtype : {DType::f32, DType::f64}) {
      Model m([seed](Model& model) { random_rows(model, seed); }, {.batch = 1, .dtype = dtype});
      EXPECT_EQ(expect_same_rows(m.prediction(), seed, {2, 3, 7, 16, 33, 64}), 4);
    }
  }
}

TEST(Rows, that_lie_side_by_side_have_the_same_bits_alone_and_in_any_batch) {
  const auto columns = [](Model& model) {
    Tensor x = model.input("x", {200, model.batch()});
    Parameter w = model.parameter("w", normal({200, 3}));
    model.output("z", matmul(x, w, {.transpose_lhs = true}));
  };
  Model m(columns, {.batch = 1});
  EXPECT_EQ(expect_same_rows(m.prediction(), 1, {7, 8, 16, 64}), 1);
}

} // namespace
} // namespace gdjit::testing
