// structural_hash: one number for everything that the text of a step or program shows, its stage
// apart.
//
// Equal on every machine and in every run. Tells whether a pass changed anything.
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"

namespace gdjit {

uint64_t structural_hash(const Step& step);
uint64_t structural_hash(const loop::Program& program);

} // namespace gdjit
