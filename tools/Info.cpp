// gdjit info: what this gdjit is and runs on, or what a file holds.
#include "Figures.h"
#include "Settings.h"
#include "Subject.h"

#include "gdjit/Data/Checkpoint.h"
#include "gdjit/Driver/Json.h"
#include "gdjit/IO/Idx.h"
#include "gdjit/IO/MappedFile.h"
#include "gdjit/IO/Safetensors.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/CodeGen/Host.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/Installation.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Support/Version.h"

#include <algorithm>
#include <filesystem>
#include <thread>

namespace gdjit::tool {

namespace {

void info_of_installation(bool json) {
  HostInfo host = host_info();
  Installation installation = find_installation();
  std::vector<std::string> targets = code_targets();
  std::erase_if(targets, [](const std::string& target) { return !runs_here(target); });
  MachineTable machine = machine_table("native");
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  if (json) {
    Json all = {{"version", GDJIT_VERSION},
                {"llvm", host.llvm},
                {"cpu", host.cpu},
                {"cores", cores},
                {"features", host.features},
                {"targets", targets},
                {"vector_bytes", machine.vector_bytes},
                {"vector_registers", machine.vector_registers},
                {"library", installation.libgdjit},
                {"include", installation.include},
                {"examples", installation.examples},
                {"cache", cache_directory()}};
    return write_output(json_text(all));
  }
  write_output(fmt::format(
      "gdjit     {}\nLLVM      {}\ncpu       {}, {} cores, vectors of {} bytes, {} registers\n"
      "features  {}\ntargets   {}\nlibrary   {}\ninclude   {}\nexamples  {}\ncache     {}\n",
      GDJIT_VERSION, host.llvm, host.cpu, cores, machine.vector_bytes, machine.vector_registers,
      fmt::join(host.features, " "), fmt::join(targets, " "), installation.libgdjit,
      installation.include, installation.examples, cache_directory()));
}

/// The signature as every text of the step opens with it, and what follows in numbers.
void info_of_step(const ModelArguments& arguments, bool json, Tool& tool) {
  Subject subject(arguments, tool);
  Work work = subject.work(subject.main_step(), arguments.batch);
  const Signature& s = work.signature();
  int64_t state_bytes = 0;
  for (const StateDecl& d : s.states)
    state_bytes += d.type.bytes();
  if (json) {
    Json all = {{"model", s.name},
                {"step", s.step},
                {"stage", std::string(name(work.stage))},
                {"batch", s.batch}};
    for (const InputDecl& d : s.inputs)
      all["inputs"][d.name] = to_string(d.type);
    for (const StateDecl& d : s.states)
      all["states"][d.name] = to_string(d.type);
    for (const ScalarDecl& d : s.scalars)
      all["scalars"][d.name] = std::string(name(d.dtype));
    for (const OutputDecl& d : s.outputs)
      all["outputs"][d.name] = to_string(d.type);
    all["state_bytes"] = state_bytes;
    return write_output(json_text(all));
  }
  write_output(print_signature(s, work.stage) +
               fmt::format("; {} states, {} bytes\n", s.states.size(), state_bytes));
}

/// A file that is no model: IDX, a checkpoint, or what is wrong with it.
bool is_other_file(const std::string& word) {
  for (const char* ending : {".cpp", ".so", ".gdir"})
    if (word.ends_with(ending))
      return false;
  std::error_code ignored;
  return std::filesystem::is_regular_file(word, ignored);
}

/// A checkpoint begins with the size of its header, whose low bytes may be anything, but whose high
/// ones are 0, and with the brace of that header.
bool is_idx_file(const std::string& path) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  const std::string_view begin = file->bytes().substr(0, 9);
  return is_idx(begin) && !begin.ends_with(std::string_view("\0\0\0\0{", 5));
}

void info_of_idx(const std::string& path, bool as_json) {
  const TensorType type = idx_type(path); // what is packed is looked at as a whole
  const std::string contents = idx_contents(path);
  write_output(as_json ? json_text(Json{
                             {"format", "IDX"}, {"contents", contents}, {"array", to_string(type)}})
                       : fmt::format("IDX file    {}\n", contents));
}

Json json_of(const Checkpoint& c, std::span<const StoredArray> arrays) {
  const LoaderPosition& p = c.position;
  Json json = {{"format", c.version}, {"written_by", c.written_by},
               {"model", c.model},    {"dtype", std::string(name(c.dtype))},
               {"step", c.step},      {"seed", c.seed}};
  for (const OptionValue& option : c.options)
    json["options"][option.name] = option.value.is_float
                                       ? Json(static_cast<double>(option.value.value))
                                       : Json(static_cast<int64_t>(option.value.value));
  json["position"] = {{"epoch", p.epoch},
                      {"batch", p.batch},
                      {"rows", p.rows},
                      {"batch_size", p.batch_size},
                      {"drop_last", p.drop_last}};
  if (p.shuffle_seed.given)
    json["position"]["shuffle_seed"] = p.shuffle_seed.value;
  for (const Scaling& scaling : c.scalings)
    json["scalings"][scaling.input] = {{"kind", std::string(name(scaling.kind))},
                                       {"offset", scaling.offset},
                                       {"scale", scaling.scale}};
  for (const InputColumnNames& input : c.columns)
    json["columns"][input.input] = input.columns;
  for (const ClassLabels& labels : c.labels)
    json["labels"][labels.column] = labels.labels;
  for (const auto& [option, word] : c.settings)
    json["settings"][option].push_back(word);
  for (const StoredArray& array : arrays)
    json["arrays"][array.name] = to_string(array.type);
  return json;
}

void info_of_checkpoint(const std::string& path, bool as_json) {
  Checkpoint c = read_checkpoint(path);
  Safetensors file = Safetensors::open(path);
  if (as_json)
    return write_output(json_text(json_of(c, file.arrays())));
  const LoaderPosition& p = c.position;
  std::string text = fmt::format("checkpoint  format {}, written by gdjit {}, checksums right\n"
                                 "model       {}, {}",
                                 c.version, c.written_by, c.model, name(c.dtype));
  for (const OptionValue& option : c.options)
    text += fmt::format(", {}={}", option.name, text_of(option.value));
  text +=
      fmt::format("\nstep        {}, seed {}\nposition    epoch {}, batch {}; {} rows in batches "
                  "of {}{}{}\n",
                  c.step, c.seed, p.epoch, p.batch, p.rows, p.batch_size,
                  p.shuffle_seed.given ? fmt::format(", shuffled by {}", p.shuffle_seed.value) : "",
                  p.drop_last ? ", a shorter last one left out" : "");
  for (const InputColumnNames& input : c.columns)
    text += fmt::format("columns     {} = {}\n", input.input, fmt::join(input.columns, ", "));
  for (const ClassLabels& labels : c.labels)
    text += fmt::format("classes     {}: {}\n", labels.column, fmt::join(labels.labels, ", "));
  for (const Scaling& scaling : c.scalings)
    text += fmt::format("scaling     {}: {}, less {}, by {}\n", scaling.input, name(scaling.kind),
                        fmt::join(scaling.offset, ", "), fmt::join(scaling.scale, ", "));
  for (const auto& [option, word] : c.settings)
    text += fmt::format("trained by  {} {}\n", option, word);
  int64_t bytes = 0;
  for (const StoredArray& array : file.arrays()) {
    text += fmt::format("array       {} : {}\n", array.name, to_string(array.type));
    bytes += array.type.bytes();
  }
  write_output(text + fmt::format("{} arrays, {} bytes\n", file.arrays().size(), bytes));
}

} // namespace

void add_info(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "info", "Version, LLVM, processor and folders; the signature of a model; or what a "
              "checkpoint or an IDX file holds.\n\n"
              "  gdjit info\n  gdjit info 05 --json\n  gdjit info scores.safetensors");
  auto a = std::make_shared<ModelArguments>();
  auto json = std::make_shared<bool>(false);
  a->add_to(*command);
  command->get_option("model")->required(false);
  command->add_flag("--json", *json, "as JSON");
  command->callback([a, json, &tool] {
    if (a->word.empty())
      info_of_installation(*json);
    else if (!is_other_file(a->word))
      info_of_step(*a, *json, tool);
    else if (is_idx_file(a->word))
      info_of_idx(a->word, *json);
    else
      info_of_checkpoint(a->word, *json);
  });
}

} // namespace gdjit::tool
