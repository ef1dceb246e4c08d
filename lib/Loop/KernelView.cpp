// From what a shared statement names to what it means in each kernel.
#include "gdjit/Loop/KernelView.h"

#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Support/Error.h"

namespace gdjit::loop {

namespace {

/// The element of `meant` in the place that `named` has in `names`, which ascend.
uint32_t in_place_of(uint32_t named, const std::vector<uint32_t>& names,
                     const std::vector<uint32_t>& meant) {
  auto at = std::lower_bound(names.begin(), names.end(), named);
  GDJIT_CHECK(at != names.end() && *at == named);
  return meant[static_cast<size_t>(at - names.begin())];
}

} // namespace

size_t holder(const Program& program, size_t kernel) {
  const uint32_t same = program.kernels[kernel].same_as;
  return same == none ? kernel : same;
}

const Kernel& holder(const Program& program, const Kernel& kernel) {
  return kernel.same_as == none ? kernel : program.kernels[kernel.same_as];
}

BufferId KernelView::buffer(BufferId named) const {
  return &holder_ == &kernel_ ? named : in_place_of(named, holder_.buffers, kernel_.buffers);
}

NodeId KernelView::node(NodeId named) const {
  return &holder_ == &kernel_ || named == no_node
             ? named
             : in_place_of(named, holder_.nodes, kernel_.nodes);
}

Kernel written_out(const Program& program, const Kernel& kernel) {
  if (kernel.same_as == none)
    return kernel;
  const KernelView view(program, kernel);
  Kernel own = view.holder_of_statements();
  own.name = kernel.name;
  own.title = kernel.title;
  own.reason = kernel.reason;
  own.buffers.clear();
  own.nodes.clear();
  for_each(own.body, [&](Statement& s) {
    if (s.buffer != none)
      s.buffer = view.buffer(s.buffer);
    s.node = view.node(s.node);
  });
  return own;
}

Program written_out(const Program& program) {
  Program whole = program;
  for (Kernel& kernel : whole.kernels)
    if (kernel.same_as != none)
      kernel = written_out(program, kernel);
  return whole;
}

} // namespace gdjit::loop
