// Settled loops, the size and work of code, parts of loops, masks.
#include "Rewrite.h"

#include "gdjit/Loop/ShortRows.h"

#include <fmt/format.h>

namespace gdjit::scheduling {

void settle(const std::vector<Statement>& statements, Settled& settled) {
  for_each(statements, [&](const Statement& s) {
    if (s.kind == StatementKind::For)
      settled.insert(s.loop);
  });
}

bool is_plain(const Statement& s) {
  return s.kind == StatementKind::For && s.begin == 0 && s.step == 1 &&
         s.loop_kind == loop::LoopKind::sequential;
}

int64_t code_size(std::span<const Statement> statements, const Program* program) {
  int64_t size = 0;
  std::map<TileId, int64_t> elements; // of what is transposed of a tile
  for (const Statement& s : statements) {
    if (s.kind == StatementKind::Tile && !s.extents.empty())
      elements[s.tile] = s.extents.back();
    const auto turned = elements.find(s.tile);
    if (s.kind == StatementKind::Transpose)
      size +=
          loop::shuffles_of_transposition(turned == elements.end() ? s.type.lanes : turned->second);
    else if (s.kind == StatementKind::For)
      size +=
          2 + code_size(s.body, program) * (s.loop_kind == loop::LoopKind::unrolled ? turns(s) : 1);
    else if (s.kind != StatementKind::Compute || s.op != loop::ScalarOp::constant)
      size += program == nullptr ? 1 : operations_of(*program, s);
  }
  return size;
}

double work_of(const Statement& s) {
  return s.kind == StatementKind::For ? static_cast<double>(turns(s)) * work_of(s.body) : 1;
}

double work_of(const std::vector<Statement>& statements) {
  double work = 0;
  for (const Statement& s : statements)
    work += work_of(s);
  return work;
}

void take_part(Statement& loop, const Affine& first, int64_t count) {
  Affine turn = variable(loop.loop);
  add_scaled(turn, first, 1);
  substitute(loop.body, loop.loop, turn);
  loop.end = count;
}

std::optional<Statement> prefetch_of(const Statement& access) {
  Statement prefetch;
  prefetch.kind = StatementKind::Prefetch;
  prefetch.type = {access.type.dtype, 1};
  prefetch.buffer = access.buffer;
  prefetch.node = access.node;
  prefetch.index = access.index;
  for (Index& i : prefetch.index) {
    if (i.dynamic != loop::none)
      return std::nullopt;
    i.lane = 0;
  }
  return prefetch;
}

ValueId append_constant(Kernel& kernel, std::vector<Statement>& out, DType type, loop::Bits value) {
  Statement s;
  s.op = loop::ScalarOp::constant;
  s.type = {type, 1};
  s.bits = value;
  s.result = fresh_value(kernel);
  out.push_back(s);
  return s.result;
}

ValueId append_below(Kernel& kernel, std::vector<Statement>& out, uint16_t lanes, int64_t count,
                     const Affine& first) {
  Statement lane;
  lane.kind = StatementKind::Index;
  lane.type = {DType::i64, lanes};
  lane.index = {Index{first, loop::none, lanes > 1 ? 1 : 0}};
  lane.result = fresh_value(kernel);
  out.push_back(lane);
  const ValueId limit = append_constant(kernel, out, DType::i64, static_cast<loop::Bits>(count));
  Statement compare;
  compare.op = loop::ScalarOp::lt;
  compare.type = {DType::boolean, lanes};
  compare.operands = {lane.result, limit};
  compare.result = fresh_value(kernel);
  out.push_back(compare);
  return compare.result;
}

std::string counted(int64_t n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

} // namespace gdjit::scheduling
