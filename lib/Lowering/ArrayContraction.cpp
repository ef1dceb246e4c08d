// contract_arrays: a row that lives within one turn of a loop is a tile of that turn, not an array
// of all turns.
//
//   for i { for j { a[i, j] = … }  for j { … a[i, j] … } }
//     =>   for i { tile t[J];  for j { t[j] = … }  for j { … t[j] … } }
#include "Passes.h"

#include <algorithm>
#include <unordered_map>

namespace gdjit::lowering {

namespace {

/// More elements than this stay in memory.
constexpr int64_t largest_tile = 64;

struct ArrayUse {
  std::vector<Statement*> accesses;
  std::vector<Statement*> loops; ///< that surround all accesses, outermost first
  bool plain = true;             ///< no access is masked or goes where data say
};

class Contraction {
public:
  Contraction(KernelDraft& draft, const loop::Program& program,
              const std::function<bool(BufferId)>& is_private)
      : draft_(draft), program_(program), is_private_(is_private) {}

  void run() {
    find(draft_.kernel.body);
    for (BufferId buffer : order_)
      contract(buffer, uses_.at(buffer));
  }

private:
  void find(std::vector<Statement>& body) {
    for (Statement& s : body) {
      if (s.kind == StatementKind::For) {
        loops_.push_back(&s);
        find(s.body);
        loops_.pop_back();
      } else if (s.buffer != loop::none && is_private_(s.buffer)) {
        note(s);
      }
    }
  }

  void note(Statement& s) {
    auto [at, fresh] = uses_.try_emplace(s.buffer);
    ArrayUse& use = at->second;
    if (fresh) {
      order_.push_back(s.buffer);
      use.loops = loops_;
    }
    size_t common = 0;
    while (common < use.loops.size() && common < loops_.size() &&
           use.loops[common] == loops_[common])
      ++common;
    use.loops.resize(common);
    use.accesses.push_back(&s);
    use.plain &= s.mask == loop::none &&
                 std::none_of(s.index.begin(), s.index.end(),
                              [](const Index& i) { return i.dynamic != loop::none; });
  }

  void contract(BufferId buffer, const ArrayUse& use) {
    const Shape& shape = program_.buffers[buffer].type.shape;
    auto stores = std::count_if(use.accesses.begin(), use.accesses.end(),
                                [](const Statement* s) { return s->kind == StatementKind::Store; });
    const bool reads = stores < static_cast<int64_t>(use.accesses.size());
    if (!use.plain || stores == 0 || !reads) // written by another kernel, or by none
      return;
    // Axes that are one common loop's turn in every access fall away.
    std::vector<bool> gone(static_cast<size_t>(shape.rank()), false);
    const Statement* inside = nullptr;
    for (const Statement* l : use.loops)
      for (size_t axis = 0; axis < gone.size(); ++axis)
        if (!gone[axis] &&
            std::all_of(use.accesses.begin(), use.accesses.end(), [&](const Statement* s) {
              return s->index[axis].affine == Affine{0, {{l->loop, 1}}};
            })) {
          gone[axis] = true;
          inside = l;
        }
    std::vector<int64_t> extents;
    int64_t elements = 1;
    for (size_t axis = 0; axis < gone.size(); ++axis) {
      int64_t extent = shape[static_cast<int>(axis)];
      if (extent == 1)
        gone[axis] = true;
      if (gone[axis])
        continue;
      extents.push_back(extent);
      elements *= extent;
    }
    if (inside == nullptr || elements > largest_tile || elements == 0)
      return;
    // A loop over interleaved chains becomes vectors: its rows are better loaded and stored as
    // such.
    for (const Statement* s : use.accesses)
      for (size_t axis = 0; axis < gone.size(); ++axis)
        for (const loop::Term& t : s->index[axis].affine.terms)
          if (!gone[axis] && draft_.loops[t.loop].partials > 1)
            return;
    const DType type = program_.buffers[buffer].type.dtype;
    const TileId tile = draft_.kernel.tiles++;
    draft_.partials_loop.push_back(loop::none);
    for (Statement* s : use.accesses) {
      s->kind = s->kind == StatementKind::Load ? StatementKind::Get : StatementKind::Set;
      s->buffer = loop::none;
      s->tile = tile;
      std::vector<Index> index;
      for (size_t axis = 0; axis < gone.size(); ++axis)
        if (!gone[axis])
          index.push_back(std::move(s->index[axis]));
      s->index = std::move(index);
    }
    Statement declaration;
    declaration.kind = StatementKind::Tile;
    declaration.type = {type, 1};
    declaration.extents = std::move(extents);
    declaration.tile = tile;
    declaration.node = use.accesses[0]->node;
    declarations_[inside->loop].push_back(std::move(declaration));
  }

public:
  /// Tiles go to the front of their loops' bodies; last, so that no statement moves before.
  void declare(std::vector<Statement>& body) {
    for (Statement& s : body) {
      if (s.kind != StatementKind::For)
        continue;
      declare(s.body);
      if (auto at = declarations_.find(s.loop); at != declarations_.end())
        s.body.insert(s.body.begin(), at->second.begin(), at->second.end());
    }
  }

private:
  KernelDraft& draft_;
  const loop::Program& program_;
  const std::function<bool(BufferId)>& is_private_;
  std::vector<Statement*> loops_;
  std::unordered_map<BufferId, ArrayUse> uses_;
  std::vector<BufferId> order_;
  std::unordered_map<LoopId, std::vector<Statement>> declarations_;
};

} // namespace

void contract_arrays(KernelDraft& draft, const loop::Program& program,
                     const std::function<bool(BufferId)>& is_private) {
  Contraction contraction(draft, program, is_private);
  contraction.run();
  contraction.declare(draft.kernel.body);
}

} // namespace gdjit::lowering
