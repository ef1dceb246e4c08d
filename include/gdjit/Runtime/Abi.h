// The binary interface between a compiled kernel and whoever calls it. Generated code holds no
// address: all it reads and writes comes through these arguments.
#pragma once

#include <cstdint>

namespace gdjit {

/// What a kernel is told and tells besides its buffers. It reports its first index out of range
/// here, at most once a call.
struct KernelStatus {
  int64_t check = -1;   ///< number of the Check statement within the kernel, in order of appearance
  int64_t position = 0; ///< row-major position in the operand that holds the indices
  /// Of a kernel that is one parallel loop: the turns that this call does, first and behind the
  /// last; turn t has the loop variable begin + t * step.
  int64_t first_turn = 0, end_turn = 0;
  /// Of a kernel that is a whole step: how many steps to do, at least 1; behind the call, how many
  /// an index out of range kept it from doing.
  int64_t steps = 1;
};

/// What a pass over rows is told besides (RowPass.h): its function takes the address of `kernel`
/// for a status, and the address of the first of a data set's rows for the buffer of an input that
/// has a batch.
struct RowPassStatus {
  KernelStatus kernel;
  const int64_t* order = nullptr; ///< rows, one batch behind the other; null: as they stand
  char* batches = nullptr;        ///< Launch::batch_bytes, aligned to Array::alignment
  double* sums = nullptr;         ///< per output that is a single number
};

/// A kernel: addresses of its buffers in order of first use, and the status.
using KernelFunction = void (*)(void* const* buffers, KernelStatus* status);

} // namespace gdjit
