// The chain: every form of a step and its native code give the bits of the graph interpreter.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"
#include "gdjit/Transforms/PassManager.h"

#include <optional>
#include <string>
#include <vector>

namespace gdjit::testing {

struct CodeChoice {
  std::string target;
  int level = 0;
  /// What the schedule takes for the machine, where it is not the target's: forces other vectors,
  /// tiles and copies. All choices for one target have the same, and the same threads.
  std::optional<MachineTable> machine = {};
  int threads = 1;
};

/// Machine and threads drawn by a seed: few or many registers, short or long vectors, tiny or large
/// caches, one thread to eight, code of its own for 1, 2 or 16 kernels that differ in numbers.
void force(CodeChoice& choice, uint64_t seed);

/// Targets that this machine runs, by levels.
std::vector<CodeChoice> code_choices();

/// Planned Loop IR to other Loop IR: what tests plant.
using Fault = loop::Program (*)(loop::Program);

/// "" where all links agree on these arguments: Differentiated, Simplified, Fused, Loops,
/// Scheduled, Planned, native code for each of `choices` (one plan for each target), also in a call
/// of two steps and in passes of two batches over rows. Else which link breaks and how; a link that
/// throws is broken too. `fault` spoils what comes from Planned.
std::string broken_link(const Step& declared, const CallArguments& arguments,
                        const std::vector<CodeChoice>& choices, bool training = true,
                        Fault fault = nullptr);
/// The same of work that stands further, whose links begin there.
std::string broken_link(const Work& work, const CallArguments& arguments,
                        const std::vector<CodeChoice>& choices, bool training = true,
                        Fault fault = nullptr);

/// A smaller step whose chain breaks too, with its arguments.
struct Reduced {
  Step step;
  CallArguments arguments;
};
Reduced reduce(const Step& declared, const CallArguments& arguments, const CodeChoice& choice,
               Fault fault = nullptr);

/// Writes the reduced step into the build folder and gives its path.
std::string write_reproducer(const Reduced& reduced, uint64_t seed);

} // namespace gdjit::testing
