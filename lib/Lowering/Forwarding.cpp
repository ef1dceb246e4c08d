// forward_stores: within a kernel, a value that was stored or loaded is not loaded again.
//
//   store a[i] = %1;  %2 = load a[i]   =>   store a[i] = %1;  %1 for %2
// Loads, reads of tiles, index values and computations are shared in the same way; the size of a
// negated value is that of the value, so that sigmoid(x) and sigmoid(-x) share their exponential.
// Holds because each element of a buffer is written once, before it is read; buffers for which that
// is not so (scatter) are left alone.
#include "Passes.h"

#include <string>
#include <unordered_map>

namespace gdjit::lowering {

namespace {

class Forwarder {
public:
  Forwarder(loop::Kernel& kernel, const loop::Program& program, bool memory)
      : program_(program), memory_(memory), replaced_(kernel.values, loop::none),
        negated_(kernel.values, loop::none), changes_(kernel.tiles, 0) {
    for_each(kernel.body, [&](const Statement& s) {
      if (s.kind != StatementKind::Store)
        return;
      bool anywhere = s.mask != loop::none;
      for (const Index& index : s.index)
        anywhere |= index.dynamic != loop::none;
      stores_[s.buffer] += anywhere ? 2 : 1;
    });
  }

  void run(std::vector<Statement>& body) {
    const size_t mark = log_.size();
    size_t kept = 0;
    for (size_t i = 0; i < body.size(); ++i) {
      Statement& s = body[i];
      if (!visit(s))
        continue;
      if (s.kind == StatementKind::For) {
        change_tiles(s.body); // by the turn before
        run(s.body);
        change_tiles(s.body);
      }
      if (kept != i)
        body[kept] = std::move(s);
      ++kept;
    }
    body.resize(kept);
    for (; log_.size() > mark; log_.pop_back()) // what a loop computes is not known behind it
      *log_.back() = loop::none;
  }

private:
  /// False where the statement is not needed: its result is known.
  bool visit(Statement& s) {
    for_each_use(s, [&](ValueId& v) {
      if (replaced_[v] != loop::none)
        v = replaced_[v];
    });
    if (s.kind == StatementKind::Store) {
      if (memory_ && stores_[s.buffer] == 1)
        known(key(s, StatementKind::Load, loop::none, loop::none), s.operands[0]);
      return true;
    }
    change_tile(s);
    if (s.kind == StatementKind::Compute && s.op == loop::ScalarOp::neg)
      negated_[s.result] = s.operands[0];
    if (s.kind == StatementKind::Compute && s.op == loop::ScalarOp::abs &&
        negated_[s.operands[0]] != loop::none)
      s.operands[0] = negated_[s.operands[0]];
    bool pure = s.kind == StatementKind::Compute || s.kind == StatementKind::Index ||
                s.kind == StatementKind::Get ||
                (s.kind == StatementKind::Load && is_fixed(s.buffer));
    if (!pure)
      return true;
    const ValueId value = known(key(s, s.kind, s.mask, s.fill), s.result);
    if (value == s.result)
      return true;
    replaced_[s.result] = value;
    return false;
  }

  /// No store changes an element behind a load of it.
  bool is_fixed(BufferId buffer) const {
    loop::BufferRole role = program_.buffers[buffer].role;
    auto stores = stores_.find(buffer);
    return memory_ ? stores == stores_.end() || stores->second < 2
                   : role == loop::BufferRole::constant || role == loop::BufferRole::scalar;
  }

  /// What was read of a tile is not known once it may have changed.
  void change_tile(const Statement& s) {
    if (s.kind == StatementKind::Tile || s.kind == StatementKind::Set ||
        s.kind == StatementKind::Transpose)
      ++changes_[s.tile];
  }
  void change_tiles(const std::vector<Statement>& body) {
    for_each(body, [&](const Statement& s) { change_tile(s); });
  }

  /// The value known by a key; from now on `value` where none is.
  ValueId known(const std::string& key, ValueId value) {
    ValueId& at = known_.try_emplace(key, loop::none).first->second;
    if (at == loop::none) {
      at = value;
      log_.push_back(&at);
    }
    return at;
  }

  /// Equal for statements that give equal values; holds until it is asked for again.
  const std::string& key(const Statement& s, StatementKind kind, ValueId mask, ValueId fill) {
    std::string& k = key_;
    k.clear();
    auto add = [&k](auto x) { k.append(reinterpret_cast<const char*>(&x), sizeof x); };
    add(kind);
    add(s.op);
    add(s.type.dtype);
    add(s.bits);
    add(s.buffer);
    add(mask);
    add(fill);
    if (kind == StatementKind::Get) {
      add(s.tile);
      add(changes_[s.tile]);
    }
    if (kind == StatementKind::Compute)
      for (ValueId v : s.operands)
        add(v);
    for (const Index& index : s.index) {
      add(index.dynamic);
      add(index.affine.constant);
      for (const loop::Term& t : index.affine.terms) {
        add(t.loop);
        add(t.factor);
      }
      add(loop::none);
    }
    return k;
  }

  const loop::Program& program_;
  const bool memory_;
  std::vector<ValueId> replaced_;            ///< by ValueId
  std::vector<ValueId> negated_;             ///< per value: the one that it is the negation of
  std::vector<int> changes_;                 ///< per tile: how often it may have changed
  std::unordered_map<BufferId, int> stores_; ///< 2 and more where elements may be written twice
  std::unordered_map<std::string, ValueId> known_; ///< none: no longer
  std::vector<ValueId*> log_;                      ///< in known_, newest last
  std::string key_;
};

} // namespace

void forward_stores(loop::Kernel& kernel, const loop::Program& program) {
  Forwarder(kernel, program, true).run(kernel.body);
}

void share_computations(loop::Kernel& kernel, const loop::Program& program) {
  Forwarder(kernel, program, false).run(kernel.body);
}

} // namespace gdjit::lowering
