// Tools that every schedule step uses: walking statements, affine arithmetic, copies with fresh
// ids.
#pragma once

#include "gdjit/Loop/Program.h"

#include <map>
#include <set>
#include <vector>

namespace gdjit::scheduling {

using loop::Affine;
using loop::Index;
using loop::Kernel;
using loop::LoopId;
using loop::Program;
using loop::Statement;
using loop::StatementKind;
using loop::TileId;
using loop::ValueId;

/// Loops that a step has given their final form: later ones leave them and what they hold alone.
using Settled = std::set<LoopId>;

/// Times a loop runs.
int64_t trips(const Statement& loop);

/// Notes every loop of `statements` as settled.
void settle(const std::vector<Statement>& statements, Settled& settled);

/// The factor of a loop variable, 0 where it does not occur.
int64_t factor(const Affine& affine, LoopId loop);
/// affine with `loop` replaced by `value`.
Affine substitute(const Affine& affine, LoopId loop, const Affine& value);
Affine variable(LoopId loop, int64_t factor = 1, int64_t constant = 0);

/// A new loop variable, value or tile of a kernel; a new variable is named after another one.
LoopId fresh_loop(Kernel& kernel, LoopId like);
ValueId fresh_value(Kernel& kernel);

/// Calls visit(statement) for each statement, a loop before its body.
template <class Statements, class Visit> void for_each(Statements& statements, Visit&& visit) {
  for (auto& s : statements) {
    visit(s);
    for_each(s.body, visit);
  }
}

/// Every id a statement reads: operands, mask, fill, dynamic indices.
template <class Visit> void for_each_use(const Statement& s, Visit&& visit) {
  for (ValueId v : s.operands)
    visit(v);
  if (s.mask != loop::none)
    visit(s.mask);
  if (s.fill != loop::none)
    visit(s.fill);
  for (const Index& i : s.index)
    if (i.dynamic != loop::none)
      visit(i.dynamic);
}

/// The same, to change them.
template <class Visit> void for_each_use(Statement& s, Visit&& visit) {
  for (ValueId& v : s.operands)
    visit(v);
  if (s.mask != loop::none)
    visit(s.mask);
  if (s.fill != loop::none)
    visit(s.fill);
  for (Index& i : s.index)
    if (i.dynamic != loop::none)
      visit(i.dynamic);
}

/// A copy whose values, loops and tiles defined inside have new ids.
std::vector<Statement> copy_fresh(Kernel& kernel, const std::vector<Statement>& statements);

/// Replaces a loop variable by an affine value in every index inside.
void substitute_in(std::vector<Statement>& statements, LoopId loop, const Affine& value);

/// Statements after all unrolled loops are written out: the size of the code.
int64_t code_size(const std::vector<Statement>& statements);

} // namespace gdjit::scheduling
