// gdjit dump: a model at any stage of its way, as text, formulas, picture or JSON.
#include "Evaluate.h"
#include "Figures.h"
#include "StageCounts.h"
#include "Subject.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/Dot.h"
#include "gdjit/Driver/GradientStep.h"
#include "gdjit/Driver/Json.h"
#include "gdjit/Driver/Math.h"
#include "gdjit/Driver/TextFolder.h"
#include "gdjit/Driver/Values.h"
#include "gdjit/IR/TextWriter.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Split.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

namespace gdjit::tool {

namespace {

struct DumpArguments {
  ModelArguments model;
  Outputs outputs;
  std::string stage;
  std::string form = "text";
  std::string folder; ///< -o
  std::string only;   ///< forward, backward, update
  std::string after;  ///< a pass, or all
  std::string step;   ///< training, evaluation, prediction
  std::vector<std::string> wrt;
  bool only_changed = false;
  bool values = false;
  CompileOptions compile;
};

constexpr int64_t shown_rows = 10'000; // elements of an input, on standard output

/// What stands beside the texts, and how many files of it were written.
class Beside final : public TextExtras {
public:
  explicit Beside(TextFolder folder) : folder_(std::move(folder)) {}

  std::string source(const SourceLocation& location) override { return folder_.source(location); }
  std::string store(const Array& array, const std::string& hint) override {
    std::string file = folder_.store(array, hint);
    if (!file.empty())
      stored_.insert(file);
    return file;
  }
  std::string refer(const std::string& file) override { return folder_.refer(file); }
  size_t files() const { return stored_.size(); }

private:
  TextFolder folder_;
  std::set<std::string> stored_;
};

bool is_text_form(const DumpArguments& a) { return a.form == "text"; }

/// What a stage's file is called; stable, in the order of the stages.
std::string file_name(Stage stage, const std::string& form) {
  std::string ending = form == "text"   ? stage <= Stage::Planned  ? "gdir"
                                          : stage == Stage::Object ? "s"
                                                                   : "ll"
                       : form == "math" ? "txt"
                                        : form;
  return fmt::format("{}-{}.{}", static_cast<int>(stage), name(stage), ending);
}

/// Only the lines of one section of a graph's body, the signature left out.
std::string only_part(const std::string& text, const std::string& part) {
  std::string out, section = "forward";
  bool body = false;
  for (const std::string& line : split_lines(text)) {
    if (line.starts_with("graph {")) {
      body = true;
    } else if (body && (line == "forward:" || line == "backward:" || line == "update:")) {
      section = line.substr(0, line.size() - 1);
    } else if (body && line != "}") {
      bool result = line.starts_with("  output ") || line.starts_with("  update ");
      std::string of = !result ? section : line.starts_with("  output ") ? "forward" : "update";
      if (of == part)
        out += line + "\n";
    }
  }
  return out;
}

/// The work at its stage in the form asked for.
std::string render(const DumpArguments& a, const Compilation& c, Beside& beside) {
  Stage stage = c.options.last;
  bool graph = stage <= Stage::Fused, loops = !graph && stage <= Stage::Planned;
  if (a.form == "math") {
    if (!graph)
      throw Error(
          ErrorCode::usage,
          fmt::format("--as math shows graphs, stages declared to fused, not {}", name(stage)));
    return print_math(c.work.step);
  }
  if (a.form == "dot" || a.form == "svg") {
    if (!graph && !loops)
      throw Error(ErrorCode::usage, fmt::format("--as {} shows stages declared to planned, not {}",
                                                a.form, name(stage)));
    std::string dot = graph ? print_dot(c.work.step) : print_dot(c.work.program);
    return a.form == "dot" ? dot : render_svg(dot);
  }
  if (a.form == "json") {
    if (graph)
      return print_json(c.work.step);
    if (loops)
      return print_json(c.work.program);
    return print_json(stage, print(c));
  }
  if (!graph && !a.only.empty())
    throw Error(
        ErrorCode::usage,
        fmt::format("--only narrows graphs, stages declared to fused, not {}", name(stage)));
  if (graph && !a.only.empty())
    return only_part(print(c.work.step, &beside), a.only);
  return graph   ? print(c.work.step, &beside)
         : loops ? loop::print(c.work.program, &beside)
                 : print(c);
}

Compilation compile_to(const DumpArguments& a, const Work& work, Stage stage) {
  CompileOptions options = a.compile;
  options.last = stage;
  return compile(work, options);
}

void overview(const DumpArguments& a, const Work& work, Beside& beside) {
  write_output(render(a, compile_to(a, work, work.stage), beside));
  std::string text = "\n";
  for (int i = static_cast<int>(work.stage) + 1; i < stage_count; ++i) {
    Stage stage = static_cast<Stage>(i);
    text += fmt::format("; {:<15} {:<70} gdjit dump {} --stage {}\n", name(stage),
                        counts(compile_to(a, work, stage)), a.model.word, name(stage));
  }
  write_output(text);
}

/// Prints the work behind each pass that is asked for.
class PassDump final : public PassObserver {
public:
  PassDump(const DumpArguments& a, Beside& beside) : a_(a), beside_(beside) {}

  void after_pass(const PassRecord& record, const Work& work) override {
    if (record.name.empty() || (a_.after != "all" && a_.after != record.name) ||
        (a_.only_changed && !record.changed) || !record.ran)
      return;
    std::string text =
        work.is_graph() ? print(work.step, &beside_) : loop::print(work.program, &beside_);
    if (work.is_graph() && !a_.only.empty())
      text = only_part(text, a_.only);
    write_output(fmt::format("; after {}{}\n{}\n", record.name,
                             record.changed ? "" : " (nothing changed)", text));
  }

private:
  const DumpArguments& a_;
  Beside& beside_;
};

void dump_after(const DumpArguments& a, const Work& work, Beside& beside) {
  std::vector<std::string> known = {"all"};
  for (const Pass& pass : passes())
    known.emplace_back(pass.name);
  if (std::find(known.begin(), known.end(), a.after) == known.end())
    throw unknown_pass(a.after, known);
  PassDump observer(a, beside);
  CompileOptions options = a.compile;
  options.observer = &observer;
  options.last = Stage::Planned; // a pass may be one of several that lead to a stage
  auto pass = std::ranges::find(passes(), a.after, &Pass::name);
  if (pass != passes().end() && pass->needs < work.stage)
    throw Error(ErrorCode::usage, fmt::format("--after {}: {} stands at stage {}, behind that pass",
                                              a.after, a.model.word, name(work.stage)));
  compile(work, options);
}

/// Every node with its elements.
std::string json_values(const Step& step, const CallArguments& arguments, CallStatus& status) {
  const Graph& g = step.graph;
  std::vector<Array> values = interpret_nodes(g, arguments, status);
  Json nodes = Json::array();
  for (NodeId n = 0; n < g.size(); ++n) {
    const std::string* row = row_name(step.signature, g, n);
    Json node = {{"node", n},
                 {"name", row ? *row : g.name(n)},
                 {"op", name(g.op(n))},
                 {"part", name(g.origin(n).part)}};
    node.update(to_json(values[n]));
    nodes.push_back(std::move(node));
  }
  return json_text(Json{{"model", step.signature.name}, {"nodes", std::move(nodes)}});
}

/// Runs the interpreter on the first batch.
void dump_values(const DumpArguments& a, const Subject& subject, const Work& work, Stage stage) {
  if (stage == Stage::Declared || stage > Stage::Fused)
    throw Error(
        ErrorCode::usage,
        fmt::format("--values runs graphs, stages differentiated to fused, not {}", name(stage)));
  if (!is_text_form(a) && a.form != "json")
    throw Error(ErrorCode::usage, fmt::format("--values prints text or json, not {}", a.form));
  Compilation c = compile_to(a, work, stage);
  State state = subject.initial_state(0);
  CallArguments arguments = call_arguments(
      c.work.signature(), state,
      first_batch(c.work.signature(), dataset(work.signature(), subject.folder())), {});
  CallStatus status;
  write_output(a.form == "json" ? json_values(c.work.step, arguments, status)
                                : print_values(c.work.step, arguments, status));
  require_in_range(status, c.work.step.graph);
}

void make_folder(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed || !std::filesystem::is_directory(path))
    throw Error(ErrorCode::data,
                fmt::format("{}: {}", path, failed ? failed.message() : "is no folder"));
}

/// On standard output no one reads a million numbers; with -o they go to files.
void leave_out_large_rows(Signature& signature) {
  auto large = [&](const Rows& r) {
    if (!r.values || r.values->elements() <= shown_rows)
      return false;
    log("the rows of {}, {}, are left out; -o DIR writes them to a file",
        signature.inputs[r.input].name, to_string(r.values->type()));
    return true;
  };
  std::erase_if(signature.data, large);
  std::erase_if(signature.examples, large);
}

std::vector<Stage> stages_asked(const DumpArguments& a, const Work& work, Stage otherwise) {
  std::vector<Stage> stages;
  if (a.stage == "all") {
    for (int i = static_cast<int>(work.stage); i < stage_count; ++i) {
      Stage s = static_cast<Stage>(i);
      bool shown = a.form == "text" || a.form == "json" ||
                   (a.form == "math" ? s <= Stage::Fused : s <= Stage::Planned);
      if (shown && (a.only.empty() || s <= Stage::Fused))
        stages.push_back(s);
    }
    return stages;
  }
  stages.push_back(a.stage.empty() ? std::max(otherwise, work.stage) : parse_stage(a.stage));
  if (stages[0] < work.stage)
    throw Error(ErrorCode::usage, fmt::format("{} stands at stage {}, past {}", a.model.word,
                                              name(work.stage), name(stages[0])));
  return stages;
}

StepKind step_kind(const DumpArguments& a, const Subject& subject) {
  if (a.step.empty())
    return subject.main_step();
  if (subject.is_text())
    throw Error(ErrorCode::usage,
                "--step chooses among the steps of a model; a text holds one, give the source");
  return a.step == "training"     ? StepKind::training
         : a.step == "evaluation" ? StepKind::evaluation
                                  : StepKind::prediction;
}

/// A stage among others on standard output: under a heading, as an element of one JSON array.
std::string one_of_several(const DumpArguments& a, Stage stage, const std::vector<Stage>& stages,
                           const std::string& text) {
  if (a.form == "json")
    return (stage == stages.front() ? "[" : "") + text.substr(0, text.find_last_not_of('\n') + 1) +
           (stage == stages.back() ? "]\n" : ",\n");
  return a.form == "dot" ? text : fmt::format("; ---- {} ----\n{}\n", name(stage), text);
}

void dump(DumpArguments a, Tool& tool) {
  if (!a.only.empty() && (!is_text_form(a) || a.values))
    throw Error(ErrorCode::usage, fmt::format("--only narrows texts, not {}",
                                              a.values ? "--values" : "--as " + a.form));
  if (!a.folder.empty() && (a.values || !a.after.empty()))
    throw Error(ErrorCode::usage, fmt::format("-o takes stages; {} goes to standard output",
                                              a.values ? "--values" : "--after"));
  if (!a.after.empty() && (!is_text_form(a) || !a.stage.empty() || a.values))
    throw Error(ErrorCode::usage, "--after prints the text behind passes: --stage, --as and "
                                  "--values have no place beside it");
  Subject subject(a.model, tool);
  StepKind kind = step_kind(a, subject);
  a.compile.training = kind == StepKind::training;
  Work work = subject.work(kind, a.model.batch, a.outputs);
  bool math = a.form == "math";
  std::vector<std::string> wrt = a.wrt;
  if (math && wrt.empty() && work.stage == Stage::Declared)
    wrt = trained_states(work.step);
  if (!wrt.empty()) {
    if (work.stage != Stage::Declared)
      throw Error(ErrorCode::usage,
                  fmt::format("--wrt differentiates a declared step, this text stands at {}",
                              name(work.stage)));
    work.step = with_gradients(work.step, wrt, a.wrt.empty() ? Updates::keep : Updates::drop);
  }
  if (!a.folder.empty())
    make_folder(a.folder);
  else if (!a.values)
    leave_out_large_rows(work.is_graph() ? work.step.signature : work.program.signature);
  Beside beside(TextFolder(subject.folder(), a.folder, !a.folder.empty()));
  if (!a.after.empty())
    return dump_after(a, work, beside);
  if (a.only_changed)
    throw Error(ErrorCode::usage, "--only-changed narrows --after PASS; give --after all");
  Stage otherwise = math ? Stage::Simplified : a.values ? Stage::Differentiated : Stage::Declared;
  std::vector<Stage> stages = stages_asked(a, work, otherwise);
  if (a.values)
    return dump_values(a, subject, work, stages[0]);
  bool plain =
      a.stage.empty() && a.folder.empty() && is_text_form(a) && a.only.empty() && a.wrt.empty();
  if (plain)
    return overview(a, work, beside);
  if (a.folder.empty() && stages.size() > 1 && a.form == "svg")
    throw Error(ErrorCode::usage, "--stage all --as svg draws several pictures; -o DIR takes them");
  for (Stage stage : stages) {
    std::string text = render(a, compile_to(a, work, stage), beside);
    if (!a.folder.empty())
      write_file(a.folder + "/" + file_name(stage, a.form), text);
    else
      write_output(stages.size() > 1 ? one_of_several(a, stage, stages, text) : text);
  }
  const size_t files = stages.size() + beside.files();
  if (!a.folder.empty())
    log("{} {} in {}", files, files == 1 ? "file" : "files", a.folder);
}

} // namespace

void add_dump(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "dump",
      "Shows a model at any stage. Alone: the declared graph, and a line for each later stage.\n\n"
      "  gdjit dump 01_linear_regression\n"
      "  gdjit dump 01 --stage loops\n"
      "  gdjit dump 02 --as math\n"
      "  gdjit dump 05 --stage all -o stages/\n"
      "  gdjit dump 05 --after simplify --only backward");
  auto a = std::make_shared<DumpArguments>();
  a->model.add_to(*command);
  add_outputs(*command, a->outputs);
  command
      ->add_option("--stage", a->stage,
                   "declared, differentiated, simplified, fused, loops, scheduled, planned, llvm, "
                   "optimized, object, or all")
      ->check(not_empty())
      ->type_name("STAGE");
  command->add_option("--as", a->form, "text, math (formulas), dot, svg, json")
      ->check(one_of({"text", "math", "dot", "svg", "json"}))
      ->type_name("FORM");
  command
      ->add_option("-o,--output", a->folder,
                   "write files with stable names to this folder, large literals beside them")
      ->check(not_empty())
      ->type_name("DIR");
  command->add_option("--only", a->only, "forward, backward or update")
      ->check(one_of({"forward", "backward", "update"}))
      ->type_name("PART");
  command
      ->add_option(
          "--wrt", a->wrt,
          "the derivative of the loss by these states, inputs or named nodes, without updates")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME");
  command->add_option("--after", a->after, "the work behind a pass, or behind all of them")
      ->type_name("PASS");
  command->add_flag("--only-changed", a->only_changed,
                    "with --after: only passes that changed something");
  command->add_flag("--values", a->values,
                    "run the interpreter on the first batch and print each node's value");
  command->add_option("--step", a->step, "training, evaluation or prediction")
      ->check(one_of({"training", "evaluation", "prediction"}))
      ->type_name("STEP");
  command->add_option("--disable", a->compile.disabled, "leave out a pass")
      ->allow_extra_args(false)
      ->type_name("PASS");
  add_compile_options(*command, a->compile);
  command->callback([a, &tool] { dump(*a, tool); });
}

} // namespace gdjit::tool
