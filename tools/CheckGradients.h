// Gradients against finite differences, in f64.
#pragma once

#include "CheckReport.h"
#include "Subject.h"

namespace gdjit::tool {

/// d loss / d parameter of the model declared in f64, for every loss by what it trains, at first
/// values moved a little at random, against differences of fourth order; at most a few elements of
/// each parameter, drawn by seed.
void check_gradients(const Subject& subject, int64_t batch, uint64_t seed, CheckReport& report);

} // namespace gdjit::tool
