// remove_dead: what nobody reads is not computed.
//
// Walks backwards over a kernel: a store to a temporary is dead where nothing behind it loads the
// buffer, a computation where nothing behind it uses the value. What a loop carries from turn to
// turn is found by walking again. Statements that kernels share live where they live in one of
// them.
#include "Passes.h"

#include "gdjit/Loop/KernelView.h"

#include <algorithm>

namespace gdjit::lowering {

namespace {

class Sweep {
public:
  explicit Sweep(loop::Program& program)
      : program_(program), loaded_(program.buffers.size(), false),
        unread_(program.buffers.size(), false), marks_(program.kernels.size()) {
    for (size_t k = 0; k < program.kernels.size(); ++k) {
      const loop::Kernel& kernel = program.kernels[k];
      marks_[holder(program, k)].sharers.push_back(k);
      if (kernel.same_as == loop::none)
        marks_[k].reset(kernel);
    }
  }

  void run() {
    do {
      grew_ = false;
      for (size_t k = program_.kernels.size(); k-- > 0;) {
        look_at(k);
        do {
          carried_ = false;
          mark_live(holder(program_, *kernel_).body);
        } while (carried_);
        of_->walked = true;
      }
    } while (grew_);
    for (size_t k = 0; k < program_.kernels.size(); ++k)
      if (program_.kernels[k].same_as == loop::none) {
        of_ = &marks_[k];
        erase_dead(program_.kernels[k].body);
      }
  }

private:
  /// Of a kernel that has statements.
  struct Marks {
    std::vector<bool> used, read, unread_tile; ///< per value, per tile
    std::vector<size_t> sharers;               ///< kernels with these statements
    bool walked = false;                       ///< for one of them

    void reset(const loop::Kernel& kernel) {
      used.assign(kernel.values, false);
      read.assign(kernel.tiles, false);
      unread_tile.assign(kernel.tiles, false);
    }
  };

  void look_at(size_t k) {
    kernel_ = &program_.kernels[k];
    of_ = &marks_[holder(program_, k)];
  }

  BufferId memory_of(const Statement& s) const {
    return storage(program_, loop::KernelView(program_, *kernel_).buffer(s.buffer));
  }

  bool stores_what_is_wanted(const Statement& s) const {
    const BufferId memory = memory_of(s);
    return program_.buffers[memory].role != loop::BufferRole::temporary || loaded_[memory];
  }

  bool live(const Statement& s) const {
    switch (s.kind) {
    case StatementKind::For:
      return !s.body.empty();
    case StatementKind::Store:
      return stores_what_is_wanted(s);
    case StatementKind::Check:
      return true;
    case StatementKind::Tile:
    case StatementKind::Set:
      return of_->read[s.tile];
    default:
      return of_->used[s.result];
    }
  }

  void mark_live(const std::vector<Statement>& body) {
    for (size_t i = body.size(); i-- > 0;) {
      const Statement& s = body[i];
      if (s.kind == StatementKind::For)
        mark_live(s.body);
      else if (live(s))
        mark(s);
      else if (s.kind == StatementKind::Set)
        of_->unread_tile[s.tile] = true;
      else if (s.kind == StatementKind::Store)
        unread_[memory_of(s)] = true;
    }
  }

  void mark(const Statement& s) {
    for_each_use(s, [&](ValueId v) {
      grew_ |= of_->walked && !of_->used[v];
      of_->used[v] = true;
    });
    if (s.kind == StatementKind::Load) {
      BufferId memory = memory_of(s);
      if (!loaded_[memory]) {
        loaded_[memory] = true;
        carried_ |= unread_[memory]; // a store behind this load was thought dead
        grew_ |= unread_[memory];    // perhaps of a later kernel
      }
    }
    if ((s.kind == StatementKind::Get || s.kind == StatementKind::Join) && !of_->read[s.tile]) {
      grew_ |= of_->walked;
      of_->read[s.tile] = true;
      carried_ |= of_->unread_tile[s.tile];
    }
  }

  bool live_in_one(const Statement& s) {
    if (s.kind != StatementKind::Store)
      return live(s);
    return std::ranges::any_of(of_->sharers, [&](size_t k) {
      kernel_ = &program_.kernels[k];
      return stores_what_is_wanted(s);
    });
  }

  void erase_dead(std::vector<Statement>& body) {
    for (Statement& s : body)
      erase_dead(s.body);
    std::erase_if(body, [&](const Statement& s) { return !live_in_one(s); });
  }

  loop::Program& program_;
  std::vector<bool> loaded_, unread_;    ///< per buffer
  std::vector<Marks> marks_;             ///< per kernel
  const loop::Kernel* kernel_ = nullptr; ///< at hand
  Marks* of_ = nullptr;                  ///< of it
  bool carried_ = false, grew_ = false;
};

/// The places of `list` that `wanted` has.
void keep(std::vector<BufferId>& list, const std::vector<size_t>& wanted) {
  std::vector<BufferId> kept;
  for (size_t i : wanted)
    kept.push_back(list[i]);
  list = std::move(kept);
}

/// Buffers that no kernel names or views go; lists hold what is named.
class Buffers {
public:
  explicit Buffers(loop::Program& program) : program_(program), named_(program.buffers.size()) {
    std::vector<std::vector<size_t>> places(program.kernels.size());
    for (size_t k = 0; k < program.kernels.size(); ++k) {
      loop::Kernel& kernel = program.kernels[k];
      if (kernel.same_as == loop::none)
        places[k] = named_places(kernel);
      keep(kernel.buffers, places[holder(program, k)]);
      if (kernel.same_as != loop::none)
        for (BufferId b : kernel.buffers)
          named_[b] = true;
    }
  }

  void remove_unnamed() {
    std::vector<BufferId> moved(program_.buffers.size(), loop::none);
    std::vector<loop::Buffer> kept;
    for (BufferId b = 0; b < program_.buffers.size(); ++b) {
      if (!named_[b])
        continue;
      moved[b] = static_cast<BufferId>(kept.size());
      kept.push_back(std::move(program_.buffers[b]));
    }
    for (loop::Buffer& buffer : kept)
      if (buffer.same_as != loop::none)
        buffer.same_as = moved[buffer.same_as];
    program_.buffers = std::move(kept);
    for (loop::Kernel& kernel : program_.kernels) {
      for (BufferId& b : kernel.buffers)
        b = moved[b];
      for_each(kernel.body, [&](Statement& s) {
        if (s.buffer != loop::none)
          s.buffer = moved[s.buffer];
      });
    }
  }

private:
  /// Marks what a kernel names; the places in its list of that.
  std::vector<size_t> named_places(const loop::Kernel& kernel) {
    std::vector<BufferId> own;
    for_each(kernel.body, [&](const Statement& s) {
      for (BufferId b = s.buffer; b != loop::none; b = program_.buffers[b].same_as) {
        named_[b] = true;
        own.push_back(b);
      }
    });
    std::ranges::sort(own);
    std::vector<size_t> places;
    for (size_t i = 0; i < kernel.buffers.size(); ++i)
      if (std::ranges::binary_search(own, kernel.buffers[i]))
        places.push_back(i);
    return places;
  }

  loop::Program& program_;
  std::vector<bool> named_;
};

} // namespace

void remove_dead(loop::Program& program) {
  Sweep(program).run();
  Buffers(program).remove_unnamed();
}

} // namespace gdjit::lowering
