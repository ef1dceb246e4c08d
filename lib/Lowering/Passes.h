// The passes over a kernel that make of naive nests the loops one would write by hand, in their
// order.
#pragma once

#include "Body.h"

#include <functional>

namespace gdjit::lowering {

/// Joins the nests of the draft into kernel.body: loops of equal extents are merged where
/// dependences allow. The signature says which state an update overwrites.
void fuse_loops(KernelDraft& draft, const loop::Program& program, const Signature& signature);

/// A load of what was stored or loaded before becomes that value; equal computations are done once.
void forward_stores(loop::Kernel& kernel, const loop::Program& program);
/// The second half of it alone: no load but of constants is shared, so that it holds for any loops.
void share_computations(loop::Kernel& kernel, const loop::Program& program);

/// Arrays that are written and read within one turn of a loop become tiles of that turn.
/// `is_private` tells whether the rest of the program is indifferent to a buffer.
void contract_arrays(KernelDraft& draft, const loop::Program& program,
                     const std::function<bool(BufferId)>& is_private);

/// Loops with P interleaved chains become steps of P with an inner loop over the chains, and a
/// tail.
void split_partials(KernelDraft& draft);

/// Drops stores to temporaries that nobody loads, and what only they needed; then buffers that
/// nothing names.
void remove_dead(loop::Program& program);

/// What a loop does not use is not computed in front of it but behind.
void sink(loop::Kernel& kernel, const loop::Program& program);

/// Numbers values, loops and tiles in the order of the text.
void number_ids(loop::Kernel& kernel);

} // namespace gdjit::lowering
