// What fits what is settled once, before training: a figure that comes and goes helps nobody.
#include "Measures.h"

#include "Comparison.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Ops/Op.h"

#include <algorithm>
#include <cmath>

namespace gdjit::tool {

namespace {

constexpr int most_classes = 1000;
constexpr int most_shown = 100; ///< classes of which each is shown against each

/// What the values of a target are.
struct TargetKind {
  bool one_hot = false;
  int classes = 0; ///< 0 where they are no classes
};

TargetKind kind_of(const InputRows& target, int64_t rows) {
  TensorView values = target.array.view(target.name);
  DType type = values.type.dtype;
  double greatest = 0;
  for (int64_t i = 0; i < values.elements(); ++i) {
    double v = values.at(i);
    if (is_integer(type) && v < 0) // an ignored index
      continue;
    if (!(v >= 0) || (is_float(type) && v != 0 && v != 1))
      return {};
    greatest = std::max(greatest, v);
  }
  if (greatest >= most_classes)
    return {};
  TargetKind kind{.classes = std::max(2, static_cast<int>(greatest) + 1)};
  int64_t width = rows == 0 ? 0 : values.elements() / rows;
  if (!is_float(type) || width < 2)
    return kind;
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (int64_t c = 0; c < width; ++c)
      sum += values.at(r * width + c);
    if (sum != 1)
      return kind;
  }
  return {.one_hot = true, .classes = static_cast<int>(width)};
}

/// As many numbers a row, whatever axes they lie along: a loss may have reshaped either.
bool equal_rows(const TensorType& output, const TensorType& target) {
  return row_width(output) == row_width(target);
}

/// The position of the 1 in each row.
Array classes_of_rows(const TensorView& target) {
  int64_t width = row_width(target.type);
  Array classes({DType::i64, {target.type.shape[0]}});
  for (int64_t i = 0; i < target.elements(); ++i)
    if (target.at(i) == 1)
      classes.data<int64_t>()[i / width] = i % width;
  return classes;
}

/// True for `answer > c`, however it is written: what a model calls class 1.
bool exceeds(const Graph& g, NodeId n) {
  auto is_number = [&](Value v) {
    while (kind(g.op(v.node)) == OpKind::Movement)
      v = g.operand(v.node, 0);
    return g.op(v.node) == Opcode::Constant;
  };
  const Opcode op = g.op(n);
  return op == Opcode::Greater || op == Opcode::GreaterEqual ||
         ((op == Opcode::Less || op == Opcode::LessEqual) && is_number(g.operand(n, 0)));
}

bool has_nan(const TensorView& values) {
  for (int64_t i = 0; is_float(values.type.dtype) && i < values.elements(); ++i)
    if (std::isnan(values.at(i)))
      return true;
  return false;
}

/// The score for class 1 of two scores a row: monotone in its probability.
Array differences(const TensorView& scores) {
  Array result({DType::f64, {scores.elements() / 2}});
  for (int64_t i = 0; i < result.elements(); ++i)
    result.set(i, scores.at(2 * i + 1) - scores.at(2 * i));
  return result;
}

} // namespace

Measures::Measures(const Subject& subject, const Work& evaluation, const Dataset& rows) {
  const Signature& signature = evaluation.signature();
  for (const OutputDecl& output : signature.outputs)
    taken_.push_back(output.name);
  const std::vector<std::string> given = subject.given_inputs();
  const Work safe = comparable(evaluation);
  for (const InputRows& input : rows.inputs()) {
    Judge j;
    if (input.batch_axis == 0 && std::ranges::find(given, input.name) == given.end() &&
        judge(safe, input, given, j))
      judges_.push_back(std::move(j));
  }
  for (Judge& j : judges_)
    if (judges_.size() > 1)
      j.prefix = j.target + "/";
  clear();
}

bool Measures::judge(const Work& evaluation, const InputRows& target,
                     std::span<const std::string> given, Judge& j) const {
  const Signature& signature = evaluation.signature();
  const TensorType& type = target.array.type;
  TargetKind kind = kind_of(target, type.shape[0]);
  j.target = target.name;
  j.one_hot = kind.one_hot;
  j.classes = kind.classes;
  size_t numbers = none, scores = none, probability = none, real = none;
  Comparison comparison{.distances = std::vector<int>(signature.outputs.size())};
  if (evaluation.is_graph())
    comparison = find_comparison(evaluation.step, target.name, given);
  const std::vector<int>& distances = comparison.distances;
  auto decides = [&](size_t k) { // some bools say other things of a row
    return !evaluation.is_graph() || signature.outputs[k].type.dtype != DType::boolean ||
           exceeds(evaluation.step.graph, evaluation.step.outputs[k].node);
  };
  auto nearer = [&](size_t& found, size_t k) {
    found = found == none || distances[k] < distances[found] ? k : found;
  };
  for (size_t k = 0; k < signature.outputs.size(); ++k) {
    const OutputDecl& output = signature.outputs[k];
    if (output.batch_axis != 0 || distances[k] >= contraction_distance)
      continue;
    const Shape& shape = output.type.shape;
    bool is_real = is_float(output.type.dtype), equal = equal_rows(output.type, type);
    Shape without;
    for (int axis = 0; axis + 1 < shape.rank(); ++axis)
      without.push_back(shape[axis]);
    if (equal && is_real)
      nearer(real, k);
    if (equal && !is_real && !kind.one_hot && decides(k))
      nearer(numbers, k);
    if (kind.one_hot && !is_real && type.shape.rank() == shape.rank() + 1)
      nearer(numbers, k);
    if (is_real && (kind.one_hot ? equal
                                 : shape.rank() > 1 && shape[shape.rank() - 1] > 1 &&
                                       equal_rows({type.dtype, without}, type)))
      nearer(scores, k);
    if (equal && is_real && kind.classes == 2 && !kind.one_hot && evaluation.is_graph() &&
        evaluation.step.graph.op(evaluation.step.outputs[k].node) == Opcode::Sigmoid)
      nearer(probability, k);
  }
  if (kind.classes == 0) { // what a loss compares otherwise, a logarithm of a rate, is no answer
    j.regress = comparison.subtracts || !evaluation.is_graph() ? real : none;
    return j.regress != none;
  }
  j.decision = numbers != none ? numbers : scores != none ? scores : probability;
  if (numbers != none && evaluation.is_graph()) {
    const Graph& g = evaluation.step.graph;
    if (NodeId n = evaluation.step.outputs[numbers].node; g.op(n) == Opcode::Argmax)
      j.classes = std::max(j.classes, static_cast<int>(accesses(g, n).reduced.elements()));
  } else if (scores != none) {
    const Shape& shape = signature.outputs[scores].type.shape;
    j.classes = static_cast<int>(shape[shape.rank() - 1]);
  }
  if (j.classes == 2)
    j.score = scores != none ? scores : real;
  if (j.decision == none && real != none && comparison.subtracts)
    j.regress = real;
  else if (j.decision == none && real != none && evaluation.is_graph() &&
           comparison.takes_logits(evaluation.step, real)) {
    j.decision = real;
    j.threshold = 0;
  }
  return j.decision != none || j.score != none;
}

void Measures::clear() {
  for (Judge& j : judges_) {
    j.nan = false;
    j.confusion = ConfusionMatrix(std::max(2, j.classes), j.threshold);
    j.auc = {};
    j.errors = {};
  }
}

void Measures::add(const SeenBatch& batch) {
  for (Judge& j : judges_) {
    auto found = std::find_if(batch.inputs.begin(), batch.inputs.end(),
                              [&](const TensorView& view) { return view.name == j.target; });
    Array classes;
    TensorView target = *found;
    if (j.one_hot) {
      classes = classes_of_rows(target);
      target = TensorView(j.target, classes);
    }
    for (size_t k : {j.decision, j.score, j.regress})
      j.nan |= k != none && has_nan(batch.outputs[k]);
    if (j.nan)
      continue;
    if (j.decision != none) {
      const TensorView& decision = batch.outputs[j.decision];
      for (int64_t i = 0; is_integer(decision.type.dtype) && i < decision.elements(); ++i)
        j.confusion.grow(static_cast<int>(std::min<double>(decision.at(i) + 1, most_classes)));
      j.confusion.add(decision, target);
    }
    if (j.score != none) {
      const TensorView& score = batch.outputs[j.score];
      Array difference;
      bool pairs = score.elements() != target.elements();
      if (pairs)
        difference = differences(score);
      j.auc.add(pairs ? TensorView("", difference) : score, target);
    }
    if (j.regress != none)
      j.errors.add(batch.outputs[j.regress], target);
  }
}

Figures Measures::figures() const {
  Figures figures;
  for (const Judge& j : judges_) {
    auto add = [&](const std::string& name, double value) {
      std::string full = j.prefix + name;
      if (std::find(taken_.begin(), taken_.end(), full) == taken_.end())
        figures.emplace_back(full, j.nan ? NAN : value);
    };
    const ConfusionMatrix& m = j.confusion;
    if (j.decision != none) {
      bool two = m.classes() == 2;
      add("accuracy", m.accuracy());
      add("precision", two ? m.precision() : m.macro_precision());
      add("recall", two ? m.recall() : m.macro_recall());
      add("f1", two ? m.f1() : m.macro_f1());
    }
    if (j.score != none)
      add("roc_auc", j.auc.value());
    if (j.regress != none) {
      add("mae", j.errors.mean_absolute_error());
      add("r2", j.errors.r2());
    }
    for (int actual = 0; j.decision != none && m.classes() <= most_shown && actual < m.classes();
         ++actual)
      for (int predicted = 0; predicted < m.classes(); ++predicted)
        add(fmt::format("confusion/{}/{}", actual, predicted),
            static_cast<double>(m.at(actual, predicted)));
  }
  return figures;
}

std::string Measures::tables(const FoundRows& found) const {
  std::string text;
  for (const Judge& j : judges_) {
    int classes = j.confusion.classes();
    if (j.decision == none || j.nan || classes > most_shown)
      continue;
    std::vector<std::string> labels = labels_of(found.columns, found.labels, j.target);
    auto name = [&](int c) {
      return static_cast<size_t>(c) < labels.size() ? labels[static_cast<size_t>(c)]
                                                    : std::to_string(c);
    };
    size_t width = std::string("actual").size(), column = 1;
    for (int c = 0; c < classes; ++c) {
      width = std::max(width, name(c).size());
      column = std::max(column, name(c).size());
      for (int p = 0; p < classes; ++p)
        column = std::max(column, std::to_string(j.confusion.at(c, p)).size());
    }
    text += fmt::format("{}confusion: rows of each class, by what they were taken for\n", j.prefix);
    text += fmt::format("  {:<{}}", "actual", width);
    for (int c = 0; c < classes; ++c)
      text += fmt::format("  {:>{}}", name(c), column);
    text += "\n";
    for (int actual = 0; actual < classes; ++actual) {
      text += fmt::format("  {:<{}}", name(actual), width);
      for (int p = 0; p < classes; ++p)
        text += fmt::format("  {:>{}}", j.confusion.at(actual, p), column);
      text += "\n";
    }
  }
  return text;
}

} // namespace gdjit::tool
