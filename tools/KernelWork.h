// What a kernel does, counted from its loops.
#pragma once

#include "gdjit/Loop/Program.h"

namespace gdjit::tool {

struct KernelWork {
  double operations = 0; ///< scalar ones on floats and integers, a fused multiply-add as two
  double bytes = 0;      ///< of buffers: what it reads and writes, each once
};

KernelWork work_of(const loop::Program& program, const loop::Kernel& kernel);

} // namespace gdjit::tool
