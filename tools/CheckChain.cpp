// What comes first in the chain is what the rest must equal.
#include "CheckChain.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Transforms/VerifyValues.h"

namespace gdjit::tool {

namespace {

CallArguments arguments_of(const Work& work, uint64_t seed) {
  int64_t bound = work.is_graph() ? index_bound(work.step.graph) : 1;
  return random_arguments(work.signature(), seed, bound);
}

} // namespace

void check_chain(const Work& work, const ChainOptions& chain, const std::string& title,
                 CheckReport& report) {
  CompileOptions options;
  options.training = chain.training;
  options.verify = true;
  CallArguments arguments = arguments_of(work, chain.seed);
  CallResults expected;
  bool known = false;
  auto compare = [&](const std::string& what, const CallResults& got) {
    if (!known) {
      expected = got;
      known = true;
      return;
    }
    std::string difference = first_difference(work.signature(), expected, got);
    report.result(fmt::format("{}, {}", title, what), difference.empty(), difference);
  };

  Work at = work;
  for (Stage stage : {Stage::Differentiated, Stage::Simplified, Stage::Fused, Stage::Loops,
                      Stage::Scheduled, Stage::Planned}) {
    if (stage < work.stage)
      continue;
    options.last = stage;
    at = compile(at, options).work;
    compare(fmt::format("{} interpreted", name(stage)),
            at.is_graph() ? interpret(at.step, arguments) : interpret(at.program, arguments));
  }
  for (const std::string& target : code_targets()) {
    if (!chain.all_targets && target != "native")
      continue;
    if (!runs_here(target)) {
      report.skip(fmt::format("{}, native code for {}", title, target),
                  "this machine cannot run it");
      continue;
    }
    for (int level : {0, 2, 3}) {
      // From the work as given: what the schedule does depends on the target.
      options.last = Stage::Object;
      options.target = target;
      options.level = level;
      compare(fmt::format("native code for {} at level {}", target, level),
              compile(work, options).executable->call(arguments));
    }
  }
  if (chain.threads <= 1)
    return;
  MachineTable machine = machine_table("native");
  machine.least_shared = 1; // the most that could go wrong, not what is fast
  options.target = "native";
  options.level = 2;
  options.threads = chain.threads;
  options.machine = &machine;
  const Compilation shared = compile(work, options);
  const std::string what = fmt::format("native code on {} threads", chain.threads);
  if (shared.executable->threads() == 1)
    report.skip(fmt::format("{}, {}", title, what), "no loop of it divides among threads");
  else
    compare(what, shared.executable->call(arguments));
}

} // namespace gdjit::tool
