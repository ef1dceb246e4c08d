// Pictures of a model (--plot): the cost by update, the fit, curves, the decision boundary, a
// histogram. Which of them a model has follows from its inputs and outputs.
#pragma once

#include "History.h"
#include "Parts.h"
#include "Scalars.h"
#include "Subject.h"

namespace gdjit::tool {

/// The losses of a run, thinned where they are many.
class LossCurve {
public:
  /// The output "loss" and all others of rank 0 that end in "_loss" or "/loss".
  explicit LossCurve(const Signature& signature);

  /// The step has just made update `k`, counted from 0; its losses are those before it.
  void record(int64_t k, const StepFunction& step);

  struct Line {
    std::string name;
    std::vector<double> k, loss;
  };
  const std::vector<Line>& lines() const { return lines_; }

private:
  static constexpr size_t most = 300; ///< points that a line keeps, up to twice as many

  std::vector<Line> lines_;
  int64_t every_ = 1;
};

/// What the pictures are drawn of.
struct PlotSource {
  const Subject& subject;
  const Signature& signature; ///< of the training step, or of the evaluation
  const std::vector<Part>& parts;
  std::span<const Scaling> scalings; ///< of these rows
  State& state;
  const ScalarValues& scalars;
  const CompileOptions& options;
  const LossCurve* losses; ///< of a run; null where there was none
  const History* history;
};

/// The pictures that a command line asks for, [PICTURE=]FILE each.
class Plots {
public:
  /// `alone` is the picture of a FILE without one, "" where there is none.
  static void add_to(CLI::App& command, std::vector<std::string>& words, const std::string& alone);

  /// Error(usage) for another word or file ending, two pictures for one file, gnuplot missing;
  /// errors of require_output.
  Plots(const std::vector<std::string>& words, const std::string& alone, Tool& tool);

  bool empty() const { return asked_.empty(); }
  /// Error(usage) that says what the model lacks for a picture, and which others it has.
  void check(const PlotSource& source) const;
  /// Draws and writes them all.
  void draw(const PlotSource& source) const;

private:
  struct Asked {
    std::string picture, file;
  };
  std::vector<Asked> asked_;
};

} // namespace gdjit::tool
