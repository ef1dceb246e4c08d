// Finds the vector loads that a loop over columns moves and the rows inside do not.
#include "Panel.h"

#include "Exchange.h"

#include "gdjit/Loop/Alone.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace gdjit::scheduling {

namespace {

/// A load `b[k, j + … + lanes]` or `b[j + … + lanes, k]` within loops over the terms k: its place
/// in the copy is [k, … + lanes].
struct Read {
  Statement* load = nullptr;
  Terms terms;
  size_t axis = 0;                    ///< that k runs along
  size_t lanes_axis = 0;              ///< that j and the lanes run along
  std::vector<Statement> definitions; ///< of its mask and fill
};

/// Appends what gives `value` within a nest; false where it moves with a loop inside.
bool definitions(const Statement& columns, ValueId value, std::vector<Statement>& out) {
  const Statement* definition = nullptr;
  for_each(columns.body, [&](const Statement& s) {
    if (s.result == value)
      definition = &s;
  });
  if (definition == nullptr || // in front of the nest
      std::ranges::any_of(out, [&](const Statement& s) { return s.result == value; }))
    return true;
  if (definition->kind != StatementKind::Compute && definition->kind != StatementKind::Index)
    return false;
  bool plain = true;
  for (const Index& i : definition->index)
    for (const loop::Term& t : i.affine.terms)
      plain = plain && t.loop == columns.loop;
  for_each_use(*definition,
               [&](ValueId used) { plain = plain && definitions(columns, used, out); });
  out.push_back(*definition);
  return plain;
}

class Finder {
public:
  Finder(const Program& program, const Statement& columns, PanelFor reason,
         const std::set<Place>& left)
      : program_(program), columns_(columns), reason_(reason), left_(left) {}

  std::vector<Read> find(Statement& columns) {
    for_each_load(columns.body, loops_, [&](Statement& s) { note(s); });
    return std::move(reads_);
  }

private:
  void note(Statement& s) {
    const bool rows = reason_ == PanelFor::rows;
    if (s.type.lanes == 1 || loops_.size() < (rows ? 2 : 1) ||
        !can_pack(program_, columns_, s.buffer) || (!rows && strided_axis(program_, s) < 0) ||
        left_.contains({s.buffer, strided_axis(program_, s)}))
      return;
    const bool masked = s.mask != loop::none;
    if (masked && columns_.step != s.type.lanes)
      return;
    Read read{&s};
    if (masked && !(definitions(columns_, s.mask, read.definitions) &&
                    definitions(columns_, s.fill, read.definitions)))
      return;
    bool lanes = false;
    for (size_t axis = 0; axis < s.index.size(); ++axis) {
      const Index& i = s.index[axis];
      if (i.dynamic != loop::none)
        return;
      if (i.lane == 0 && !note_terms(read, i.affine, axis))
        return;
      if (i.lane == 0)
        continue;
      if (lanes || i.lane != 1 || i.affine.constant != 0 || factor(i.affine, columns_.loop) != 1 ||
          !within_tile(i.affine, s.type.lanes))
        return;
      lanes = true;
      read.lanes_axis = axis;
    }
    const size_t last = s.index.size() - 1;
    if (lanes && read.terms.loop && (read.lanes_axis == last || (read.axis == last && !masked)))
      reads_.push_back(read);
  }

  /// True where the coordinate is that of the terms, or moves with nothing inside.
  bool note_terms(Read& read, const Affine& affine, size_t axis) const {
    std::vector<const Statement*> moving;
    for (const Statement* l : loops_)
      if (factor(affine, l->loop) != 0)
        moving.push_back(l);
    if (factor(affine, columns_.loop) != 0)
      return false;
    if (moving.empty())
      return true;
    if (read.terms.loop || (reason_ == PanelFor::rows && moving.front() == loops_.front()))
      return false;
    read.terms = terms_of(affine, moving);
    read.axis = axis;
    return read.terms.loop != nullptr;
  }

  /// True where, beside the loop over columns, only the number of the vector within the tile moves,
  /// or, where lanes are turned, what stays within one turn's columns.
  bool within_tile(const Affine& affine, int64_t lanes) const {
    int64_t last = lanes - 1;
    for (const loop::Term& t : affine.terms) {
      if (t.loop == columns_.loop)
        continue;
      const Statement* l = around(t.loop);
      if (!l || (reason_ == PanelFor::rows && l->loop_kind != loop::LoopKind::unrolled) ||
          t.factor < 0 || l->begin < 0)
        return false;
      last += t.factor * (l->begin + (turns(*l) - 1) * l->step);
    }
    return reason_ == PanelFor::rows || last < columns_.step;
  }

  const Statement* around(LoopId id) const {
    for (const Statement* l : loops_)
      if (l->loop == id)
        return l;
    return nullptr;
  }

  const Program& program_;
  const Statement& columns_;
  PanelFor reason_;
  const std::set<Place>& left_;
  std::vector<const Statement*> loops_;
  std::vector<Read> reads_;
};

/// The loops that fill a panel.
std::vector<Statement> filled(Kernel& kernel, const Statement& columns, const Read& read,
                              loop::BufferId to) {
  const Statement& load = *read.load;
  std::vector<Index> source = load.index;
  source[read.lanes_axis].affine = variable(columns.loop);
  source[read.lanes_axis].lane = 0;
  source[read.axis].affine = read.terms.from;
  if (read.lanes_axis + 1 != load.index.size())
    return exchange(kernel, {.from = load.buffer,
                             .to = to,
                             .type = load.type,
                             .source = source,
                             .row_axis = read.lanes_axis,
                             .rows = columns.step,
                             .columns = read.terms.count,
                             .target =
                                 [](const Affine& row, const Affine& column) {
                                   return std::vector<Index>{Index{column, loop::none, 0},
                                                             Index{row, loop::none, 1}};
                                 },
                             .node = load.node});
  Statement each;
  each.kind = StatementKind::For;
  each.loop = fresh_loop(kernel, read.terms.loop->loop);
  each.end = read.terms.count;
  each.node = load.node;
  Statement across = each;
  across.loop = fresh_loop(kernel, columns.loop);
  across.end = columns.step;
  across.step = load.type.lanes;
  across.loop_kind = loop::LoopKind::unrolled;
  Statement copied = load;
  copied.result = fresh_value(kernel);
  copied.index = source;
  add_scaled(copied.index[read.axis].affine, variable(each.loop), 1);
  add_scaled(copied.index.back().affine, variable(across.loop), 1);
  copied.index.back().lane = 1;
  Statement store = copied;
  store.kind = StatementKind::Store;
  store.buffer = to;
  store.operands = {copied.result};
  store.result = store.mask = store.fill = loop::none;
  store.index = {Index{variable(each.loop), loop::none, 0},
                 Index{variable(across.loop), loop::none, 1}};
  loop::CopiedIds ids;
  std::vector<Statement> out = copy_fresh(kernel, read.definitions, ids);
  for (ValueId* part : {&copied.mask, &copied.fill})
    if (auto copy = ids.values.find(*part); copy != ids.values.end())
      *part = copy->second;
  across.body = {copied, store};
  each.body = {across};
  out.push_back(each);
  return out;
}

/// What a panel holds: the elements along two axes of a buffer, from a place along the others;
/// which of them, where masked.
struct Slice {
  explicit Slice(const Read& read)
      : buffer(read.load->buffer), lanes_axis(read.lanes_axis), axis(read.axis),
        terms(read.terms.count), from(read.terms.from), others(read.load->index) {
    others[lanes_axis] = others[axis] = {};
    const auto numbered = [&](ValueId value) { // within the nest by place, else by itself
      const auto at = std::ranges::find(read.definitions, value, &Statement::result);
      const bool outside = at == read.definitions.end();
      return std::pair{outside, outside ? int64_t{value} : at - read.definitions.begin()};
    };
    for (const Statement& s : read.definitions) {
      masked.emplace_back(s.kind, s.op, s.type, s.bits, s.index);
      for_each_use(s, [&](ValueId v) { operands.push_back(numbered(v)); });
    }
    for (ValueId v : {read.load->mask, read.load->fill})
      operands.push_back(numbered(v));
  }
  bool operator==(const Slice&) const = default;
  loop::BufferId buffer;
  size_t lanes_axis, axis;
  int64_t terms;
  Affine from;
  std::vector<Index> others;
  std::vector<
      std::tuple<StatementKind, loop::ScalarOp, loop::ValueType, loop::Bits, std::vector<Index>>>
      masked;
  std::vector<std::pair<bool, int64_t>> operands; ///< of those, then the mask and the fill
};

} // namespace

/// Their number; 0 where these loops do anything else.
static int64_t count_of(const Affine& coordinate, std::span<const Statement* const> moving) {
  const Statement& outer = *moving.front();
  const int64_t step = factor(coordinate, outer.loop);
  const bool plain =
      outer.begin == 0 && outer.step == 1 && outer.loop_kind != loop::LoopKind::unrolled;
  if (moving.size() == 1)
    return plain && step == 1 ? outer.end : 0;
  if (step == 1) { // partial chains
    const Statement& inner = *moving[1];
    const bool chains = moving.size() == 2 && outer.begin == 0 && inner.begin == 0 &&
                        inner.step == 1 && factor(coordinate, inner.loop) == 1 &&
                        inner.end == outer.step && outer.end % outer.step == 0;
    return chains ? outer.end : 0;
  }
  return plain && count_of(coordinate, moving.subspan(1)) == step ? outer.end * step : 0;
}

Terms terms_of(const Affine& coordinate, std::span<const Statement* const> moving) {
  const int64_t count =
      moving.empty() || coordinate.constant != 0 ? 0 : count_of(coordinate, moving);
  if (count == 0)
    return {};
  Terms terms{moving.front(), count, coordinate};
  for (const Statement* l : moving)
    add_scaled(terms.from, variable(l->loop), -factor(coordinate, l->loop));
  return terms;
}

Panels panels(Program& program, Kernel& kernel, Statement& columns, PanelFor reason,
              const std::set<Place>& left) {
  std::vector<std::pair<Slice, loop::BufferId>> copies;
  Panels made;
  std::vector<Read> reads = Finder(program, columns, reason, left).find(columns);
  for (Read& read : reads) {
    Statement& load = *read.load;
    const Slice slice(read);
    auto at = std::ranges::find(copies, slice, &std::pair<Slice, loop::BufferId>::first);
    if (at == copies.end()) {
      at = copies.emplace(at, slice, loop::none);
      loop::Buffer buffer;
      buffer.name = loop::own_name(program, program.buffers[load.buffer].name, ".panel");
      buffer.type = {load.type.dtype, Shape{read.terms.count, columns.step}};
      at->second = static_cast<loop::BufferId>(program.buffers.size());
      program.buffers.push_back(buffer);
      for (Statement& copy : filled(kernel, columns, read, at->second))
        made.copies.push_back(std::move(copy));
      made.buffers.push_back(at->second);
    }
    Index last = load.index[read.lanes_axis];
    substitute(last.affine, columns.loop, {});
    Index term = load.index[read.axis];
    add_scaled(term.affine, read.terms.from, -1);
    load.index = {term, last};
    load.buffer = at->second;
    load.mask = load.fill = loop::none; // the copy holds what they make of it
  }
  return made;
}

bool panel(Program& program, Kernel& kernel, Statement& columns, PanelFor reason,
           const std::set<Place>& left) {
  Panels made = panels(program, kernel, columns, reason, left);
  columns.body.insert(columns.body.begin(), std::make_move_iterator(made.copies.begin()),
                      std::make_move_iterator(made.copies.end()));
  return !made.buffers.empty();
}

} // namespace gdjit::scheduling
