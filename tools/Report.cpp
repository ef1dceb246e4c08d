// Text for people, JSON that round-trips.
#include "Report.h"

#include "gdjit/Driver/Json.h"
#include "gdjit/Driver/Values.h"
#include "gdjit/Support/Figure.h"
#include "gdjit/Support/Split.h"

#include <algorithm>
#include <cmath>

namespace gdjit::tool {

namespace {

constexpr int64_t shown_elements = 16; // of an array, in a line
constexpr int64_t json_elements = 64;  // of a parameter, unless all are asked for

/// The loss among outputs: "loss", else the first whose name ends so; null without one.
const Array* loss_of(const OutputValues& outputs) {
  const Array* first = nullptr;
  for (const auto& [name, value] : outputs) {
    if (name == "loss")
      return &value;
    if (first == nullptr && is_loss(name) && value.elements() == 1)
      first = &value;
  }
  return first;
}

/// One value for all rows, not one for each.
bool is_shown(const Signature& signature, const std::string& output, const Array& value) {
  auto d = std::ranges::find(signature.outputs, output, &OutputDecl::name);
  return d != signature.outputs.end() && d->batch_axis < 0 && value.elements() <= shown_elements;
}

/// Inputs and outputs with a row per example, one row a line: "  x = [1, 2]  ->  p = 0.5".
std::string rows_text(const Signature& signature, std::span<const TensorView> inputs,
                      std::span<const TensorView> outputs, int64_t rows) {
  std::vector<std::pair<std::string, Array>> in, out;
  for (const InputDecl& input : signature.inputs)
    for (const TensorView& view : inputs)
      if (view.name == input.name && input.batch_axis == 0)
        in.emplace_back(input.name, view.copy());
  for (size_t k = 0; k < outputs.size(); ++k)
    if (signature.outputs[k].batch_axis == 0)
      out.emplace_back(signature.outputs[k].name, outputs[k].copy());
  auto row = [&](const Array& array, int64_t i) {
    int64_t each = rows == 0 ? 0 : array.elements() / rows;
    std::string text = each == 1 ? "" : "[";
    for (int64_t k = 0; k < each; ++k)
      text += (k ? ", " : "") + format_element(array, i * each + k);
    return text + (each == 1 ? "" : "]");
  };
  std::string text;
  for (int64_t i = 0; i < rows; ++i) {
    std::string line = " ";
    for (const auto& [name, values] : in)
      line += fmt::format(" {} = {}", name, row(values, i));
    line += "  ->";
    for (const auto& [name, values] : out)
      line += fmt::format("  {} = {}", name, row(values, i));
    text += line + "\n";
  }
  return text;
}

} // namespace

void Report::add(const std::vector<Assessed>& parts, const Signature& signature,
                 const std::string& after) {
  for (const Assessed& part : parts) {
    std::string watch = watched(signature, part.outputs);
    for (const auto& [name, value] : part.outputs) {
      if (value.type().shape.rank() != 0) {
        if (is_shown(signature, name, value))
          text +=
              fmt::format("{}{} = {}\n", part.prefix, name, format_values(value, shown_elements));
        continue;
      }
      std::string full = part.prefix + name;
      figures.emplace_back(full, value.at(0));
      json["outputs"][full] = to_json(value.at(0));
      if (watch.find(name.substr(0, name.rfind('/')) + " [") == std::string::npos)
        text +=
            fmt::format("{} {}{}\n", full, format_element(value, 0), full == "loss" ? after : "");
    }
    for (const auto& [name, value] : part.measured) {
      std::string full = part.prefix + name;
      figures.emplace_back(full, value);
      json["metrics"][full] = to_json(value);
      if (name.find("confusion/") == std::string::npos)
        text += fmt::format("{} {}\n", full, format_figure(value));
    }
    for (const std::string& line : split_lines(watch))
      text += part.prefix + line + "\n";
    if (!part.tables.empty())
      text += part.prefix + part.tables;
  }
  if (const Array* loss = loss_of(parts.front().outputs))
    json["loss"] = to_json(loss->at(0));
}

void Report::add(const Signature& signature, const State& state, bool whole) {
  for (const StateDecl& d : signature.states) {
    Array value = state.view(d.name).copy();
    if (value.elements() <= json_elements || whole)
      json["parameters"][d.name] = to_json(value);
    // What an optimizer keeps beside a parameter, "minimize/m/w", is for files, not for people.
    bool beside =
        std::any_of(signature.states.begin(), signature.states.end(),
                    [&](const StateDecl& other) { return d.name.ends_with("/" + other.name); });
    if (is_float(d.type.dtype) && !beside)
      text += fmt::format("{} = {}\n", d.name, format_values(value, shown_elements));
    if (value.elements() == 1)
      figures.emplace_back(d.name, value.at(0));
  }
}

void Report::add_examples(const Subject& subject, const Signature& signature, State& state,
                          const ScalarValues& scalars, std::span<const Scaling> scalings,
                          const CompileOptions& options) {
  if (signature.examples.empty())
    return;
  Evaluator evaluator(subject, StepKind::prediction, state, scalars, options);
  const Signature& own = evaluator.signature();
  // A text that stands past its inputs' pruning asks for targets too, which examples may lack.
  bool whole = own.examples.size() == own.inputs.size();
  Dataset rows = whole || !subject.is_text() ? example_rows(subject, own) : Dataset();
  if (subject.is_text() && (!whole || rows.rows() != own.batch)) {
    std::string lacking; // lines that would give the others
    for (uint32_t i = 0; i < own.inputs.size(); ++i)
      if (std::ranges::find(own.examples, i, &Rows::input) == own.examples.end())
        lacking += (lacking.empty() ? "" : ", ") + fmt::format("'example {}'", own.inputs[i].name);
    log("the example rows are left out: this text holds a step for {} rows{}", own.batch,
        whole ? "" : fmt::format(" of all inputs; it has no line {}", lacking));
    return;
  }
  evaluator.run(scaled(scalings, rows), 0, [&](const SeenBatch& batch) {
    text += "examples\n" + rows_text(own, rows.views(), batch.outputs, rows.rows());
    for (const TensorView& input : rows.views())
      json["examples"]["inputs"][std::string(input.name)] = to_json(input.copy());
    for (const TensorView& output : batch.outputs)
      json["examples"]["outputs"][std::string(output.name)] = to_json(output.copy());
  });
}

int Report::finish(const std::vector<std::string>& criteria, bool as_json) {
  std::vector<std::string> unmet;
  for (const std::string& expect : criteria) {
    Criterion criterion(expect);
    bool met = criterion.met(figures);
    json["expect"].push_back(
        {{"criterion", expect}, {"value", to_json(criterion.value(figures))}, {"met", met}});
    if (!met)
      unmet.push_back(fmt::format("not met: {}, it is {}", expect, criterion.value(figures)));
  }
  write_output(as_json ? json_text(json) : text);
  for (const std::string& line : unmet)
    log("{}", line);
  return unmet.empty() ? 0 : static_cast<int>(ErrorCode::criterion);
}

void check_criteria(const std::vector<std::string>& criteria, const Figures& known) {
  for (const std::string& expect : criteria)
    (void)Criterion(expect).value(known);
}

} // namespace gdjit::tool
