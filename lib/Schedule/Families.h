// families: kernels that differ in numbers only, as the layers of different widths of a network do.
//
//   for i in 0..16 { for j in 0..100 { … } }        k1, k2, k3 …: j varies, i does not
//   for i in 0..16 { for j in 0..101 { … } }
//
// Where they have more shapes than `MachineTable::most_shapes`, the schedule of each follows
// from what they have in common: loops that vary are covered by whole vectors and tiles under
// masks, whatever their extents, so that the code of one serves all (CodeGen passes it the
// numbers).
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// What varies in each kernel that has statements, by number; nothing in the others.
std::vector<Varying> families(const Program& program, const PassContext& context);

inline constexpr int64_t common_extent =
    1024; ///< many whole vectors: what is left over decides nothing

/// `kernel` with one extent, the same for every family, in the place of those that vary: choices
/// that follow from it hold for all members.
Kernel with_common_extents(Kernel kernel, const Varying& varying);

/// A copy with ids of its own; of what varies, the copy does, too.
std::vector<Statement> copy_fresh(Kernel& kernel, const std::vector<Statement>& statements,
                                  Varying& varying);

} // namespace gdjit::scheduling
