// read_step: a whole `.gdir` text, at any stage from Declared to Planned.
#pragma once

#include "gdjit/IR/TextReader.h"
#include "gdjit/Loop/Program.h"

#include <string>
#include <string_view>

namespace gdjit {

/// What a text holds: a graph up to Stage::Fused, loops from Stage::Loops on.
struct TextStep {
  Stage stage = Stage::Declared;
  Step step;             ///< where stage <= Stage::Fused
  loop::Program program; ///< where stage >= Stage::Loops
};

/// Parses and verifies. `file` names the text in messages; `files` reads literals that stand in
/// files beside it. Throws Error(ErrorCode::graph) with every message, by line and column.
TextStep read_step(std::string_view text, const std::string& file, ArrayFiles* files = nullptr);

} // namespace gdjit
