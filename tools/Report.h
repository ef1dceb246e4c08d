// What train and eval print when they are done.
#pragma once

#include "Assess.h"

namespace gdjit::tool {

/// Results in both forms, put together piece by piece.
struct Report {
  std::string text;
  Json json;
  Figures figures; ///< what a criterion may speak of

  /// Outputs and metrics of every part; `after` stands behind the training loss.
  void add(const std::vector<Assessed>& parts, const Signature& signature,
           const std::string& after);
  /// States: those of up to 64 elements whole, in JSON all where `whole`.
  void add(const Signature& signature, const State& state, bool whole);
  /// The model's example rows, as it gives them, with what it predicts for them once they are
  /// scaled.
  void add_examples(const Subject& subject, const Signature& signature, State& state,
                    const ScalarValues& scalars, std::span<const Scaling> scalings,
                    const CompileOptions& options);
  /// Prints, then judges: the exit code.
  int finish(const std::vector<std::string>& criteria, bool as_json);
};

/// Says what is wrong with a criterion before an hour has gone by.
void check_criteria(const std::vector<std::string>& criteria, const Figures& known);

} // namespace gdjit::tool
