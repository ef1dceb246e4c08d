// Finds loops over terms right behind the tiles that they accumulate into.
#include "FirstTerms.h"

#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

constexpr int64_t most_terms = 16;     ///< beyond, no gain was measured that exceeds noise
constexpr int64_t least_registers = 8; ///< of a tile: fewer are set beside other work

/// True where every unrolled loop around moves one coordinate of its own: then no element occurs
/// twice.
bool names_each_once(const Statement& s, const std::vector<LoopId>& around) {
  std::set<LoopId> moved;
  for (const Index& i : s.index)
    if (i.dynamic != loop::none || i.affine.terms.size() > 1 ||
        (i.affine.terms.size() == 1 && !moved.insert(i.affine.terms[0].loop).second))
      return false;
  for (LoopId l : around)
    if (!moved.count(l))
      return false;
  return true;
}

class Terms {
public:
  /// Of a loop behind `fresh` tiles, which hold what they were declared with.
  Terms(const Statement& loop, const std::map<TileId, int64_t>& fresh) : fresh_(fresh) {
    possible_ = loop.loop_kind == loop::LoopKind::sequential && turns(loop) > 1 &&
                turns(loop) <= most_terms;
    if (possible_)
      visit(loop.body);
    for (const auto& [tile, count] : sets_)
      possible_ = possible_ && count == 1 && reads_[tile] == 1;
  }

  /// Registers that accumulate; 0 where it is no such loop.
  int64_t registers() const {
    int64_t all = 0;
    if (possible_ && sets_.size() == reads_.size())
      for (const auto& [tile, count] : sets_)
        all += fresh_.at(tile);
    return all;
  }

  /// Makes the statements of the first turn, in which nothing is read from the tiles.
  static void begin(std::vector<Statement>& body) {
    std::vector<Statement> out;
    std::set<ValueId> dropped;
    for (Statement& s : body) {
      if (s.kind == StatementKind::For)
        begin(s.body);
      if (s.kind == StatementKind::Get) {
        dropped.insert(s.result);
        continue;
      }
      if (s.op == loop::ScalarOp::fma && s.kind == StatementKind::Compute &&
          dropped.count(s.operands[2])) {
        s.op = loop::ScalarOp::mul;
        s.operands = {s.operands[0], s.operands[1]};
      }
      out.push_back(std::move(s));
    }
    body = std::move(out);
  }

private:
  void visit(const std::vector<Statement>& body) {
    std::map<ValueId, const Statement*> gets, fmas;
    for (const Statement& s : body) {
      int uses_of_gets = 0;
      for_each_use(s, [&](ValueId v) { uses_of_gets += gets.count(v) != 0; });
      switch (s.kind) {
      case StatementKind::For:
        possible_ = possible_ && s.loop_kind == loop::LoopKind::unrolled;
        around_.push_back(s.loop);
        visit(s.body);
        around_.pop_back();
        break;
      case StatementKind::Get:
        possible_ = possible_ && fresh_.count(s.tile) && names_each_once(s, around_);
        ++reads_[s.tile];
        gets[s.result] = &s;
        break;
      case StatementKind::Compute:
        if (s.op == loop::ScalarOp::fma && gets.count(s.operands[2]) && uses_of_gets == 1) {
          fmas[s.result] = gets[s.operands[2]];
          gets.erase(s.operands[2]); // which nothing else may read
          uses_of_gets = 0;
        }
        break;
      case StatementKind::Set:
        possible_ = possible_ && s.mask == loop::none && fmas.count(s.operands[0]) &&
                    fmas[s.operands[0]]->tile == s.tile && fmas[s.operands[0]]->index == s.index;
        ++sets_[s.tile];
        break;
      case StatementKind::Load:
      case StatementKind::Index:
        break;
      default:
        possible_ = false;
      }
      possible_ = possible_ && uses_of_gets == 0;
    }
  }

  const std::map<TileId, int64_t>& fresh_;
  std::vector<LoopId> around_;
  std::map<TileId, int> reads_, sets_;
  bool possible_ = false;
};

class FirstTerms {
public:
  FirstTerms(Kernel& kernel, PassContext& context, const Varying& varying)
      : kernel_(kernel), context_(context), varying_(varying) {}

  void rewrite(std::vector<Statement>& body) {
    std::map<TileId, int64_t> fresh; ///< registers of each tile that still holds -0.0
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind == StatementKind::Tile && starts_from_minus_zero(s))
        fresh[s.tile] = tile_elements(s);
      if (s.kind == StatementKind::For) {
        const int64_t count = varying_.loops.count(s.loop) ? 0 : Terms(s, fresh).registers();
        if (count >= least_registers)
          peel(out, s, count);
        else
          rewrite(s.body);
      }
      if (s.kind != StatementKind::Tile)
        fresh.erase(s.tile);
      for_each(s.body, [&](const Statement& t) { fresh.erase(t.tile); });
      out.push_back(std::move(s));
    }
    body = std::move(out);
  }

private:
  static bool starts_from_minus_zero(const Statement& tile) {
    return is_float(tile.type.dtype) && tile.type.lanes > 1 &&
           tile.bits == loop::to_bits(tile.type.dtype, -0.0);
  }

  void peel(std::vector<Statement>& out, Statement& loop, int64_t registers) {
    std::vector<Statement> first = copy_fresh(kernel_, loop.body);
    substitute(first, loop.loop, loop::Affine{loop.begin, {}});
    Terms::begin(first);
    std::move(first.begin(), first.end(), std::back_inserter(out));
    context_.remarks.push_back(fmt::format(
        "{}: {} chains of {} terms over loop {} begin with products, since -0.0 in as many "
        "registers costs as much as two terms",
        kernel_.name, registers, turns(loop), kernel_.loop_names[loop.loop]));
    loop.begin += loop.step;
    if (turns(loop) == 1)
      loop.loop_kind = loop::LoopKind::unrolled;
  }

  Kernel& kernel_;
  PassContext& context_;
  const Varying& varying_;
};

} // namespace

void first_terms(Kernel& kernel, PassContext& context, const Varying& varying) {
  FirstTerms(kernel, context, varying).rewrite(kernel.body);
}

} // namespace gdjit::scheduling
