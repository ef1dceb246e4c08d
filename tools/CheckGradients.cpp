// f'(x) is (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h up to h^4: with h near 1e-3 truncation
// and rounding both stay near 1e-11 of the values that take part.
#include "CheckGradients.h"

#include "Evaluate.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/GradientStep.h"
#include "gdjit/Driver/Math.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Support/Figure.h"
#include "gdjit/Support/Hash.h"

#include <algorithm>
#include <cmath>

namespace gdjit::tool {

namespace {

constexpr int elements_per_parameter = 12;

/// In [0, 1), by position.
double draw(uint64_t seed, uint64_t a, uint64_t b) {
  return static_cast<double>(combine(combine(mix64(seed), a), b) >> 11) * 0x1p-53;
}

class GradientCheck {
public:
  GradientCheck(const Step& step, CallArguments arguments)
      : step_(step), arguments_(std::move(arguments)) {}

  CallResults run() const { return interpret(step_, arguments_); }
  double loss_at(Array& array, int64_t i, double value, size_t output) {
    double before = array.at(i);
    array.set(i, value);
    double loss = run().outputs[output].at(0);
    array.set(i, before);
    return loss;
  }
  /// The derivative by differences, with the size of what rounding may have done to it.
  std::pair<double, double> difference(Array& array, int64_t i, double h, size_t output) {
    double x = array.at(i);
    double f[4] = {loss_at(array, i, x - 2 * h, output), loss_at(array, i, x - h, output),
                   loss_at(array, i, x + h, output), loss_at(array, i, x + 2 * h, output)};
    double size = std::abs(f[0]) + std::abs(f[1]) + std::abs(f[2]) + std::abs(f[3]);
    return {(8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h), 1e-14 * size / h};
  }
  CallArguments& arguments() { return arguments_; }

private:
  const Step& step_;
  CallArguments arguments_;
};

/// Where it is out by more than truncation and rounding allow; a kink within reach is tried again
/// closer by.
bool agrees(GradientCheck& check, Array& array, int64_t i, double gradient, size_t output,
            double& best) {
  for (double h : {1e-3, 1e-4, 1e-5}) {
    h *= std::max(1.0, std::abs(array.at(i)));
    auto [difference, rounding] = check.difference(array, i, h, output);
    best = difference;
    if (std::abs(difference - gradient) <=
        1e-6 * std::max({std::abs(difference), std::abs(gradient), 1e-3}) + 10 * rounding)
      return true;
  }
  return false;
}

/// A stop_gradient through which values move a loss unseen by its gradient; not that of a greatest
/// element, which softmax and its kin subtract without effect.
SourceLocation stop_gradient_of_the_user(const Graph& g) {
  for (NodeId n = 0; n < g.size(); ++n)
    if (g.op(n) == Opcode::StopGradient && g.op(g.operand(n, 0).node) != Opcode::Max)
      return g.location(n);
  return {};
}

/// What the gradients of every loss of a model are checked on.
struct Ground {
  const Model& model;
  const Step& declared;
  const Dataset& rows;
  uint64_t seed;
};

/// First values moved a little at random.
CallArguments moved_arguments(const Signature& signature, const Ground& ground) {
  State state = gdjit::initial_state(ground.model, static_cast<int64_t>(ground.seed));
  CallArguments arguments =
      call_arguments(signature, state, first_batch(signature, ground.rows), {});
  for (size_t s = 0; s < arguments.states.size(); ++s)
    if (Array& a = arguments.states[s]; a.type().dtype == DType::f64)
      for (int64_t i = 0; i < a.elements(); ++i)
        a.set(i, a.at(i) + 0.2 * draw(ground.seed, s, static_cast<uint64_t>(i)) - 0.1);
  return arguments;
}

void check_loss(const Ground& ground, const TrainedLoss& trained, CheckReport& report) {
  const Step& declared = ground.declared;
  const std::vector<std::string>& names = trained.states;
  const size_t loss = trained.output;
  const std::string& loss_name = declared.signature.outputs[loss].name;
  if (names.empty())
    return report.skip(loss_name, "no update follows its gradient");
  Step step = with_gradients(declared, loss, names, Updates::drop);
  CompileOptions options;
  options.last = Stage::Simplified;
  options.verify = true;
  step = compile(std::move(step), options).work.step;
  GradientCheck check(step, moved_arguments(step.signature, ground));
  CallArguments& arguments = check.arguments();
  const uint64_t seed = ground.seed;

  const SourceLocation kept_back = stop_gradient_of_the_user(declared.graph);
  CallResults at = check.run();
  size_t first = step.signature.outputs.size() - names.size();
  for (size_t p = 0; p < names.size(); ++p) {
    const Array& gradient = at.outputs[first + p];
    size_t row = 0;
    while (step.signature.states[row].name != names[p])
      ++row;
    Array& value = arguments.states[row];
    if (value.type().dtype != DType::f64) {
      report.skip(derivative_name(loss_name, names[p]),
                  fmt::format("{} cannot be f64, it is {}", names[p], to_string(value.type())));
      continue;
    }
    std::string wrong;
    bool number = true; // differences of NaN say nothing
    int64_t count = std::min<int64_t>(value.elements(), elements_per_parameter);
    for (int64_t k = 0; k < count && wrong.empty() && number; ++k) {
      int64_t i = count == value.elements()
                      ? k
                      : static_cast<int64_t>(draw(seed + 1, p, static_cast<uint64_t>(k)) *
                                             static_cast<double>(value.elements()));
      double difference = 0;
      if (agrees(check, value, i, gradient.at(i), loss, difference))
        continue;
      number = !std::isnan(difference);
      if (number)
        wrong = fmt::format("element {} is {}, by differences {}", i,
                            format_figure(gradient.at(i), 9), format_figure(difference, 9));
    }
    if (!number) {
      report.skip(derivative_name(loss_name, names[p]),
                  "the loss is NaN at these values; train --check-nan names the op");
      continue;
    }
    if (!wrong.empty() && kept_back.known()) {
      report.skip(
          derivative_name(loss_name, names[p]),
          fmt::format("differences see through the stop_gradient of {}", to_string(kept_back)));
      continue;
    }
    report.result(fmt::format("{} against differences, {} of {} elements",
                              derivative_name(loss_name, names[p]), count, value.elements()),
                  wrong.empty(), wrong);
  }
}

} // namespace

void check_gradients(const Subject& subject, int64_t batch, uint64_t seed, CheckReport& report) {
  std::unique_ptr<Model> model;
  try {
    model = subject.declare(batch, DType::f64);
  } catch (const Error& error) {
    return report.skip("gradients", fmt::format("differences are taken in f64, and the model is "
                                                "not one there (write m.dtype() where it names a "
                                                "type): {}",
                                                error.diagnostics().front().message));
  }
  Step declared = model->training().step(batch);
  std::vector<TrainedLoss> losses;
  try {
    losses = trained_losses(declared);
  } catch (const Error& error) {
    return report.skip("gradients", error.diagnostics().front().message);
  }
  // A single loss may be made of nothing that an update changes.
  if (losses.empty() || (losses.size() == 1 && losses.front().states.empty()))
    return report.skip("gradients", "no update changes a state of a float type");
  Work work;
  work.step = declared;
  const Dataset rows = some_rows(subject, work, seed);
  const Ground ground{*model, declared, rows, seed};
  for (const TrainedLoss& loss : losses)
    check_loss(ground, loss, report);
}

} // namespace gdjit::tool
