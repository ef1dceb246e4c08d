// Opcode: the identity of an op. What an op means is said in Ops (layer 4), by its kind and its
// block.
#pragma once

#include <cstdint>
#include <string_view>

namespace gdjit {

enum class Opcode : uint8_t {
#define GDJIT_OP(enumerator, name, kind, operands, f32_ulp, f64_ulp) enumerator,
#include "gdjit/IR/Ops.def"
};

inline constexpr int opcode_count = 0
#define GDJIT_OP(enumerator, name, kind, operands, f32_ulp, f64_ulp) +1
#include "gdjit/IR/Ops.def"
    ;

/// What loop structure, fusion and interpretation follow from.
enum class OpKind : uint8_t {
  Source,      ///< no tensor operand: element from its position alone
  Pointwise,   ///< element from the operands' elements at the same index, all of one shape
  Reduction,   ///< element from all elements along the reduced axes
  Contraction, ///< sum of products over index maps
  Movement,    ///< element from one operand element, found by an index map
  Indexing,    ///< element places come from data
  Derivative,  ///< expanded before anything runs
};

/// The op's name in text.
std::string_view name(Opcode op);
OpKind kind(Opcode op);
/// Number of operands, -1 for one or more.
int operand_count(Opcode op);
/// True for elementary functions: pointwise ops whose results are not exact (a bound above half a
/// unit). Their operands and result have one float type and they have no attributes; loops call
/// them by name.
bool is_elementary(Opcode op);
/// Finds an op by its name in text; false if there is none.
bool find_opcode(std::string_view name, Opcode& op);

} // namespace gdjit
