// remove_dead: what nobody reads is not computed.
//
// Walks backwards over a kernel: a store to a temporary is dead where nothing behind it loads the
// buffer, a computation where nothing behind it uses the value. What a loop carries from turn to
// turn is found by walking again.
#include "Passes.h"

namespace gdjit::lowering {

namespace {

class Sweep {
public:
  explicit Sweep(loop::Program& program)
      : program_(program), loaded_(program.buffers.size(), false),
        unread_(program.buffers.size(), false), named_(program.buffers.size(), false) {}

  void run() {
    for (size_t k = program_.kernels.size(); k-- > 0;) {
      loop::Kernel& kernel = program_.kernels[k];
      used_.assign(kernel.values, false);
      read_.assign(kernel.tiles, false);
      unread_tile_.assign(kernel.tiles, false);
      do {
        carried_ = false;
        mark_live(kernel.body);
      } while (carried_);
      erase_dead(kernel.body);
    }
  }
  bool named(BufferId b) const { return named_[b]; }

private:
  bool live(const Statement& s) const {
    switch (s.kind) {
    case StatementKind::For:
      return !s.body.empty();
    case StatementKind::Store:
      return program_.buffers[storage(program_, s.buffer)].role != loop::BufferRole::temporary ||
             loaded_[storage(program_, s.buffer)];
    case StatementKind::Check:
      return true;
    case StatementKind::Tile:
    case StatementKind::Set:
      return read_[s.tile];
    default:
      return used_[s.result];
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
        unread_tile_[s.tile] = true;
      else if (s.kind == StatementKind::Store)
        unread_[storage(program_, s.buffer)] = true;
    }
  }

  void mark(const Statement& s) {
    for_each_use(s, [&](ValueId v) { used_[v] = true; });
    if (s.buffer != loop::none) {
      BufferId memory = storage(program_, s.buffer);
      named_[s.buffer] = named_[memory] = true;
      if (s.kind == StatementKind::Load && !loaded_[memory]) {
        loaded_[memory] = true;
        carried_ |= unread_[memory]; // a store behind this load was thought dead
      }
    }
    if ((s.kind == StatementKind::Get || s.kind == StatementKind::Join) && !read_[s.tile]) {
      read_[s.tile] = true;
      carried_ |= unread_tile_[s.tile];
    }
  }

  void erase_dead(std::vector<Statement>& body) {
    for (Statement& s : body)
      erase_dead(s.body);
    std::erase_if(body, [&](const Statement& s) { return !live(s); });
  }

  loop::Program& program_;
  std::vector<bool> loaded_, unread_, named_;   ///< per buffer
  std::vector<bool> used_, read_, unread_tile_; ///< per value, per tile of the kernel
  bool carried_ = false;
};

} // namespace

void remove_dead(loop::Program& program) {
  Sweep sweep(program);
  sweep.run();
  std::vector<BufferId> moved(program.buffers.size(), loop::none);
  std::vector<loop::Buffer> kept;
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    if (!sweep.named(b))
      continue;
    moved[b] = static_cast<BufferId>(kept.size());
    kept.push_back(std::move(program.buffers[b]));
  }
  for (loop::Buffer& buffer : kept)
    if (buffer.same_as != loop::none)
      buffer.same_as = moved[buffer.same_as];
  program.buffers = std::move(kept);
  for (loop::Kernel& kernel : program.kernels)
    for_each(kernel.body, [&](Statement& s) {
      if (s.buffer != loop::none)
        s.buffer = moved[s.buffer];
    });
}

} // namespace gdjit::lowering
