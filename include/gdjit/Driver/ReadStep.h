// read_step: a whole `.gdir` text, at any stage from Declared to Planned.
#pragma once

#include "gdjit/IR/TextReader.h"
#include "gdjit/Loop/Program.h"
#include "gdjit/Support/Error.h"

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

/// The Error(graph) of who asks a text, which holds a step for `own` rows, for one for other `rows`
/// ("1, the last batch of 4"). A text for `batch` rows would do ("4 or a divisor of that").
Error no_step_for(int64_t own, const std::string& rows, const std::string& batch);

} // namespace gdjit
