// Values that are never infinite, by what they are clamped to: exp's power of two, for one.
#pragma once

#include "KernelShape.h"

namespace gdjit_llvm {

/// By value of a kernel, true for floats of which operations and constants say that each is a NaN
/// or a number far from infinity.
std::vector<bool> bounded_values(const gdjit::loop::Kernel& kernel,
                                 const gdjit::codegen::KernelShape& shape);

} // namespace gdjit_llvm
