// Loops of one name in a kernel are told apart while it is scheduled, so that remarks say which one
// they mean: "j of max", by the first node that no other j computes, and "inner i" within an i.
#pragma once

#include "Rewrite.h"

namespace gdjit::scheduling {

void tell_loops_apart(const Program& program, Kernel& kernel);

/// Gives loops, those that scheduling added too, the names back that the kernel's text has.
void restore_loop_names(Kernel& kernel);

} // namespace gdjit::scheduling
