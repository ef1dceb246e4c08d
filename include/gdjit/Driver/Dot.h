// Graphs and loop programs as pictures, in Graphviz's language: `gdjit dump --as dot`.
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"

#include <string>

namespace gdjit {

/// One node per op with its name and type, one edge per operand; kernels of a fused graph are boxes
/// around theirs, before that forward, backward and update are.
std::string print_dot(const Step& step);

/// Kernels and buffers, with edges for what a kernel reads and writes.
std::string print_dot(const loop::Program& program);

/// The picture of a dot text, made by the program `dot`. Throws Error(ErrorCode::data) where it is
/// not installed.
std::string render_svg(const std::string& dot);

} // namespace gdjit
