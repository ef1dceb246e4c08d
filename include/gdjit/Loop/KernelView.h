// KernelView: the statements of a kernel, be they its own or those of the kernel that it is the
// same as, and what the buffers and nodes that they name are in this one.
//
//   kernel k1 "layer 1" { store h1[i] = tanh a1[i] }      buffers a1, h1
//   kernel k4: the same as k1                             buffers a2, h2
//     KernelView(program, k4).body() is that of k1; there, buffer(a1) is a2
#pragma once

#include "gdjit/Loop/Program.h"

namespace gdjit::loop {

/// The number of the kernel that holds the statements of number `kernel`; that kernel.
size_t holder(const Program& program, size_t kernel);
const Kernel& holder(const Program& program, const Kernel& kernel);

class KernelView {
public:
  KernelView(const Program& program, const Kernel& kernel)
      : holder_(holder(program, kernel)), kernel_(kernel) {}

  const Kernel& holder_of_statements() const { return holder_; }
  const std::vector<Statement>& body() const { return holder_.body; }
  BufferId buffer(BufferId named) const;
  NodeId node(NodeId named) const;

private:
  const Kernel& holder_;
  const Kernel& kernel_;
};

/// `kernel` with statements of its own.
Kernel written_out(const Program& program, const Kernel& kernel);
/// The program with statements in every kernel, as its text shows it.
Program written_out(const Program& program);

} // namespace gdjit::loop
