// unroll: loops of a few iterations are written out, so that their tiles are registers.
#pragma once

#include "Rewrite.h"

namespace gdjit::scheduling {

void unroll(Kernel& kernel, const Varying& varying);

} // namespace gdjit::scheduling
