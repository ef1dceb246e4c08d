// A small graph as formulas: `gdjit dump --as math`.
#pragma once

#include "gdjit/IR/Step.h"

#include <string>

namespace gdjit {

/// One line per named node, output, update and shared subexpression, in the order of the graph:
///     h = x·w + b
///     loss = sum((h - y)^2) / 3
///     d loss/d w = xᵀ·(2 * (h - y) / 3)
///     w <- w - lr * d loss/d w
/// Broadcasts and reshapes are left out, · is a matrix product, ᵀ exchanges the last two axes,
/// sum[0](…) runs over axis 0 only, the parts of a scoped name stand between dots. Long formulas
/// are cut into t1, t2 …
std::string print_math(const Step& step);

/// What a derivative is called: "d loss/d w".
std::string derivative_name(const std::string& of, const std::string& with_respect_to);

} // namespace gdjit
