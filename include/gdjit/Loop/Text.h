// The printed form of Loop IR. The language: lib/Loop/README.md.
#pragma once

#include "gdjit/IR/Text.h"
#include "gdjit/Loop/Program.h"

#include <string>

namespace gdjit::loop {

/// A whole program at a Loop IR stage, signature first. Parses back (Loop/Parser.h) to the same
/// program with its loops numbered in the order of the text.
std::string print(const Program& program, TextExtras* extras = nullptr);

} // namespace gdjit::loop
