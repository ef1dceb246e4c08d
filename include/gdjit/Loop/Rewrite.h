// Tools of passes that rewrite loops: walks over statements and what they read, affine arithmetic,
// copies with ids of their own.
#pragma once

#include "gdjit/Loop/Program.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace gdjit::loop {

/// Calls visit(statement) for each statement, a loop before its body. Loops nest a few deep:
/// recursion is bounded.
template <class Statements, class Visit> void for_each(Statements& statements, const Visit& visit) {
  for (auto& s : statements) {
    visit(s);
    for_each(s.body, visit);
  }
}

/// Calls visit(value) for every value that a statement itself reads: operands, mask, fill, dynamic
/// indices. Where the statement may change, so may the value.
template <class AnyStatement, class Visit> void for_each_use(AnyStatement& s, Visit&& visit) {
  for (auto& v : s.operands)
    visit(v);
  if (s.mask != none)
    visit(s.mask);
  if (s.fill != none)
    visit(s.fill);
  for (auto& i : s.index)
    if (i.dynamic != none)
      visit(i.dynamic);
}

/// The factor of a loop variable, 0 where it does not occur.
int64_t factor(const Affine& affine, LoopId loop);
/// factor * loop + constant.
Affine variable(LoopId loop, int64_t factor = 1, int64_t constant = 0);
/// sum += factor * term, keeping terms sorted and free of zeros.
void add_scaled(Affine& sum, const Affine& term, int64_t factor);
/// Puts `value` for `loop`.
void substitute(Affine& affine, LoopId loop, const Affine& value);
/// The same in every coordinate of `statements` and below.
void substitute(std::vector<Statement>& statements, LoopId loop, const Affine& value);

/// A new loop variable, named after `like` ("i" after none), and a new value of a kernel.
LoopId fresh_loop(Kernel& kernel, LoopId like);
ValueId fresh_value(Kernel& kernel);

/// Calls the function of its kind for each id of a statement, none or not; what they make of it is
/// the statement's.
template <class Values, class Loops, class Tiles>
void rename(Statement& s, Values&& value, Loops&& loop, Tiles&& tile) {
  for_each_use(s, value);
  value(s.result);
  loop(s.loop);
  tile(s.tile);
  for (Index& i : s.index) {
    for (Term& t : i.affine.terms)
      loop(t.loop);
    std::sort(i.affine.terms.begin(), i.affine.terms.end(),
              [](const Term& a, const Term& b) { return a.loop < b.loop; });
  }
}

/// Ids that copied statements define: old to new.
struct CopiedIds {
  std::unordered_map<uint32_t, uint32_t> values, loops, tiles;
};

/// A copy that defines values, loops and tiles of its own; `ids` receives which.
std::vector<Statement> copy_fresh(Kernel& kernel, const std::vector<Statement>& statements,
                                  CopiedIds& ids);
std::vector<Statement> copy_fresh(Kernel& kernel, const std::vector<Statement>& statements);

} // namespace gdjit::loop
