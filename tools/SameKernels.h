// Kernels that do the same on other arrays, as equal layers do: they are told as one.
#pragma once

#include "KernelFacts.h"

namespace gdjit::tool {

struct SameKernels {
  size_t first = 0;               ///< the earliest that a kernel is the same as: itself for most
  std::vector<size_t> others;     ///< of a first one, those that are the same, ascending
  std::vector<std::string> lines; ///< of a first one, the places of the others that it has not
};

/// Per kernel of `facts`.
std::vector<SameKernels> same_kernels(const std::vector<KernelFacts>& facts,
                                      const loop::Program& planned);

/// The names of kernels by number: "k17 to k1016", "k1019 to k4000 in steps of 3".
std::string ranges(const std::vector<KernelFacts>& facts, const std::vector<size_t>& numbers);

} // namespace gdjit::tool
