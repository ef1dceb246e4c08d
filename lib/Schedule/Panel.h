// panel: what all rows of a tiled product read of one operand is copied once into a few rows that
// lie one after another, so that it comes from near caches without conflicts or new pages.
//
// Before:  for j step 32 { for i step 14 { … for k { … %b = load w[k, j+16*v+lanes] … } } }
// After:   for j step 32 { for k { w.panel[k, 16*v+lanes] = w[k, j+16*v+lanes] }
//            for i step 14 { … for k { … %b = load w.panel[k, 16*v+lanes] … } } }
//
// Lanes that lie apart are turned on the way, which pays though each turn reads them but once:
// Before:  for i step 128 { … for k { … %a = load x[i+16*v+lanes, k] … } }
// After:   for i step 128 { x.panel = x[i .. i+127], turned
//            for k { … %a = load x.panel[k, 16*v+lanes] … } }
#pragma once

#include "Pack.h"
#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

#include <set>
#include <span>

namespace gdjit::scheduling {

/// Calls visit(load) for each load; meanwhile `around` ends with the loops between.
template <class Visit> void for_each_load(std::vector<Statement>& body,
                                          std::vector<const Statement*>& around,
                                          const Visit& visit) {
  for (Statement& s : body) {
    if (s.kind == StatementKind::For) {
      around.push_back(&s);
      for_each_load(s.body, around, visit);
      around.pop_back();
    } else if (s.kind == StatementKind::Load) {
      visit(s);
    }
  }
}

/// The loops by which a coordinate runs through terms of a sum one after another, each once: one,
/// the two of partial chains (`k + l`, where k steps by as many as l counts), or one over blocks
/// around either (`392*b + k`).
struct Terms {
  const Statement* loop = nullptr; ///< the outermost; null for none
  int64_t count = 0;
  Affine from; ///< the first term, by loops around: `392*p` where threads share blocks
};

/// `moving`: those of the loops around that move the coordinate, outermost first. None where it is
/// anything else.
Terms terms_of(const Affine& coordinate, std::span<const Statement* const> moving);

struct Panels {
  std::vector<Statement> copies; ///< what fills them, for one turn of the loop over columns
  std::vector<loop::BufferId> buffers;
};

/// What pays for a panel.
enum class PanelFor {
  rows,          ///< that read it again and again
  strided_lanes, ///< `b[j + lanes, k]`, even where it is read only once
};

/// Lets the loops inside `columns` read from panels what they read along it, which the caller fills
/// in front of them, but for what is `left` as it is. None where they read nothing of that kind.
Panels panels(Program& program, Kernel& kernel, Statement& columns,
              PanelFor reason = PanelFor::rows, const std::set<Place>& left = {});

/// The same, filled in front of the loops inside. False where there is none.
bool panel(Program& program, Kernel& kernel, Statement& columns, PanelFor reason = PanelFor::rows,
           const std::set<Place>& left = {});

/// Copies of what rows of a tile read side by side (`x[k, i+r]`), term by term one after another,
/// so that every loop over columns reads them in order; the copies go in front of `nests`.
std::vector<Statement> rows_panel(Program& program, Kernel& kernel, std::vector<Statement>& nests,
                                  const PassContext& context);

} // namespace gdjit::scheduling
