// KernelShape: a kernel with its buffers taken out, so that kernels that differ only in buffers are
// compiled once.
//
// Two kernels are one when their statements are equal after loops, values, tiles and buffers are
// numbered in order of appearance, and their parameters have equal types, roles as to writing and
// alias pattern. Literals may differ (the streams of random numbers, hyperparameters), so may how
// many rows a loop of much work runs over, and where many kernels have equal statements but for
// their numbers, all extents and bounds may: those that do are passed in a table.
#pragma once

#include "gdjit/Loop/KernelView.h"

#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gdjit::codegen {

/// The memory behind one or several buffers of a kernel.
struct Parameter {
  loop::BufferId memory = loop::none; ///< never Place::shared
  int64_t alignment = 1;              ///< bytes, known of its address
  int64_t bytes = 0;                  ///< that it surely has
  bool written = false;
  bool alone = true; ///< no other parameter of the kernel reaches its bytes
};

/// What a kernel's code can take as an argument.
struct Number {
  loop::Bits value = 0;
  const void* field = nullptr; ///< where it stands in the kernel or in a buffer's type
  bool free = false;           ///< code is as good without knowing it
};

/// How a kernel that repeats becomes a pass over rows.
struct RowPassShape {
  /// An input whose first axis is the batch.
  struct Input {
    uint32_t parameter = 0;
    int64_t row_bytes = 0;
    int64_t offset = 0; ///< of its rows where they are gathered
  };
  std::vector<Input> inputs;
  std::vector<uint32_t> sums; ///< parameters: the outputs that are single numbers, in order
  int64_t rows = 0;           ///< of a batch
  int64_t bytes =
      0; ///< for two batches that are gathered; none for one row, which is read where it is
};

struct KernelShape {
  std::vector<Parameter> parameters;                             ///< in order of first use
  std::vector<std::pair<loop::BufferId, uint32_t>> parameter_of; ///< sorted by buffer
  std::vector<loop::BufferId> named;                             ///< in order of first use
  std::vector<NodeId> checks;                                    ///< node per Check
  std::vector<Number> numbers;                                   ///< in order of appearance
  std::vector<uint32_t> passed; ///< numbers that are arguments, one each for those always equal
  std::unordered_map<const void*, uint32_t> slots; ///< a field of a number: which of `passed` it is
  int64_t operations = 0;                          ///< after unrolling
  int64_t executed = 0;                            ///< operations in a call, each turn counted
  /// The kernel is a whole step and does many in one call; the parameter that is the scalar `step`,
  /// which it counts up from one to the next, none where it does not read it.
  bool repeats = false;
  uint32_t step_number = loop::none;
  bool passes_over_rows = false; ///< it takes the rows of a batch for each step
  RowPassShape row_pass;         ///< how, if so
  std::string structure; ///< all but numbers: equal for kernels that are one, or may be made one

  uint32_t parameter(loop::BufferId buffer) const;
};

/// Of a kernel that has statements.
KernelShape shape_of(const loop::Program& program, const loop::Kernel& kernel);

/// Of a kernel that is the same as the one of which `holder` is the shape: its parameters, of which
/// the holder then knows what is true of both; none where it differs in alias pattern.
std::vector<loop::BufferId> arguments_for(KernelShape& holder, const loop::Program& program,
                                          const loop::KernelView& kernel);

/// Lets the code of `first` serve `others`, of the same structure: numbers that differ become
/// arguments.
void serve(KernelShape& first, std::span<const KernelShape* const> others);

/// For the only kernel of a program: it does as many steps as the call says.
void make_repeat(const loop::Program& program, KernelShape& shape);
/// And takes the rows of a batch for each.
void make_row_pass(const loop::Program& program, KernelShape& shape);

} // namespace gdjit::codegen
