// EqualDrafts: the nests of kernels made into loops, once for those that are equal up to their
// buffers and nodes: a thousand layers are fused like one.
#pragma once

#include "Body.h"

#include "gdjit/Loop/Alone.h"

#include <functional>

namespace gdjit::lowering {

class EqualDrafts {
public:
  explicit EqualDrafts(const loop::Program& program) : alone_(program) {}

  /// The kernel of a draft with its nests as loops: fused, forwarded, contracted, split.
  /// `is_private` tells whether the rest of the program is indifferent to a buffer.
  loop::Kernel loops_of(KernelDraft&& draft, const std::function<bool(BufferId)>& is_private);

private:
  loop::Alone alone_;
};

} // namespace gdjit::lowering
