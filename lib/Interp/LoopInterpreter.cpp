// A call of a program: its kernels in order, then what the call gives.
#include "gdjit/Interp/LoopInterpreter.h"

#include "LoopKernel.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Support/Error.h"

namespace gdjit {

CallResults interpret(const loop::Program& program, const CallArguments& arguments) {
  CallResults results;
  LoopMemory memory(program, arguments);
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    memory.poison_before(k);
    const loop::Kernel kernel = loop::written_out(program, program.kernels[k]);
    LoopKernel(program, kernel, memory, results.status).run();
  }
  memory.poison_before(program.kernels.size());
  results.outputs.resize(program.signature.outputs.size());
  results.updates.resize(program.signature.updates.size());
  for (loop::BufferId b = 0; b < program.buffers.size(); ++b) {
    const loop::Buffer& buffer = program.buffers[b];
    if (buffer.role == loop::BufferRole::output)
      results.outputs.at(buffer.number) = memory.copy(b);
    else if (buffer.role == loop::BufferRole::update)
      results.updates.at(buffer.number) = memory.copy(b);
  }
  return results;
}

} // namespace gdjit
