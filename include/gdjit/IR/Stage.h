// Stage: how far a graph has come on its way to native code. "How far to go" is a comparison of two
// of these.
#pragma once

#include <cstdint>
#include <string_view>

namespace gdjit {

enum class Stage : uint8_t {
  Declared,       ///< Graph IR, verbatim what the user wrote
  Differentiated, ///< Graph IR, specialized, stabilized, every gradient expanded
  Simplified,     ///< Graph IR, exact rewrites only
  Fused,          ///< Graph IR, nodes partitioned into named kernels
  Loops,          ///< Loop IR, as one would write it by hand
  Scheduled,      ///< Loop IR, tiles, vectors, threads
  Planned,        ///< Loop IR, every buffer has its place
  LLVM,           ///< LLVM IR as emitted
  Optimized,      ///< LLVM IR after LLVM's passes
  Object,         ///< native code, printed as assembly
};

inline constexpr int stage_count = 10;

/// "declared", "differentiated" … "object".
std::string_view name(Stage stage);
/// Finds a stage by its name; false if there is none.
bool find_stage(std::string_view name, Stage& stage);

} // namespace gdjit
