// Finds copies in front of the tiles that read them, peels the first tile and fuses both loops.
#include "FirstTile.h"

#include <fmt/format.h>
#include <set>
#include <span>

namespace gdjit::scheduling {

namespace {

constexpr int64_t most_tiles = 64; ///< beyond, a copy is too small a part to pay for more code
constexpr int64_t least_terms = 64;
constexpr int64_t rows_ahead = 8; ///< that are asked for: some 100 cycles

bool is_sequential(const Statement& s) {
  return s.kind == StatementKind::For && s.loop_kind == loop::LoopKind::sequential;
}

/// The one buffer that a loop copies into, turn by turn; none where it does anything else.
loop::BufferId copied_to(const Statement& s) {
  loop::BufferId to = loop::none;
  bool only = is_sequential(s) && s.step == 1;
  for_each(s.body, [&](const Statement& t) {
    only = only &&
           (t.kind == StatementKind::Load || t.kind == StatementKind::Store ||
            (t.kind == StatementKind::For && t.loop_kind == loop::LoopKind::unrolled)) &&
           t.mask == loop::none;
    if (t.kind != StatementKind::Store)
      return;
    only = only && (to == loop::none || to == t.buffer) && !t.index.empty() &&
           t.index[0] == Index{variable(s.loop), loop::none, 0};
    to = t.buffer;
  });
  return only ? to : loop::none;
}

/// The greatest value of a coordinate less its part of `loop`; none where anything but loops that
/// are written out moves it, or it is below 0.
std::optional<int64_t> greatest(const Affine& a, const Statement& loop) {
  if (factor(a, loop.loop) != 1)
    return std::nullopt;
  int64_t most = a.constant;
  bool plain = a.constant >= 0;
  for (const loop::Term& t : a.terms)
    if (t.loop != loop.loop) {
      const Statement* moving = nullptr;
      for_each(loop.body, [&](const Statement& s) {
        if (s.kind == StatementKind::For && s.loop == t.loop)
          moving = &s;
      });
      plain = plain && t.factor > 0 && moving != nullptr && moving->begin == 0 &&
              moving->loop_kind == loop::LoopKind::unrolled;
      if (moving != nullptr)
        most += t.factor * (moving->end - moving->step);
    }
  return plain ? std::optional(most) : std::nullopt;
}

/// The one buffer that a loop fills with turned blocks, as many rows in a turn as its step, by a
/// loop inside that takes a group of lanes after another; none where it does anything else.
loop::BufferId turned_to(const Statement& s) {
  loop::BufferId to = loop::none;
  bool only = is_sequential(s) && s.begin == 0 && s.step > 1 && s.body.size() == 1 &&
              s.body[0].kind == StatementKind::For && s.body[0].begin == 0 &&
              s.step % turns(s.body[0]) == 0;
  const Statement* inside = only ? s.body.data() : nullptr;
  bool turns_any = false;
  std::set<TileId> tiles = {loop::none};
  for_each(s.body, [&](const Statement& t) {
    turns_any = turns_any || t.kind == StatementKind::Transpose;
    if (t.kind == StatementKind::Tile)
      tiles.insert(t.tile);
    only = only && tiles.contains(t.tile);
    only =
        only && t.kind != StatementKind::Check && t.kind != StatementKind::Join &&
        t.kind != StatementKind::Prefetch &&
        (t.kind != StatementKind::For || &t == inside || t.loop_kind == loop::LoopKind::unrolled);
    if (t.kind != StatementKind::Store)
      return;
    only = only && (to == loop::none || to == t.buffer) && t.mask == loop::none &&
           !t.index.empty() && t.index[0].dynamic == loop::none && t.index[0].lane == 0;
    const std::optional<int64_t> row = only ? greatest(t.index[0].affine, s) : std::nullopt;
    only = row && *row < s.step;
    to = t.buffer;
  });
  return only && turns_any ? to : loop::none;
}

/// True where a loop fills only rows of the panel that lie behind the first `turned`.
bool fills_behind(const Statement& s, loop::BufferId panel, int64_t turned) {
  bool only = s.kind == StatementKind::For && s.begin >= turned;
  for_each(s.body, [&](const Statement& t) {
    only = only && (t.kind != StatementKind::Load || t.buffer != panel);
    if (t.kind == StatementKind::Store)
      only = only && t.buffer == panel && !t.index.empty() && t.index[0].dynamic == loop::none &&
             greatest(t.index[0].affine, s);
  });
  return only;
}

bool reads(const Statement& s, loop::BufferId buffer) {
  bool found = s.kind == StatementKind::Load && s.buffer == buffer;
  for_each(s.body, [&](const Statement& t) {
    found = found || (t.kind == StatementKind::Load && t.buffer == buffer);
  });
  return found;
}

/// The first statement that reads the panel; null where what stands in front of it does more than
/// declare and compute.
Statement* first_reader(std::span<Statement> statements, loop::BufferId panel) {
  for (Statement& s : statements) {
    if (reads(s, panel))
      return &s;
    if (s.kind != StatementKind::Tile && s.kind != StatementKind::Compute &&
        s.kind != StatementKind::Index && s.kind != StatementKind::Load)
      return nullptr;
  }
  return nullptr;
}

/// A loop whose turns are those of a copy, and the number of its turn there.
struct TermLoop {
  Statement* loop = nullptr; ///< null for none
  Affine number;
};

/// Of `s`: a loop of as many turns as the panel has rows, or one over blocks around such loops,
/// whose every turn reads only the row of its number; nothing is stored.
TermLoop term_loop(Statement& s, int64_t begin, int64_t rows, loop::BufferId panel) {
  if (!is_sequential(s) || s.step != 1)
    return {};
  TermLoop terms{&s, variable(s.loop)};
  if (turns(s) != rows) {
    Statement* inner = first_reader(s.body, panel);
    if (inner == nullptr || !is_sequential(*inner) || inner->step != 1 || inner->begin != 0 ||
        s.begin != 0 || turns(s) * turns(*inner) != rows)
      return {};
    terms = {inner, variable(inner->loop)};
    add_scaled(terms.number, variable(s.loop), turns(*inner));
  }
  bool possible = terms.loop->begin == begin;
  for_each(s.body, [&](const Statement& t) {
    possible = possible && t.kind != StatementKind::Store &&
               (t.buffer != panel || t.index[0] == Index{terms.number, loop::none, 0});
  });
  return possible ? terms : TermLoop();
}

class FirstTile {
public:
  FirstTile(const Program& program, Kernel& kernel, PassContext& context)
      : program_(program), kernel_(kernel), context_(context) {}

  void rewrite(std::vector<Statement>& body) {
    for (size_t i = 0; i < body.size(); ++i) {
      rewrite(body[i].body);
      if (const loop::BufferId panel = copied_to(body[i]); can_move(body[i], panel)) {
        peel(body, i, panel);
        if (fuse(body, i, panel))
          body.erase(body.begin() + static_cast<std::ptrdiff_t>(i--));
      } else if (const loop::BufferId turned = turned_to(body[i]); can_move(body[i], turned)) {
        if (turn_between(body, i, turned))
          body.erase(body.begin() + static_cast<std::ptrdiff_t>(i--));
      }
    }
  }

private:
  bool can_move(const Statement& copy, loop::BufferId panel) const {
    return panel != loop::none && copy.end - copy.begin >= least_terms && !is_viewed(panel);
  }

  /// True where statements may name its memory otherwise.
  bool is_viewed(loop::BufferId panel) const {
    return program_.buffers[panel].same_as != loop::none ||
           std::ranges::count(program_.buffers, panel, &loop::Buffer::same_as) != 0;
  }

  /// Where a loop over few tiles follows the copy, puts the statements of its first turn in front.
  void peel(std::vector<Statement>& body, size_t copy, loop::BufferId panel) {
    Statement* tiles = first_reader(std::span(body).subspan(copy + 1), panel);
    if (tiles == nullptr || !is_sequential(*tiles) || turns(*tiles) < 2 ||
        turns(*tiles) > most_tiles)
      return;
    Statement* terms = first_reader(tiles->body, panel);
    if (terms == nullptr ||
        term_loop(*terms, body[copy].begin, turns(body[copy]), panel).loop == nullptr)
      return;
    std::vector<Statement> first = copy_fresh(kernel_, tiles->body);
    substitute(first, tiles->loop, Affine{tiles->begin, {}});
    tiles->begin += tiles->step;
    body.insert(body.begin() + (tiles - body.data()), std::make_move_iterator(first.begin()),
                std::make_move_iterator(first.end()));
  }

  /// Puts the copy into the terms that follow it. False where none do.
  bool fuse(std::vector<Statement>& body, size_t at, loop::BufferId panel) {
    const Statement& copy = body[at];
    Statement* reader = first_reader(std::span(body).subspan(at + 1), panel);
    const TermLoop terms = reader ? term_loop(*reader, copy.begin, turns(copy), panel) : TermLoop();
    if (terms.loop == nullptr)
      return false;
    context_.remarks.push_back(fmt::format(
        "{}: the first tile copies what loop {} reads again, since few tiles share the copy, which "
        "by itself waits for the second cache",
        kernel_.name, kernel_.loop_names[terms.loop->loop]));
    std::vector<Statement> copied = copy.body;
    ask_ahead(copied, copy.loop, rows_ahead);
    substitute(copied, copy.loop, terms.number);
    std::ranges::move(terms.loop->body, std::back_inserter(copied));
    terms.loop->body = std::move(copied);
    return true;
  }

  /// Where the rows that remain are the tile behind a copy of turned blocks, puts it between their
  /// terms; what makes no whole block stays a copy in front of them. False where they are not.
  bool turn_between(std::vector<Statement>& body, size_t at, loop::BufferId panel) {
    const Statement& copy = body[at];
    const bool has_rest = at + 1 < body.size() && fills_behind(body[at + 1], panel, copy.end);
    Statement* tile = first_reader(std::span(body).subspan(at + (has_rest ? 2 : 1)), panel);
    if (tile == nullptr || tile->kind != StatementKind::For || turns(*tile) != 1)
      return false;
    Statement* reader = first_reader(tile->body, panel);
    const int64_t rows = has_rest ? body[at + 1].end : copy.end;
    const TermLoop terms = reader ? term_loop(*reader, 0, rows, panel) : TermLoop();
    if (terms.loop == nullptr)
      return false;
    const bool is_block = terms.loop != reader;
    const int64_t turned = is_block ? turns(*terms.loop) : copy.end;
    if (turned % copy.step != 0 || turned < 2 * copy.step || (is_block && has_rest))
      return false;
    context_.remarks.push_back(fmt::format(
        "{}: the first tile turns what loop {} reads, {} terms ahead: shuffles by themselves would "
        "leave the multiply-adds idle",
        kernel_.name, kernel_.loop_names[terms.loop->loop], copy.step));
    std::vector<Statement>& around = is_block ? reader->body : tile->body;
    const auto place = around.begin() + (terms.loop - around.data());
    std::vector<Statement> all = turned_ahead(copy, terms, turned);
    around.insert(around.erase(place), std::make_move_iterator(all.begin()),
                  std::make_move_iterator(all.end()));
    return true;
  }

  /// The first block of a copy; then, for each of the blocks that `turned` terms are but the last,
  /// the next one between its terms; then the other terms.
  std::vector<Statement> turned_ahead(const Statement& copy, const TermLoop& terms,
                                      int64_t turned) {
    const Statement& groups = copy.body[0];
    const int64_t at_once = copy.step / turns(groups); // terms beside a group of lanes
    std::vector<Statement> out = groups_of(copy, terms.number);
    substitute(out, terms.loop->loop, {});

    Statement blocks = *terms.loop;
    blocks.loop = fresh_loop(kernel_, terms.loop->loop);
    blocks.step = copy.step;
    blocks.end = turned - copy.step;
    Affine next = terms.number;
    loop::substitute(next, terms.loop->loop, variable(blocks.loop, 1, copy.step));
    blocks.body = groups_of(copy, next);
    Statement& group = blocks.body[0];
    ask_ahead(group.body, blocks.loop, 2 * copy.step);
    Statement few = *terms.loop;
    few.loop = fresh_loop(kernel_, terms.loop->loop);
    few.end = at_once;
    few.body = copy_fresh(kernel_, terms.loop->body);
    Affine term = variable(blocks.loop);
    add_scaled(term, variable(group.loop, at_once), 1);
    add_scaled(term, variable(few.loop), 1);
    substitute(few.body, terms.loop->loop, term);
    group.body.push_back(std::move(few));
    out.push_back(std::move(blocks));

    Statement last = *terms.loop;
    last.begin = turned - copy.step;
    out.push_back(std::move(last));
    return out;
  }

  /// The groups of the block whose first term is `first`, counted by ones.
  std::vector<Statement> groups_of(const Statement& copy, const Affine& first) {
    std::vector<Statement> out = copy_fresh(kernel_, copy.body);
    substitute(out, copy.loop, first);
    Statement& groups = out[0];
    substitute(groups.body, groups.loop, variable(groups.loop, groups.step));
    groups.end = turns(groups);
    groups.step = 1;
    return out;
  }

  /// In front of each load asks for what a later turn loads; the last ones ask for what lies
  /// behind.
  static void ask_ahead(std::vector<Statement>& body, LoopId turn, int64_t ahead) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      ask_ahead(s.body, turn, ahead);
      if (std::optional<Statement> prefetch =
              s.kind == StatementKind::Load ? prefetch_of(s) : std::nullopt) {
        for (Index& i : prefetch->index)
          loop::substitute(i.affine, turn, variable(turn, 1, ahead));
        out.push_back(std::move(*prefetch));
      }
      out.push_back(std::move(s));
    }
    body = std::move(out);
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
};

} // namespace

void copy_in_first_tile(const Program& program, Kernel& kernel, PassContext& context) {
  FirstTile(program, kernel, context).rewrite(kernel.body);
}

} // namespace gdjit::scheduling
