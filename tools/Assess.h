// What a model is worth on each part of its rows: its own outputs, and metrics of its predictions.
#pragma once

#include "Measures.h"
#include "Parts.h"

namespace gdjit::tool {

/// Of one part.
struct Assessed {
  std::string prefix;
  OutputValues outputs; ///< the model's, without those that have a row per example
  Figures measured;
  std::string tables;
};

class Assessor {
public:
  /// `metrics` false leaves them out. What `found` says of the rows gives classes their names.
  Assessor(const Subject& subject, State& state, const Parts& parts, int64_t batch,
           const ScalarValues& scalars, const CompileOptions& options, bool metrics,
           const FoundRows& found);

  /// Begins to compile what run() needs, beside the training step.
  void begin();
  /// The parts that are looked at after every epoch; all where `whole`.
  std::vector<Assessed> run(bool whole);
  /// The names that figures_of(run(true)) will have, without values.
  Figures known() const;
  const Signature& signature() const { return evaluator_.signature(); }

private:
  const Parts& parts_;
  int64_t batch_;
  Evaluator evaluator_;
  std::optional<Measures> measures_;
  const FoundRows& found_;
};

/// The figures of all of them, by their prefixes.
Figures figures_of(const std::vector<Assessed>& parts);
/// One line: "loss 0.53  accuracy 0.8  dev/loss 0.6"; without counts of confusion and what
/// m.watch saw.
std::string line_of(const Figures& figures);
/// What m.watch saw, a line each: "h f32[6,1]: min 0 mean 0.5 max 1, 0 not finite".
std::string watched(const Signature& signature, const OutputValues& outputs);

} // namespace gdjit::tool
