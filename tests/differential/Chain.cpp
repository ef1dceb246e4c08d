// Links of the chain, one after another through the public pipeline.
#include "Chain.h"

#include "RowPasses.h"
#include "StepBuilder.h"
#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <random>

namespace gdjit::testing {

std::vector<CodeChoice> code_choices() {
  std::vector<CodeChoice> choices;
  for (const std::string& target : code_targets())
    for (int level : {0, 2, 3}) {
      try {
        check(CodeGenOptions{.target = target, .level = level});
        choices.push_back({.target = target, .level = level});
      } catch (const Error&) {
        continue; // not a target of this machine
      }
    }
  return choices;
}

static MachineTable random_machine(uint64_t seed) {
  std::mt19937_64 random(seed);
  auto one_of = [&](std::initializer_list<int> values) {
    return values.begin()[random() % values.size()];
  };
  MachineTable machine;
  machine.vector_bytes = one_of({16, 32, 64});
  machine.vector_registers = one_of({4, 8, 13, 16, 32, 50});
  machine.l1_bytes = one_of({64, 512, 48 << 10});
  machine.l2_bytes = one_of({512, 4096, 2 << 20});
  machine.least_shared = one_of({1, 100, 3 << 20});
  machine.streamed_bytes = one_of({1, 512, 8 << 20});
  machine.most_shapes = one_of({1, 2, 16});
  machine.stack_bytes = one_of({4096, 1 << 20, 1 << 20});
  return machine;
}

void force(CodeChoice& choice, uint64_t seed) {
  choice.machine = random_machine(seed);
  choice.threads = std::array{1, 2, 3, 4, 8}[seed / 3 % 5];
}

namespace {

/// The arguments of the step behind one that gave `results`.
CallArguments behind(const Signature& signature, CallArguments arguments,
                     const CallResults& results) {
  for (size_t i = 0; i < results.updates.size(); ++i)
    arguments.states[signature.updates[i].state] = results.updates[i];
  for (size_t i = 0; i < signature.scalars.size(); ++i)
    if (signature.scalars[i].name == "step")
      ++arguments.scalars[i].data<int64_t>()[0];
  return arguments;
}

/// The chain for one target, whose schedule may be its own.
std::string broken_link_of(Work work, const CallArguments& arguments, const std::string& target,
                           const std::vector<int>& levels, const CodeChoice& plan, bool training,
                           Fault fault) {
  CompileOptions options{.target = target,
                         .threads = plan.threads,
                         .training = training,
                         .verify = true,
                         .machine = plan.machine ? &*plan.machine : nullptr};
  CallResults expected;
  try {
    if (!work.is_graph())
      expected = interpret(work.program, arguments);
    for (Stage stage : {Stage::Differentiated, Stage::Simplified, Stage::Fused, Stage::Loops,
                        Stage::Scheduled, Stage::Planned}) {
      if (stage < work.stage)
        continue;
      options.last = stage;
      work = compile(std::move(work), options).work;
      if (stage == Stage::Planned && fault)
        work.program = fault(std::move(work.program));
      CallResults results =
          work.is_graph() ? interpret(work.step, arguments) : interpret(work.program, arguments);
      // Dead code may have held the only index out of range; what it gave was never read.
      bool lost = stage == Stage::Simplified && !expected.status.ok() && results.status.ok();
      if (stage == Stage::Differentiated || lost)
        expected = results;
      std::string difference = first_difference(work.signature(), expected, results);
      if (!difference.empty())
        return fmt::format("stage {}: {}", name(stage), difference);
    }
    const CallResults second =
        expected.status.ok()
            ? interpret(work.program, behind(work.signature(), arguments, expected))
            : expected; // an index out of range ends a call
    options.last = Stage::Object;
    for (int level : levels) {
      options.level = level;
      std::shared_ptr<const Executable> code = compile(work, options).executable;
      for (int64_t steps : {1, 2}) {
        std::string difference = first_difference(work.signature(), steps == 1 ? expected : second,
                                                  code->call(arguments, steps));
        if (!difference.empty())
          return fmt::format("native code for {} at O{}, step {}: {}", target, level, steps,
                             difference);
      }
      for (bool ordered : {false, true})
        if (code->passes_over_rows()) {
          std::string difference = difference_of_pass(code, arguments, expected, second, ordered);
          if (!difference.empty())
            return fmt::format("native code for {} at O{}, pass over rows {}: {}", target, level,
                               ordered ? "in an order" : "as they stand", difference);
        }
    }
    return "";
  } catch (const std::exception& e) {
    return fmt::format("towards stage {}: {}", name(options.last), e.what());
  }
}

} // namespace

std::string broken_link(const Step& declared, const CallArguments& arguments,
                        const std::vector<CodeChoice>& choices, bool training, Fault fault) {
  return broken_link(Work{.step = declared, .program = {}, .stage = declared.stage}, arguments,
                     choices, training, fault);
}

std::string broken_link(const Work& work, const CallArguments& arguments,
                        const std::vector<CodeChoice>& choices, bool training, Fault fault) {
  std::map<std::string, std::vector<int>> levels;
  std::map<std::string, const CodeChoice*> plans;
  for (const CodeChoice& choice : choices) {
    levels[choice.target].push_back(choice.level);
    plans[choice.target] = &choice;
  }
  for (const auto& [target, of_target] : levels) {
    std::string broken =
        broken_link_of(work, arguments, target, of_target, *plans[target], training, fault);
    if (!broken.empty())
      return broken;
  }
  return "";
}

namespace {

/// The step with one result alone, or with one node replaced by a new input (no_node for none).
Step cut(const Step& step, size_t kept_result, NodeId replaced) {
  Step result;
  result.signature = step.signature;
  result.stage = step.stage;
  Signature& signature = result.signature;
  if (replaced != no_node)
    signature.inputs.push_back(
        {"cut" + std::to_string(signature.inputs.size()), step.graph.type(replaced), -1, {}});
  std::vector<bool> live(step.graph.size());
  auto keep = [&](size_t i) { return kept_result == ~size_t{0} || kept_result == i; };
  signature.outputs.clear();
  signature.updates.clear();
  for (size_t i = 0; i < step.outputs.size(); ++i)
    if (keep(i)) {
      signature.outputs.push_back(step.signature.outputs[i]);
      live[step.outputs[i].node] = true;
    }
  for (size_t i = 0; i < step.updates.size(); ++i)
    if (keep(step.outputs.size() + i)) {
      signature.updates.push_back(step.signature.updates[i]);
      live[step.updates[i].node] = true;
    }
  for (NodeId n = step.graph.size(); n-- > 0;)
    if (live[n] && n != replaced)
      for (Value v : step.graph.operands(n))
        live[v.node] = true;

  GraphBuilder builder(result.graph, signature, Sharing::verbatim);
  std::vector<Value> map(step.graph.size());
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    if (!live[n])
      continue;
    std::vector<Value> operands;
    if (n == replaced) {
      map[n] = builder.input(static_cast<uint32_t>(signature.inputs.size() - 1));
      continue;
    }
    for (Value v : step.graph.operands(n))
      operands.push_back(map[v.node]);
    map[n] = builder.append(step.graph.op(n), operands, step.graph.attributes(n));
  }
  for (size_t i = 0; i < step.outputs.size(); ++i)
    if (keep(i))
      result.outputs.push_back(map[step.outputs[i].node]);
  for (size_t i = 0; i < step.updates.size(); ++i)
    if (keep(step.outputs.size() + i))
      result.updates.push_back(map[step.updates[i].node]);
  return result;
}

} // namespace

/// Which link broke: a reduction must not wander off to another mistake.
static std::string link_of(const std::string& broken) { return broken.substr(0, broken.find(':')); }

Reduced reduce(const Step& declared, const CallArguments& arguments, const CodeChoice& choice,
               Fault fault) {
  Reduced best{declared, arguments};
  auto broken = [&](const Step& step, const CallArguments& given) {
    return link_of(broken_link(step, given, {choice}, true, fault));
  };
  std::string link = broken(declared, arguments);
  auto try_smaller = [&](Step&& step) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      CallArguments drawn = random_arguments(step.signature, seed, index_bound(step.graph), true);
      if (broken(step, drawn) == link) {
        best = {std::move(step), std::move(drawn)};
        return true;
      }
    }
    return false;
  };
  size_t results = declared.outputs.size() + declared.updates.size();
  for (size_t i = 0; results > 1 && i < results; ++i)
    if (try_smaller(cut(declared, i, no_node)))
      break;
  for (NodeId n = best.step.graph.size(); n-- > 0;) {
    if (n >= best.step.graph.size() || best.step.graph.operands(n).empty())
      continue;
    if (try_smaller(cut(best.step, ~size_t{0}, n)))
      n = best.step.graph.size();
  }
  return best;
}

std::string write_reproducer(const Reduced& reduced, uint64_t seed) {
  std::string path = fmt::format("{}/differential-{}.gdir", GDJIT_BINARY_DIR, seed);
  write_file(path, print(reduced.step));
  return path;
}

} // namespace gdjit::testing
