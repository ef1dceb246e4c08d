// Finds how many rows a block has; panels get an axis for the loop over columns.
#include "RowBlocks.h"

#include "Panel.h"

#include <algorithm>
#include <optional>

namespace gdjit::scheduling {

namespace {

/// Bytes that a turn of `rows` reads and the loop over columns does not move; nothing where the
/// rows lie side by side, which are copied for a reason of their own (rows_panel).
std::optional<int64_t> bytes_of_row(const std::vector<Statement>& body, LoopId rows, LoopId columns,
                                    int64_t times) {
  int64_t bytes = 0;
  for (const Statement& s : body) {
    bool own = false, across = false;
    for (const Index& i : s.index) {
      own |= factor(i.affine, rows) != 0;
      across |= factor(i.affine, columns) != 0;
    }
    if (s.kind == StatementKind::Load && own && !across) {
      if (factor(s.index.back().affine, rows) != 0)
        return std::nullopt;
      bytes += times * s.type.lanes * byte_size(s.type.dtype);
    }
    if (s.kind != StatementKind::For)
      continue;
    const auto inside = bytes_of_row(s.body, rows, columns, times * turns(s));
    if (!inside)
      return std::nullopt;
    bytes += *inside;
  }
  return bytes;
}

} // namespace

int64_t rows_of_block(const Statement& rows, int64_t least, const MachineTable& machine) {
  int64_t bytes = 0;
  for (const Statement& columns : rows.body) {
    const auto of_row = bytes_of_row(columns.body, rows.loop, columns.loop, 1);
    if (!of_row)
      return 0;
    bytes = std::max(bytes, *of_row * turns(rows));
  }
  if (rows.begin != 0 || rows.step != 1 || bytes <= machine.l2_bytes)
    return 0;
  const int64_t half = (machine.l2_bytes + 1) / 2; // beside a panel and what is written
  for (int64_t blocks = (bytes + half - 1) / half; turns(rows) / blocks >= least; ++blocks)
    if (turns(rows) % blocks == 0)
      return turns(rows) / blocks;
  return 0;
}

Statement take_block(Kernel& kernel, Statement& rows, int64_t block) {
  Statement blocks = rows;
  blocks.body.clear();
  blocks.loop = fresh_loop(kernel, rows.loop);
  blocks.step = block;
  take_part(rows, variable(blocks.loop), block);
  return blocks;
}

void row_blocks(Program& program, Kernel& kernel, Statement blocks, Statement columns,
                std::vector<Statement>& out) {
  Panels made = panels(program, kernel, columns);
  const LoopId number = fresh_loop(kernel, columns.loop); // of the panel
  const auto several = [&](std::vector<Statement>& body, LoopId loop) {
    for_each(body, [&](Statement& s) {
      if (std::ranges::count(made.buffers, s.buffer) != 0)
        s.index.insert(s.index.begin(), Index{variable(loop), loop::none, 0});
    });
    substitute(body, columns.loop, variable(loop, columns.step, columns.begin));
  };
  Statement each = columns;
  each.loop = number;
  each.begin = 0;
  each.end = turns(columns);
  each.step = 1;
  Statement fill = each;
  fill.loop = fresh_loop(kernel, columns.loop);
  several(made.copies, fill.loop);
  several(columns.body, number);
  for (loop::BufferId b : made.buffers) {
    Shape& shape = program.buffers[b].type.shape;
    shape = Shape{each.end, shape[0], shape[1]};
  }
  fill.body = std::move(made.copies);
  if (fill.body.size() == 1 && fill.body[0].kind == StatementKind::For &&
      fill.body[0].loop_kind == loop::LoopKind::sequential && fill.body[0].step == 1) {
    // Rows of the operand in order: the hardware fetches ahead along them.
    Statement terms = std::move(fill.body[0]);
    fill.body = std::move(terms.body);
    terms.body = {std::move(fill)};
    fill = std::move(terms);
  }
  if (!made.buffers.empty())
    out.push_back(std::move(fill));
  each.body = std::move(columns.body);
  blocks.body = {std::move(each)};
  out.push_back(std::move(blocks));
}

} // namespace gdjit::scheduling
