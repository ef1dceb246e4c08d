// gdjit info: what this gdjit is and runs on, or what a file holds.
#include "Figures.h"
#include "Subject.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/CodeGen/Host.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/Installation.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Support/Version.h"

#include <algorithm>
#include <thread>

namespace gdjit::tool {

namespace {

bool runs_here(const std::string& target) {
  try {
    check(CodeGenOptions{.target = target});
    return true;
  } catch (const Error&) {
    return false;
  }
}

void info_of_installation(bool json) {
  HostInfo host = host_info();
  Installation installation = find_installation();
  std::vector<std::string> targets;
  for (const std::string& target : code_targets())
    if (runs_here(target))
      targets.push_back(target);
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
                {"library", installation.library},
                {"include", installation.include},
                {"examples", installation.examples},
                {"cache", cache_directory()}};
    return write_output(json_text(all));
  }
  write_output(fmt::format(
      "gdjit     {}\nLLVM      {}\ncpu       {}, {} cores, vectors of {} bytes, {} registers\n"
      "features  {}\ntargets   {}\nlibrary   {}\ninclude   {}\nexamples  {}\ncache     {}\n",
      GDJIT_VERSION, host.llvm, host.cpu, cores, machine.vector_bytes, machine.vector_registers,
      fmt::join(host.features, " "), fmt::join(targets, " "), installation.library,
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

} // namespace

void add_info(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "info", "Version, LLVM, processor and folders; or the signature of a model.\n\n"
              "  gdjit info\n  gdjit info step.gdir\n  gdjit info 05 --json");
  auto a = std::make_shared<ModelArguments>();
  auto json = std::make_shared<bool>(false);
  a->add_to(*command);
  command->get_option("model")->required(false);
  command->add_flag("--json", *json, "as JSON");
  command->callback([a, json, &tool] {
    if (a->word.empty())
      info_of_installation(*json);
    else
      info_of_step(*a, *json, tool);
  });
}

} // namespace gdjit::tool
