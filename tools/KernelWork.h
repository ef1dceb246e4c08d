// What a kernel does, counted from its loops.
#pragma once

#include "Limits.h"

#include "gdjit/IR/Graph.h"
#include "gdjit/Loop/Program.h"

#include <string>

namespace gdjit::tool {

struct KernelWork {
  double operations = 0; ///< scalar ones on floats and integers, a fused multiply-add as two
  double bytes = 0;      ///< of buffers: what it reads and writes, each once
};

KernelWork work_of(const loop::Program& program, const loop::Kernel& kernel);

/// Of a planned program: what its kernels do, and the seconds that they take at least, one behind
/// the other.
struct StepWork {
  KernelWork work;
  double least_seconds = 0;
};
StepWork work_of(const loop::Program& program, const Limits& limits);

/// 2 m n k for each product of matrices in a graph: the rest of a step goes on around them.
double product_operations(const Graph& graph);

/// Seconds that it takes at least: by operations or by bytes, whichever is more.
double least_seconds(const KernelWork& work, const Limits& limits);

/// "12.9 Mop": a number of anything, to three digits.
std::string amount(double number, const char* unit);

} // namespace gdjit::tool
