// What lines of a kernel are made of, read: numbers, names, types, notes and indices.
#include "StatementParser.h"

#include "gdjit/Loop/Parser.h"
#include "gdjit/Loop/Types.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::loop {

// Numbers.

bool StatementParser::at_number() {
  char c = in_.peek();
  if (c == '-' || (c >= '0' && c <= '9'))
    return true;
  if (!(c >= 'a' && c <= 'z'))
    return false;
  size_t at = in_.offset();
  std::string name = in_.name("a value");
  in_.go_to(at);
  return is_number_word(name);
}

StatementParser::Number StatementParser::read_number() {
  size_t at = in_.offset();
  return {in_.number("a number"), at};
}

/// The value of a number without a line: one for all places where it is said.
ValueId StatementParser::value_of(const Number& number, DType type) {
  Statement s;
  unsigned char bytes[8] = {};
  in_.to_element(number.token, type, bytes);
  s.bits = load_bits(type, bytes);
  for (const auto& known : numbers_)
    if (auto at = known.find({type, s.bits}); at != known.end())
      return at->second;
  s.type = {type, 1};
  s.result = unnumbered();
  numbers_.back()[{type, s.bits}] = s.result;
  return in_place(std::move(s), number.at);
}

// Names and types.

ValueId StatementParser::number(std::string_view what) {
  return static_cast<ValueId>(in_.integer(what, 0, most_values - 1));
}

ValueId StatementParser::use() {
  in_.expect('%', "before a value");
  return number("the number of a value");
}

TileId StatementParser::tile_name() {
  size_t at = (in_.peek(), in_.offset());
  if (!in_.try_char('t') || in_.peek() < '0' || in_.peek() > '9')
    in_.fail_at(at, "expected a tile, as t0");
  return number("the number of a tile");
}

/// A tile that stands above.
TileId StatementParser::known_tile() {
  size_t at = (in_.peek(), in_.offset());
  TileId tile = tile_name();
  if (tile >= tiles_.size())
    in_.fail_at(at, fmt::format("no tile t{} is declared above", tile));
  return tile;
}

BufferId StatementParser::buffer() {
  size_t at = (in_.peek(), in_.offset());
  std::string name = in_.name("the name of a buffer");
  BufferId id = tables_.buffer(name);
  if (id == none)
    in_.fail_at(at, fmt::format("no buffer '{}' is declared{}", name,
                                did_you_mean(name, tables_.buffer_names())));
  return id;
}

/// f32, f32x16.
ValueType StatementParser::type() {
  std::string_view word = in_.word("a type");
  size_t cross = word.find('x');
  std::string_view element = word.substr(0, cross);
  for (int i = 0; i < dtype_count; ++i) {
    if (gdjit::name(static_cast<DType>(i)) != element)
      continue;
    ValueType type{static_cast<DType>(i), 1};
    if (cross == std::string_view::npos)
      return type;
    int64_t lanes = 0;
    for (char c : word.substr(cross + 1))
      lanes = c >= '0' && c <= '9' && lanes <= most_lanes ? lanes * 10 + (c - '0') : most_lanes + 1;
    if (lanes < 1 || lanes > most_lanes)
      in_.fail_at(word,
                  fmt::format("the lanes of '{}' must lie between 1 and {}", word, most_lanes));
    type.lanes = static_cast<uint16_t>(lanes);
    return type;
  }
  in_.fail_at(word,
              fmt::format("unknown type '{}'; types are f32, f64, i32, i64, bool, and vectors "
                          "such as f32x16",
                          word));
}

void StatementParser::type_or_derived(Statement& s) {
  if (in_.try_char(':'))
    s.type = type();
  else if (!derive_type(program_, types_, tiles_, s, s.type))
    in_.fail("this needs its type, as in ': f32'");
}

/// The node that a statement computes for: as said, else as the statement before; loops stand for
/// themselves.
void StatementParser::note(Statement& s) {
  if (in_.try_char('@')) {
    if (!in_.try_word("none"))
      tables_.read_note(in_, s.node);
    if (s.kind != StatementKind::For)
      node_ = s.node;
  } else if (s.kind != StatementKind::For) {
    s.node = node_;
  }
  in_.end_line();
}

// Indices.

void StatementParser::access(std::vector<Index>& index) {
  if (!in_.try_char('['))
    return;
  do {
    if (index.size() == static_cast<size_t>(Shape::max_rank))
      in_.fail(fmt::format("more than {} indices", Shape::max_rank));
    index.push_back(coordinate());
  } while (in_.try_char(','));
  in_.expect(']', "behind the indices");
}

/// A sum such as 2*i+j+%5+lane+3.
Index StatementParser::coordinate() {
  Index index;
  bool negative = in_.try_char('-');
  for (;;) {
    term(index, negative);
    if (in_.try_char('+'))
      negative = false;
    else if (in_.try_char('-'))
      negative = true;
    else
      break;
  }
  auto& terms = index.affine.terms;
  for (size_t i = terms.size(); i-- > 0;)
    if (terms[i].factor == 0)
      terms.erase(&terms[i]);
  return index;
}

void StatementParser::term(Index& index, bool negative) {
  char c = in_.peek();
  if (c == '%') {
    if (negative || index.dynamic != none)
      in_.fail("an index holds one value at most, and adds it");
    index.dynamic = use();
    return;
  }
  int64_t factor = 1;
  if (c >= '0' && c <= '9') {
    factor = in_.integer("a factor or a constant");
    if (!in_.try_char('*'))
      return add(index.affine.constant, negative ? -factor : factor);
  }
  std::string_view word = in_.word("a loop, 'lane', a value or a number");
  if (negative)
    factor = -factor;
  if (word == "lane")
    return add(index.lane, factor);
  auto at = std::find(loop_names_.begin(), loop_names_.end(), word);
  if (at == loop_names_.end())
    in_.fail_at(
        word, fmt::format("no loop around is named '{}'{}", word, did_you_mean(word, loop_names_)));
  LoopId loop = loops_[static_cast<size_t>(at - loop_names_.begin())].loop;
  auto& terms = index.affine.terms;
  auto place = std::lower_bound(terms.begin(), terms.end(), loop,
                                [](const Term& t, LoopId l) { return t.loop < l; });
  if (place == terms.end() || place->loop != loop)
    place = terms.insert(place, Term{loop, 0});
  add(place->factor, factor);
}

void StatementParser::add(int64_t& sum, int64_t value) {
  sum += value;
  if (sum > TextLimits::magnitude || sum < -TextLimits::magnitude)
    in_.fail(fmt::format("an index sums up beyond {}", TextLimits::magnitude));
}

} // namespace gdjit::loop
