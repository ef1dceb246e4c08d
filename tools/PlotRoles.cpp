// The prediction step says which inputs are features: it asks for those alone.
#include "PlotRoles.h"

#include "Comparison.h"
#include "Evaluate.h"

#include <algorithm>
#include <climits>
#include <map>
#include <set>

namespace gdjit::tool {

const OutputDecl* Roles::number() const {
  const OutputDecl* nearest = nullptr;
  int distance = 0;
  for (size_t k = 0; k < outputs.size(); ++k)
    if (const OutputDecl& d = outputs[k];
        is_float(d.type.dtype) && row_width(d.type) == 1 && (!nearest || distances[k] < distance)) {
      nearest = &d;
      distance = distances[k];
    }
  return nearest;
}

std::vector<double> Roles::as_they_came(size_t k, std::vector<double> values) const {
  for (double& v : values)
    v = v * scale[k] + offset[k];
  return values;
}

Roles roles(const PlotSource& source) {
  Roles roles;
  Work work = source.subject.work(StepKind::prediction, source.signature.batch);
  const Signature& prediction = work.signature();
  for (const InputDecl& d : prediction.inputs) {
    if (d.batch_axis != 0)
      continue;
    roles.features.push_back(d);
    roles.width += row_width(d.type);
    auto scaling = std::ranges::find(source.scalings, d.name, &Scaling::input);
    bool scaled = scaling != source.scalings.end();
    for (size_t k = 0; k < static_cast<size_t>(row_width(d.type)); ++k) {
      roles.offset.push_back(scaled ? scaling->offset[k] : 0);
      roles.scale.push_back(scaled ? scaling->scale[k] : 1);
    }
  }
  for (const InputDecl& d : source.signature.inputs)
    if (std::ranges::find(prediction.inputs, d.name, &InputDecl::name) == prediction.inputs.end() &&
        d.batch_axis == 0 && row_width(d.type) == 1)
      roles.targets.push_back(d);
  std::map<std::string, int> distances;
  std::set<std::string> logits;
  const Work evaluation =
      comparable(source.subject.work(StepKind::evaluation, source.signature.batch));
  if (!roles.targets.empty() && evaluation.is_graph()) {
    const Comparison comparison =
        find_comparison(evaluation.step, roles.targets[0].name, source.subject.given_inputs());
    for (size_t k = 0; k < comparison.distances.size(); ++k) {
      const std::string& name = evaluation.signature().outputs[k].name;
      distances[name] = comparison.distances[k];
      if (comparison.takes_logits(evaluation.step, k))
        logits.insert(name);
    }
  }
  for (const OutputDecl& d : prediction.outputs)
    if (d.batch_axis == 0) {
      roles.outputs.push_back(d);
      auto found = distances.find(d.name);
      roles.distances.push_back(found == distances.end() ? INT_MAX : found->second);
      roles.logits.push_back(logits.contains(d.name));
    }
  return roles;
}

std::vector<double> numbers(const TensorView& view) {
  std::vector<double> values;
  for (int64_t i = 0; i < view.elements(); ++i)
    values.push_back(view.at(i));
  return values;
}

std::vector<double> numbers(const Dataset& rows, const std::string& input) {
  return numbers(rows.input(input).array.view(input));
}

std::vector<double> features_of(const Roles& roles, const Dataset& rows) {
  std::vector<double> features;
  for (int64_t i = 0; i < rows.rows(); ++i)
    for (const InputDecl& d : roles.features) {
      TensorView input = rows.input(d.name).array.view(d.name);
      for (int64_t k = 0, own = row_width(d.type); k < own; ++k)
        features.push_back(input.at(i * own + k));
    }
  return features;
}

std::map<std::string, std::vector<double>> predict(const PlotSource& source, const Roles& roles,
                                                   const std::vector<double>& features) {
  int64_t rows = static_cast<int64_t>(features.size()) / roles.width;
  Evaluator evaluator(source.subject, StepKind::prediction, source.state, source.scalars,
                      source.options);
  std::vector<InputRows> inputs;
  int64_t before = 0;
  for (const InputDecl& d : evaluator.signature().inputs) {
    if (d.batch_axis != 0) {
      inputs.push_back(source.parts.front().rows.input(d.name));
      continue;
    }
    TensorType type = d.type;
    type.shape[0] = rows;
    Array input(type);
    int64_t own = row_width(type);
    for (int64_t i = 0; i < input.elements(); ++i)
      input.set(i, features[static_cast<size_t>(i / own * roles.width + before + i % own)]);
    before += own;
    inputs.push_back({d.name, std::move(input)});
  }
  std::map<std::string, std::vector<double>> predicted;
  evaluator.run(Dataset(std::move(inputs)), 0, [&](const SeenBatch& batch) {
    for (const TensorView& output : batch.outputs)
      predicted[std::string(output.name)] = numbers(output);
  });
  return predicted;
}

} // namespace gdjit::tool
