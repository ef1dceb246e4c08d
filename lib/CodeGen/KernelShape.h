// KernelShape: a kernel with its buffers taken out, so that kernels that differ only in buffers are
// compiled once.
//
// Two kernels are one when their statements are equal after loops, values, tiles and buffers are
// numbered in order of appearance, and their parameters have equal types, roles as to writing,
// alignment and alias pattern. Literals may differ (the streams of random numbers,
// hyperparameters): those that do are passed in a table.
#pragma once

#include "gdjit/Loop/KernelView.h"

#include <string>
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

struct KernelShape {
  std::vector<Parameter> parameters;                             ///< in order of first use
  std::vector<std::pair<loop::BufferId, uint32_t>> parameter_of; ///< sorted by buffer
  std::vector<loop::BufferId> named;                             ///< in order of first use
  std::vector<NodeId> checks;                                    ///< node per Check
  std::vector<loop::Bits> literals; ///< those that may differ, in order of appearance
  std::vector<uint32_t> passed;     ///< those that do, ascending; set once all kernels are known
  int64_t statements = 0;           ///< after unrolling: what compiling costs
  /// The kernel is a whole step and does many in one call; the parameter that is the scalar `step`,
  /// which it counts up from one to the next, none where it does not read it.
  bool repeats = false;
  uint32_t step_number = loop::none;
  std::string key; ///< equal for kernels that are one

  uint32_t parameter(loop::BufferId buffer) const;
};

/// True for a constant that may differ between kernels that are one: any float, and numbers too
/// large to be indices, shifts or masks, of which code is better when it knows them.
bool is_free_literal(const loop::Statement& s);

/// Of a kernel that has statements.
KernelShape shape_of(const loop::Program& program, const loop::Kernel& kernel);

/// Of a kernel that is the same as the one of which `holder` is the shape: its parameters, where it
/// can be called for that one; none where it differs in alias pattern or alignment.
std::vector<loop::BufferId> arguments_for(const KernelShape& holder, const loop::Program& program,
                                          const loop::KernelView& kernel);

/// For the only kernel of a program: it does as many steps as the call says.
void make_repeat(const loop::Program& program, KernelShape& shape);

} // namespace gdjit::codegen
