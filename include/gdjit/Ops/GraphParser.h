// The text of a step at a Graph IR stage, read: each line becomes a node with its type inferred and
// compared with the text.
#pragma once

#include "gdjit/IR/SignatureParser.h"
#include "gdjit/IR/Step.h"
#include "gdjit/IR/TextReader.h"

#include <string>
#include <string_view>

namespace gdjit {

/// Parses a whole text at a stage from Declared to Fused. `file` names it in messages; `files`
/// reads literals that stand in files beside it. Throws Error(ErrorCode::graph) with every message,
/// by line and column.
Step parse_step(std::string_view text, const std::string& file, ArrayFiles* files = nullptr);

/// The body alone: step.signature and step.stage are read already.
void parse_graph(TextReader& reader, Step& step);

/// The type rules of the op table, for parse_signature.
const TypeRules& type_rules();

} // namespace gdjit
