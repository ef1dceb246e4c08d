// One evaluator for all parts: they share its code.
#include "Assess.h"

#include "gdjit/Driver/Values.h"
#include "gdjit/Support/Figure.h"

#include <algorithm>

namespace gdjit::tool {

namespace {

/// Example rows are predicted behind the last update: what they lack is said before the first. A
/// text shows them where it can.
void require_examples(const Subject& subject, const Signature& evaluation) {
  if (evaluation.examples.empty() || subject.is_text())
    return;
  const Work prediction = subject.work(StepKind::prediction);
  const Signature& s = prediction.signature();
  std::vector<Note> missing;
  std::string names;
  for (uint32_t i = 0; i < s.inputs.size(); ++i)
    if (const InputDecl& input = s.inputs[i];
        std::ranges::find(s.examples, i, &Rows::input) == s.examples.end()) {
      names += (names.empty() ? "" : ", ") + input.name;
      missing.push_back({fmt::format("{} : {}", input.name, to_string(input.type)),
                         s.initial.location(input.origin)});
    }
  if (missing.empty())
    return;
  missing.push_back(
      {fmt::format("give its rows beside the others: m.examples({{…, {{\"{}\", …}}}})",
                   names.substr(0, names.find(','))),
       {}});
  throw Error(ErrorCode::graph,
              fmt::format("m.examples of model '{}' gives no rows for {}, which its predictions "
                          "need",
                          subject.name(), names),
              subject.location(), std::move(missing));
}

/// Which inputs a prediction needs is known of a graph that is not fused yet; those of a later text
/// may all be answers.
void say_what_is_not_judged(const Subject& subject, const Work& evaluation) {
  const Signature& s = evaluation.signature();
  if (subject.is_text() && evaluation.stage >= Stage::Fused && s.inputs.size() > 1 &&
      std::ranges::any_of(s.outputs, [](const OutputDecl& o) { return o.batch_axis == 0; }))
    log("the outputs alone, no accuracy and no errors: a text at stage {} does not say which of "
        "its "
        "inputs are answers; one dumped with --stage simplified does, or an earlier one",
        name(evaluation.stage));
}

} // namespace

Assessor::Assessor(const Subject& subject, State& state, const Parts& parts, int64_t batch,
                   const ScalarValues& scalars, const CompileOptions& options, bool metrics,
                   const FoundRows& found)
    : parts_(parts), batch_(batch),
      evaluator_(subject, StepKind::evaluation, state, scalars, options), found_(found) {
  require_examples(subject, signature());
  if (metrics) {
    say_what_is_not_judged(subject, evaluator_.work());
    measures_.emplace(subject, evaluator_.work(), scaled(parts.scalings, parts.whole));
  }
}

void Assessor::begin() {
  for (const Part& part : parts_.parts)
    evaluator_.begin(part.rows, batch_);
}

std::vector<Assessed> Assessor::run(bool whole) {
  std::vector<Assessed> results;
  for (const Part& part : parts_.parts) {
    if (!whole && part.at_the_end)
      continue;
    Assessed assessed{.prefix = part.prefix};
    std::function<void(const SeenBatch&)> see;
    if (measures_) {
      measures_->clear();
      see = [this](const SeenBatch& batch) { measures_->add(batch); };
    }
    assessed.outputs = evaluator_.run(part.rows, batch_, see);
    if (measures_) {
      assessed.measured = measures_->figures();
      assessed.tables = measures_->tables(found_);
    }
    results.push_back(std::move(assessed));
  }
  return results;
}

Figures Assessor::known() const {
  Figures figures;
  for (const Part& part : parts_.parts) {
    for (const OutputDecl& output : signature().outputs)
      if (output.type.shape.rank() == 0)
        figures.emplace_back(part.prefix + output.name, 0);
    if (measures_)
      for (const auto& [name, value] : measures_->figures())
        figures.emplace_back(part.prefix + name, 0);
  }
  return figures;
}

Figures figures_of(const std::vector<Assessed>& parts) {
  Figures figures;
  for (const Assessed& part : parts) {
    for (const auto& [name, value] : part.outputs)
      if (value.type().shape.rank() == 0)
        figures.emplace_back(part.prefix + name, value.at(0));
    for (const auto& [name, value] : part.measured)
      figures.emplace_back(part.prefix + name, value);
  }
  return figures;
}

std::string line_of(const Figures& figures) {
  auto is_output = [&](const std::string& name) {
    return std::ranges::find(figures, name, &Figures::value_type::first) != figures.end();
  };
  std::string line;
  for (const auto& [name, value] : figures)
    if (name.find("confusion/") == std::string::npos && !is_watched(name, is_output))
      line += fmt::format("{}{} {}", line.empty() ? "" : "  ", name, format_figure(value));
  return line;
}

std::string watched(const Signature& signature, const OutputValues& outputs) {
  auto value = [&](const std::string& name) -> const Array* {
    for (const auto& [key, array] : outputs)
      if (key == name)
        return &array;
    return nullptr;
  };
  std::string text;
  for (const OutputDecl& output : signature.outputs) {
    const std::string ending = "/nonfinite";
    if (!output.name.ends_with(ending))
      continue;
    std::string name = output.name.substr(0, output.name.size() - ending.size());
    const Array *shape = value(name + "/shape"), *least = value(name + "/min"),
                *mean = value(name + "/mean"), *greatest = value(name + "/max");
    if (!shape || !least || !mean || !greatest)
      continue;
    std::string extents;
    for (int64_t i = 0; i < shape->elements(); ++i)
      extents += (i ? "," : "") + format_element(*shape, i);
    text += fmt::format("{} [{}]: min {}  mean {}  max {}  not finite {}\n", name, extents,
                        format_element(*least, 0), format_element(*mean, 0),
                        format_element(*greatest, 0), format_element(*value(output.name), 0));
  }
  return text;
}

} // namespace gdjit::tool
