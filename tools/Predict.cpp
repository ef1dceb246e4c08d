// gdjit predict: outputs of a trained model for rows from the command line or a file.
#include "Comparison.h"
#include "Parts.h"
#include "Predictions.h"
#include "Trained.h"

#include "gdjit/Driver/Json.h"
#include "gdjit/IO/Npy.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Split.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace gdjit::tool {

namespace {

struct PredictArguments {
  ModelArguments model;
  DataArguments data;
  std::string load, out;
  std::vector<std::string> outputs;
  bool json = false;
  CompileOptions compile;
};

/// Values of an input by its name, as typed: --x 1,2,3.
using TypedValues = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// What CLI11 knew nothing of: --INPUT VALUES and --INPUT=VALUES.
TypedValues typed_values(const CLI::App& command, std::span<const InputDecl> inputs) {
  std::vector<std::string> rest = command.remaining(), known;
  for (const InputDecl& input : inputs)
    known.push_back("--" + input.name);
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames())
      known.push_back("--" + name);
  TypedValues values;
  for (size_t i = 0; i < rest.size(); ++i) {
    size_t equals = rest[i].find('=');
    std::string word = rest[i].substr(0, equals);
    if (std::find(known.begin(), known.end(), word) == known.end())
      throw Error(ErrorCode::usage,
                  word.starts_with("--")
                      ? fmt::format("predict: unknown option and no input '{}'{}", word,
                                    did_you_mean(word, known))
                      : fmt::format("predict: '{}' is one argument too many", word));
    if (equals == std::string::npos && i + 1 == rest.size())
      throw Error(ErrorCode::usage, fmt::format("predict: {} has no values: {} 1,2,3", word, word));
    std::string list = equals == std::string::npos ? rest[++i] : rest[i].substr(equals + 1);
    std::string name = word.substr(2);
    auto found = std::find_if(values.begin(), values.end(),
                              [&](const auto& each) { return each.first == name; });
    if (found == values.end())
      found = values.insert(values.end(), {name, {}});
    for (std::string& value : split_at(list, ','))
      found->second.push_back(std::move(value));
  }
  return values;
}

double number_of(const std::string& word, const InputDecl& decl,
                 const std::vector<std::string>& labels) {
  const std::string& input = decl.name;
  if (decl.type.dtype == DType::boolean && (word == "true" || word == "false"))
    return word == "true";
  double value = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error == std::errc() && end == word.data() + word.size() && !word.empty()) {
    if (!std::isfinite(value))
      throw Error(ErrorCode::usage, fmt::format("--{}: {} is not a finite number", input, word));
    return value;
  }
  auto label = std::find(labels.begin(), labels.end(), word);
  if (label == labels.end())
    throw Error(ErrorCode::usage,
                fmt::format("--{}: '{}' is no number{}", input, word,
                            labels.empty() ? ""
                                           : fmt::format(" and none of the classes {}",
                                                         fmt::join(labels, ", "))));
  return static_cast<double>(label - labels.begin());
}

/// Rows of one input, as many as its values make. The way through a table checks them.
InputRows typed_rows(const InputDecl& input, const std::vector<std::string>& words,
                     const Checkpoint* known) {
  if (input.batch_axis > 0)
    throw Error(ErrorCode::usage,
                fmt::format("--{}: the input has its rows along axis {}; give them by --data "
                            "{}=FILE.npy",
                            input.name, input.batch_axis, input.name));
  int64_t each = row_elements(input), count = static_cast<int64_t>(words.size());
  bool one = input.batch_axis < 0;
  if (each == 0 || count % each != 0 || (one && count != each))
    throw Error(ErrorCode::usage,
                fmt::format("--{}: {} values; the input {} : {} takes {}{}", input.name, count,
                            input.name, to_string(input.type), each, one ? "" : " a row"));
  std::vector<std::string> labels;
  if (known)
    labels = labels_of(known->columns, known->labels, input.name);
  std::vector<double> values;
  for (const std::string& word : words)
    values.push_back(number_of(word, input, labels));
  Table table("--" + input.name, Array({DType::f64, {count / each, each}}, values));
  InputDecl flat = input;
  flat.batch_axis = 0;
  if (one)
    flat.type.shape = {1, each};
  SharedArray array = dataset({&flat, 1}, table).inputs().front().array;
  if (one)
    array.type.shape = input.type.shape;
  return {input.name, std::move(array), input.batch_axis};
}

Dataset rows_of(const PredictArguments& a, const CLI::App& command, const Trained& trained,
                const Signature& wanted, Tool& tool) {
  const Subject& subject = *trained.subject;
  std::vector<InputDecl> inputs = subject.work(StepKind::evaluation).signature().inputs;
  TypedValues typed = typed_values(command, inputs);
  if (a.data.given()) {
    if (!typed.empty())
      throw Error(ErrorCode::usage,
                  fmt::format("--data gives the rows, so --{} has no place", typed[0].first));
    return read_rows(a.data, wanted.inputs, inputs, trained.known(), tool).rows;
  }
  std::vector<InputRows> rows;
  std::vector<Note> missing;
  for (const InputDecl& input : wanted.inputs) {
    auto found = std::find_if(typed.begin(), typed.end(),
                              [&](const auto& each) { return each.first == input.name; });
    if (found == typed.end())
      missing.push_back({fmt::format("{} : {}", input.name, to_string(input.type)), {}});
    else
      rows.push_back(typed_rows(input, found->second, trained.known()));
  }
  if (!missing.empty()) {
    std::string message = fmt::format("predict: {} input{} of '{}' without values", missing.size(),
                                      missing.size() == 1 ? "" : "s", subject.name());
    missing.push_back({"give values, --NAME 1,2,3, or a file, --data FILE", {}});
    throw Error(ErrorCode::usage, std::move(message), {}, std::move(missing));
  }
  return Dataset(std::move(rows));
}

/// For each output the labels of the target whose class numbers it holds.
std::vector<std::vector<std::string>> class_labels(const Trained& trained,
                                                   const Signature& wanted) {
  std::vector<std::vector<std::string>> labels(wanted.outputs.size());
  if (!trained.checkpoint)
    return labels;
  const Work evaluation = comparable(trained.subject->work(StepKind::evaluation));
  const std::vector<std::string> given = trained.subject->given_inputs();
  std::vector<int> nearest(wanted.outputs.size(), contraction_distance);
  for (const InputColumnNames& each : trained.checkpoint->columns) {
    const bool target = std::ranges::find(given, each.input) == given.end();
    if (!target)
      continue;
    std::vector<int> distances(evaluation.signature().outputs.size());
    if (evaluation.is_graph())
      distances = find_comparison(evaluation.step, each.input, given).distances;
    for (size_t k = 0; k < distances.size(); ++k) {
      auto at = std::ranges::find(wanted.outputs, evaluation.signature().outputs[k].name,
                                  &OutputDecl::name);
      const auto row = static_cast<size_t>(at - wanted.outputs.begin());
      if (at == wanted.outputs.end() || distances[k] >= nearest[row])
        continue;
      nearest[row] = distances[k];
      labels[row] = labels_of(trained.checkpoint->columns, trained.checkpoint->labels, each.input);
    }
  }
  return labels;
}

int predict(PredictArguments& a, CLI::App& command, Tool& tool) {
  bool npy = a.out.ends_with(".npy");
  if (!a.out.empty() && !npy && !a.out.ends_with(".csv"))
    throw Error(ErrorCode::usage,
                fmt::format("--out {}: the name ends in neither .csv nor .npy", a.out));
  Trained trained = load_trained(command, a.model, a.load, tool);
  Evaluator evaluator(*trained.subject, StepKind::prediction, *trained.state, trained.scalars,
                      a.compile, a.outputs.empty() ? Outputs() : Outputs(a.outputs));
  const Signature& signature = evaluator.signature();
  Dataset rows = scaled(trained.scalings(), rows_of(a, command, trained, signature, tool));
  if (!a.out.empty())
    require_output("--out", a.out, tool);
  int64_t count = scales_with_rows(signature) ? rows.rows() : signature.batch;
  Predictions predictions(signature, count, class_labels(trained, signature));
  try {
    evaluator.run(rows, trained.subject->is_text() ? signature.batch : a.model.batch,
                  [&](const SeenBatch& batch) { predictions.add(batch); });
  } catch (const Error& error) {
    throw with_ranges(error, rows);
  }
  if (npy)
    write_npy(a.out, TensorView("", predictions.only()));
  else if (!a.out.empty())
    write_file(a.out, predictions.csv());
  else if (a.json)
    write_output(json_text(Json{
        {"model", trained.subject->name()}, {"rows", count}, {"outputs", predictions.json()}}));
  else
    write_output(predictions.table());
  return 0;
}

} // namespace

void add_predict(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "predict",
      "Outputs of a trained model for new rows; asks only for the inputs that they need.\n"
      "An input's values follow its name, row by row: --x 1,2,3. A few rows are interpreted,\n"
      "which takes less time than compiling and gives the same bits.\n\n"
      "  gdjit predict scores.cpp --load scores.safetensors --x 80,85,90\n"
      "  gdjit predict scores.cpp --load scores.safetensors --data new.csv --out finals.csv\n"
      "  gdjit predict scores.cpp --load scores.safetensors --data x=new.npy --out finals.npy");
  auto a = std::make_shared<PredictArguments>();
  a->model.add_to(*command);
  command->allow_extras();
  command->add_option("--load", a->load, "a checkpoint of train --save")->type_name("FILE");
  a->data.add_to(*command);
  command
      ->add_option("--output,--outputs", a->outputs,
                   "the outputs wanted; without it all that have a row per example")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,…");
  auto* out =
      command->add_option("--out", a->out, "write to FILE.csv or .npy instead of printing a table");
  out->type_name("FILE");
  command->add_flag("--json", a->json, "as JSON")->excludes(out);
  add_compile_options(*command, a->compile);
  command->callback([a, command, &tool] { tool.exit_code = predict(*a, *command, tool); });
}

} // namespace gdjit::tool
