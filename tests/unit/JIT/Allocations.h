// Counts what a program allocates by operator new, the shared library included.
#pragma once

#include <cstdint>

namespace gdjit::test {

/// Allocations so far, by all threads.
int64_t allocations();

} // namespace gdjit::test
