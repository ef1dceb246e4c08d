// Small rewrites of statements that the passes over a kernel share.
#pragma once

#include "Body.h"

namespace gdjit::lowering {

/// Calls visit(statement) for every statement below `body`, outer ones first. Loops nest a few
/// deep: recursion is bounded.
template <class Statements, class Visit> void for_each(Statements& body, const Visit& visit) {
  for (auto& s : body) {
    visit(s);
    for_each(s.body, visit);
  }
}

/// Puts `value` for `loop` in every coordinate of `affine`.
void substitute(Affine& affine, LoopId loop, const Affine& value);
/// The same in every statement below `body`.
void substitute(std::vector<Statement>& body, LoopId loop, const Affine& value);

/// A copy of `body` that defines values, loops and tiles of its own.
std::vector<Statement> clone(KernelDraft& draft, const std::vector<Statement>& body);

} // namespace gdjit::lowering
