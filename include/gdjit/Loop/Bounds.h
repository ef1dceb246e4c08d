// Bounds checks for programs that others wrote.
#pragma once

#include "gdjit/Loop/Program.h"

namespace gdjit::loop {

/// The program with a check and a mask at each access whose index depends on data or on a mask: the
/// verifier proves the others. An index outside touches no memory and is reported by the call's
/// status, under a note that names the access. Changes no bit of a program that stays in bounds.
///
///   %1 = load x[%0]   =>   %2 = index %0
///                          %5 = bit_and (ge %2, 0), (lt %2, 4)
///                          check %5 at %0                      @9 load of x
///                          %1 = load x[%0] if %5 else 0
Program with_bounds_checks(const Program& program);

} // namespace gdjit::loop
