// The text of a program at a Loop IR stage, read.
//
// The signature is read before (IR/SignatureParser.h, with the type rules of Ops); here follow
// buffers, notes and kernels. Numbers of values and tiles stay as they stand in the text; loops are
// numbered in its order.
#pragma once

#include "gdjit/IR/TextReader.h"
#include "gdjit/Loop/Program.h"

namespace gdjit::loop {

/// Stated limits of a kernel's text.
inline constexpr int64_t most_values = int64_t{1} << 24; ///< numbers of values and tiles lie below
inline constexpr int64_t most_lanes = 4096;

/// Reads the body behind program.signature and program.stage, which are read already, and verifies
/// it. Throws Error with every message, by line and column.
void parse_body(TextReader& reader, Program& program);

} // namespace gdjit::loop
