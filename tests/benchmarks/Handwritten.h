// The small steps as a C++ programmer writes them by hand, compiled with -O3 -march=native
// -ffast-math.
#pragma once

namespace gdjit::benchmarks {

/// Registers them as handwritten/<workload>.
void register_handwritten();

} // namespace gdjit::benchmarks
