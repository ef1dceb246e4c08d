// Gradients of random graphs in f64, by native code, against central differences of the same code's
// loss.
#include "RandomStep.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/IR/Text.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Ops/Expr.h"
#include "gdjit/Ops/GraphBuilder.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <set>

namespace gdjit::testing {
namespace {

/// Whether each node depends on `source`.
std::vector<bool> dependents(const Graph& graph, NodeId source) {
  std::vector<bool> depends(graph.size());
  for (NodeId n = 0; n < graph.size(); ++n) {
    depends[n] = n == source;
    for (Value v : graph.operands(n))
      depends[n] = depends[n] || depends[v.node];
  }
  return depends;
}

/// One f64 output of a random step as a loss, with its gradient by every f64 input it depends on.
struct Differentiated {
  Step step;
  std::vector<uint32_t> inputs; ///< rows of the signature; gradients are outputs 1 ..
};

Differentiated with_loss(const Step& from, size_t output) {
  Differentiated result{from, {}};
  Step& step = result.step;
  Value y = step.outputs[output];
  step.outputs.clear();
  step.updates.clear();
  step.signature.outputs.clear();
  step.signature.updates.clear();
  GraphBuilder builder(step.graph, step.signature, Sharing::verbatim);
  auto add = [&](const std::string& name, Value v) {
    OutputDecl decl;
    decl.name = name;
    decl.type = step.graph.type(v);
    step.signature.outputs.push_back(decl);
    step.outputs.push_back(v);
  };
  // Elements weigh differently, so that errors do not cancel.
  Array weights(step.graph.type(y));
  for (int64_t i = 0; i < weights.elements(); ++i)
    weights.set(i, std::cos(static_cast<double>(i + 1)));
  std::vector<int64_t> axes;
  for (int i = 0; i < weights.type().shape.rank(); ++i)
    axes.push_back(i);
  Expr weighed = Expr{&builder, y} * Expr{&builder, builder.constant(weights)};
  Value loss = sum(weighed, axes, false).value;
  add("loss", loss);
  for (NodeId n = 0; n < from.graph.size(); ++n)
    if (from.graph.op(n) == Opcode::Input && from.graph.type(n).dtype == DType::f64 &&
        dependents(from.graph, n)[y.node]) {
      result.inputs.push_back(static_cast<uint32_t>(from.graph.attributes(n).integer(Attr::index)));
      add("g" + std::to_string(n), builder.append(Opcode::Gradient, {loss, Value{n, 0}}));
    }
  return result;
}

struct Tally {
  int agree = 0, unsettled = 0, singular = 0;
  std::set<Opcode> ops;
};

void look(const Step& from, size_t output, uint64_t seed, Tally& tally) {
  Differentiated d = with_loss(from, output);
  if (d.inputs.empty())
    return;
  CallArguments arguments = random_arguments(d.step.signature, seed, index_bound(d.step.graph));
  auto code = compile(d.step, {.level = 0}).executable;
  CallResults here = code->call(arguments);
  for (size_t k = 0; k < d.inputs.size(); ++k) {
    Array& x = arguments.inputs[d.inputs[k]];
    const Array& gradient = here.outputs[k + 1];
    int64_t stride = std::max<int64_t>(1, x.elements() / 8);
    for (int64_t i = 0; i < x.elements(); i += stride) {
      double at = x.at(i);
      auto slope = [&](double h) {
        x.set(i, at + h);
        double above = code->call(arguments).outputs[0].at(0);
        x.set(i, at - h);
        double below = code->call(arguments).outputs[0].at(0);
        x.set(i, at);
        return (above - below) / (2 * h);
      };
      // Two widths that disagree say nothing: a kink, a jump, a pole or lost digits lie between.
      double wide = slope(4e-5), narrow = slope(1e-5), got = gradient.at(i);
      double scale = 1 + std::fabs(narrow) + 1e-5 * std::fabs(here.outputs[0].at(0));
      if (!std::isfinite(wide) || !std::isfinite(narrow) ||
          std::fabs(wide - narrow) > 1e-6 * scale) {
        ++tally.unsettled;
        continue;
      }
      // sqrt(x - x): flat, by a product of 0 and an infinite derivative.
      if (!std::isfinite(got)) {
        ++tally.singular;
        continue;
      }
      ++tally.agree;
      for (NodeId n = 0; n < from.graph.size(); ++n)
        if (dependents(from.graph, n)[from.outputs[output].node])
          tally.ops.insert(from.graph.op(n));
      ASSERT_NEAR(got, narrow, 1e-5 * scale)
          << "seed " << seed << ", output " << from.signature.outputs[output].name << ", "
          << from.signature.inputs[d.inputs[k]].name << "[" << i << "] = " << at << "\n"
          << print(d.step);
    }
  }
}

TEST(RandomGradients, agree_with_central_differences) {
  Tally tally;
  for (uint64_t seed = 1; seed <= 300 && !::testing::Test::HasFailure(); ++seed) {
    Step step = random_step(seed, {.nodes = 12, .gradients = false, .smooth = true});
    for (size_t i = 0; i < step.outputs.size(); ++i)
      if (step.graph.type(step.outputs[i]).dtype == DType::f64)
        look(step, i, seed, tally);
  }
  std::printf("%d slopes agree over %zu ops; left out: %d unsettled, %d singular\n", tally.agree,
              tally.ops.size(), tally.unsettled, tally.singular);
  EXPECT_GT(tally.agree, 3000);
  EXPECT_LT(tally.unsettled, tally.agree);
  EXPECT_LT(tally.singular, tally.agree / 50);
  EXPECT_GT(tally.ops.size(), 40u);
}

} // namespace
} // namespace gdjit::testing
