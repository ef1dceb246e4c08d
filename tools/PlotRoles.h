// What the inputs and outputs of a model are to a picture: features, target, prediction.
#pragma once

#include "Plot.h"

namespace gdjit::tool {

struct Roles {
  std::vector<InputDecl> features;   ///< inputs with rows that the prediction needs
  int64_t width = 0;                 ///< their numbers per row
  std::vector<InputDecl> targets;    ///< one number per row, not needed by the prediction
  std::vector<OutputDecl> outputs;   ///< per row
  std::vector<int> distances;        ///< of each output from the first target (Comparison)
  std::vector<bool> logits;          ///< outputs that the loss takes as such: 0 decides, not 0.5
  std::vector<double> offset, scale; ///< of each feature: as it came, it was value * scale + offset

  /// The float output of one number per row that is nearest to the first target, the first of
  /// several; null where there is none.
  const OutputDecl* number() const;
  /// Values of feature k, as the model takes them, as they came.
  std::vector<double> as_they_came(size_t k, std::vector<double> values) const;
};
Roles roles(const PlotSource& source);

/// The features of rows, Roles::width a row.
std::vector<double> features_of(const Roles& roles, const Dataset& rows);

/// Outputs of the prediction by name, for such features.
std::map<std::string, std::vector<double>> predict(const PlotSource& source, const Roles& roles,
                                                   const std::vector<double>& features);

/// The numbers of an input of these rows.
std::vector<double> numbers(const Dataset& rows, const std::string& input);
std::vector<double> numbers(const TensorView& view);

} // namespace gdjit::tool
