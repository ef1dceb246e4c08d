// The reference pages that follow from tables: ops, stages, passes.
#pragma once

#include <string>

namespace gdjit {

/// Every op with summary, formula, domain, attributes, accuracy and what its derivative is;
/// Markdown, generated from the op table alone. With a name only that op; Error(usage) with the
/// nearest name where there is none.
std::string op_reference(const std::string& only = "");

} // namespace gdjit
