// The chain: every form of a step and its native code give the bits of the graph interpreter.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/IR/Step.h"

#include <string>
#include <vector>

namespace gdjit::testing {

struct CodeChoice {
  std::string target;
  int level = 0;
};

/// Targets that this machine runs, by levels.
std::vector<CodeChoice> code_choices();

/// "" where all links agree on these arguments: Differentiated, Simplified, Fused, Loops,
/// Scheduled, Planned, native code. Else which link breaks and how; a link that throws is broken
/// too.
std::string broken_link(const Step& declared, const CallArguments& arguments,
                        const CodeChoice& choice);

/// A smaller step whose chain breaks too, with its arguments.
struct Reduced {
  Step step;
  CallArguments arguments;
};
Reduced reduce(const Step& declared, const CallArguments& arguments, const CodeChoice& choice);

/// Writes the reduced step beside the test and gives its path.
std::string write_reproducer(const Reduced& reduced, uint64_t seed);

} // namespace gdjit::testing
