// The types that scalar operations take (Loop/ScalarOps.def).
#pragma once

#include "gdjit/Loop/ScalarOp.h"

#include <string>
#include <vector>

namespace gdjit::loop {

/// What is wrong with the types of an operation; "" where they fit. As many operands as the
/// operation takes.
std::string operation_problem(ScalarOp op, DType result, const std::vector<DType>& operands);

} // namespace gdjit::loop
