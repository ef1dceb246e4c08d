// Varying statements gain lanes; a uniform value that they read stands for all lanes.
#include "Widen.h"

#include "gdjit/Support/Error.h"

namespace gdjit::scheduling {

namespace {

bool moves(const Statement& s, LoopId loop) {
  for (const Index& i : s.index)
    if (factor(i.affine, loop) != 0)
      return true;
  return false;
}

/// The rewriting of one body.
class Widener {
public:
  Widener(Kernel& kernel, LoopId loop, int lanes, Variation variation,
          const std::set<TileId>& moved)
      : kernel_(kernel), loop_(loop), lanes_(static_cast<uint16_t>(lanes)),
        variation_(std::move(variation)), moved_(moved) {}

  /// Statements that compute which lanes are active; the mask is then in every store.
  void begin_mask(std::vector<Statement>& out, const Active& active) {
    mask_ = append_below(kernel_, out, lanes_, active.count, active.first);
    variation_.values.insert(mask_);
  }

  std::vector<Statement> body(const std::vector<Statement>& statements) {
    std::vector<Statement> out;
    for (const Statement& s : statements)
      statement(out, s);
    return out;
  }

private:
  bool varies(ValueId v) const { return variation_.values.count(v) != 0; }

  void statement(std::vector<Statement>& out, Statement s) {
    switch (s.kind) {
    case StatementKind::For:
      s.body = body(s.body);
      break;
    case StatementKind::Tile:
      if (variation_.tiles.count(s.tile))
        s.type.lanes = lanes_;
      break;
    case StatementKind::Compute:
    case StatementKind::Join:
      if (varies(s.result))
        s.type.lanes = lanes_;
      break;
    case StatementKind::Index:
    case StatementKind::Load:
      if (varies(s.result))
        access(out, s);
      break;
    case StatementKind::Get:
      if (varies(s.result))
        s.type.lanes = lanes_;
      break;
    case StatementKind::Set:
      if (variation_.tiles.count(s.tile) || moved_.count(s.tile)) {
        s.type.lanes = lanes_;
        if (moved_.count(s.tile) || s.mask != loop::none) // nobody reads the rest of an own tile
          masked(out, s);
      }
      break;
    case StatementKind::Store:
      access(out, s);
      break;
    case StatementKind::Prefetch: // of what the first lane names
      break;
    case StatementKind::Check:
      access(out, s);
      break;
    case StatementKind::Transpose:
      GDJIT_CHECK(!"a loop with transpositions is never widened");
    }
    out.push_back(std::move(s));
  }

  /// A load, store or index statement over all lanes, inactive ones masked off.
  void access(std::vector<Statement>& out, Statement& s) {
    s.type.lanes = lanes_;
    for (Index& i : s.index)
      i.lane += factor(i.affine, loop_);
    if (s.kind == StatementKind::Index)
      return;
    masked(out, s);
    if (s.kind == StatementKind::Load && s.mask != loop::none && s.fill == loop::none)
      s.fill = append_constant(kernel_, out, s.type.dtype, 0);
  }

  /// The mask of a statement, its own and that of the active lanes.
  void masked(std::vector<Statement>& out, Statement& s) {
    if (mask_ != loop::none && s.mask == loop::none)
      s.mask = mask_;
    else if (mask_ != loop::none)
      s.mask = compute(out, loop::ScalarOp::bit_and, DType::boolean, {s.mask, mask_});
  }

  ValueId compute(std::vector<Statement>& out, loop::ScalarOp op, DType type,
                  std::initializer_list<ValueId> operands) {
    Statement s;
    s.kind = StatementKind::Compute;
    s.op = op;
    s.type = {type, lanes_};
    s.operands = operands;
    s.result = fresh_value(kernel_);
    variation_.values.insert(s.result);
    out.push_back(s);
    return s.result;
  }

  Kernel& kernel_;
  LoopId loop_;
  uint16_t lanes_;
  Variation variation_;
  const std::set<TileId>& moved_;
  ValueId mask_ = loop::none;
};

} // namespace

Variation variation(const std::vector<Statement>& body, LoopId loop,
                    const std::set<TileId>& moved_tiles) {
  Variation v;
  size_t before = 1, now = 0;
  while (before != now) { // a tile set late makes an earlier read of it vary: to the fixed point
    before = v.values.size() + v.tiles.size();
    for_each(body, [&](const Statement& s) {
      bool varies = moves(s, loop);
      for_each_use(s, [&](ValueId used) { varies = varies || v.values.count(used); });
      if (s.kind == StatementKind::Get || s.kind == StatementKind::Join)
        varies = varies || v.tiles.count(s.tile) || moved_tiles.count(s.tile);
      if (!varies)
        return;
      if (s.result != loop::none)
        v.values.insert(s.result);
      if (s.kind == StatementKind::Set && !moved_tiles.count(s.tile))
        v.tiles.insert(s.tile);
    });
    now = v.values.size() + v.tiles.size();
  }
  return v;
}

void widen(Kernel& kernel, std::vector<Statement>& body, LoopId loop, int lanes,
           const Active& active, const std::set<TileId>& moved_tiles) {
  Widener widener(kernel, loop, lanes, variation(body, loop, moved_tiles), moved_tiles);
  std::vector<Statement> out;
  if (active.count < lanes || !active.first.terms.empty())
    widener.begin_mask(out, active);
  for (Statement& s : widener.body(body))
    out.push_back(std::move(s));
  body = std::move(out);
}

} // namespace gdjit::scheduling
