// Passes over rows, held against the steps that they consist of.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/IR/Step.h"
#include "gdjit/JIT/Executable.h"

#include <memory>
#include <string>

namespace gdjit::testing {

/// Inputs along one first axis as rows of a batch, so that the step passes over rows.
Step with_batch(Step step);

/// "" where a pass over two batches, each of the rows of `arguments`, gives what the second of two
/// steps gives, and sums of what both give; `first` where its index is out of range. The rows lie
/// backwards and are taken in order from behind (`ordered`), or twice, one batch behind the other.
std::string difference_of_pass(const std::shared_ptr<const Executable>& code,
                               const CallArguments& arguments, const CallResults& first,
                               const CallResults& second, bool ordered);

} // namespace gdjit::testing
