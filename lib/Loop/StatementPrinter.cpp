// Statements of a kernel as lines; types are written where they do not follow, values used once
// where they are used.
#include "StatementPrinter.h"

#include "gdjit/Loop/Types.h"

#include <algorithm>

namespace gdjit::loop {

std::string_view buffer_name(const std::vector<std::string>& names, BufferId buffer) {
  return buffer < names.size() ? std::string_view(names[buffer]) : "?";
}

StatementPrinter::StatementPrinter(TextWriter& out, const Program& program, const Kernel& kernel,
                                   const ValuesInPlace& in_place,
                                   const std::vector<std::string>& buffer_names)
    : out_(out), program_(program), kernel_(kernel), in_place_(in_place),
      buffer_names_(buffer_names), types_(kernel.values), tiles_(kernel.tiles),
      numbers_(kernel.values, none) {}

bool StatementPrinter::in_place(const Statement& s) {
  if (s.result == none || !in_place_.contains(s.result))
    return false;
  learn_type(s);
  return true;
}

void StatementPrinter::print(const Statement& s) {
  switch (s.kind) {
  case StatementKind::For:
    return print_for(s);
  case StatementKind::Tile:
    return print_tile(s);
  case StatementKind::Store:
    return print_store(s);
  case StatementKind::Set:
    return print_set(s);
  case StatementKind::Check:
    return print_check(s);
  case StatementKind::Transpose:
    (out_ << "transpose t").integer(s.tile);
    return print_access(s.index);
  case StatementKind::Prefetch:
    (out_ << "prefetch ").name(buffer_name(buffer_names_, s.buffer));
    return print_access(s.index);
  default:
    break;
  }
  number(s.result);
  print_value(s.result);
  out_ << " = ";
  print_right_side(s);
  learn_type(s);
}

/// What gives a value, with its type where that does not follow.
void StatementPrinter::print_right_side(const Statement& s) {
  switch (s.kind) {
  case StatementKind::Compute:
    print_compute(s);
    break;
  case StatementKind::Index:
    (out_ << "index "), print_index(s.index);
    break;
  case StatementKind::Load:
    (out_ << "load ").name(buffer_name(buffer_names_, s.buffer));
    print_access(s.index);
    print_mask(s);
    if (s.fill != none) {
      out_ << " else ";
      print_operand_of(s.type.dtype, s.fill);
    }
    break;
  case StatementKind::Get:
    (out_ << "get t").integer(s.tile);
    print_access(s.index);
    break;
  default:
    (out_ << "join " << name(s.op) << " t").integer(s.tile);
    print_access(s.index);
    break;
  }
  if (!type_follows(s))
    print_type(s.type);
}

bool StatementPrinter::type_follows(const Statement& s) const {
  ValueType derived;
  return derive_type(program_, types_, tiles_, s, derived) && derived == s.type;
}

void StatementPrinter::learn_type(const Statement& s) {
  if (s.result < types_.size())
    types_[s.result] = s.type;
}

void StatementPrinter::print_compute(const Statement& s) {
  if (s.op == ScalarOp::constant)
    return print_number(s);
  DType type = DType::f32;
  bool known = number_type(s, types_, [&](ValueId v) { return is_literal(in_place_, v); }, type);
  out_ << (s.op == ScalarOp::call ? gdjit::name(static_cast<Opcode>(s.bits)) : name(s.op));
  const char* before = " ";
  for (size_t i = 0; i < s.operands.size(); ++i) {
    out_ << before;
    if (known && !(s.op == ScalarOp::select && i == 0))
      print_operand_of(type, s.operands[i]);
    else
      print_operand(s.operands[i]);
    before = ", ";
  }
}

void StatementPrinter::print_number(const Statement& s) {
  unsigned char bytes[8];
  store_bits(s.type.dtype, bytes, s.bits);
  out_.element(s.type.dtype, bytes);
}

void StatementPrinter::print_for(const Statement& s) {
  if (s.loop_kind == LoopKind::unrolled)
    out_ << "unrolled ";
  if (s.loop_kind == LoopKind::parallel)
    out_ << "parallel ";
  enter_loop(s.loop);
  out_ << "for " << names_[s.loop] << " in ";
  (out_.integer(s.begin) << "..").integer(s.end);
  if (s.step != 1)
    (out_ << " step ").integer(s.step);
  out_ << " {";
}

void StatementPrinter::print_tile(const Statement& s) {
  (out_ << "tile t").integer(s.tile);
  if (!s.extents.empty())
    out_.integers(s.extents);
  print_type(s.type);
  out_ << " = ";
  print_number(s);
  if (s.tile < tiles_.size())
    tiles_[s.tile] = s.type;
}

void StatementPrinter::print_store(const Statement& s) {
  (out_ << (s.streaming ? "streaming store " : "store "))
      .name(buffer_name(buffer_names_, s.buffer));
  print_access(s.index);
  print_written(s);
}

void StatementPrinter::print_set(const Statement& s) {
  (out_ << "set t").integer(s.tile);
  print_access(s.index);
  print_written(s);
}

void StatementPrinter::print_written(const Statement& s) {
  out_ << " = ";
  print_written_value(s);
  print_mask(s);
  if (!type_follows(s))
    print_type(s.type);
}

void StatementPrinter::print_check(const Statement& s) {
  out_ << "check ";
  print_written_value(s);
  out_ << " at ";
  print_index(s.index);
  print_mask(s);
  if (!type_follows(s))
    print_type(s.type);
}

/// An operation stands without parentheses here, where no type has to follow it.
void StatementPrinter::print_written_value(const Statement& s) {
  ValueId value = s.operands.empty() ? none : s.operands[0];
  auto at = in_place_.find(value);
  if (at != in_place_.end() && at->second->kind == StatementKind::Compute &&
      at->second->op != ScalarOp::constant && type_follows(*at->second) && type_follows(s))
    return print_compute(*at->second);
  if (s.kind != StatementKind::Check && type_follows(s))
    return print_operand_of(s.type.dtype, value);
  print_operand(value);
}

/// A number of the type that its place gives stands without it.
void StatementPrinter::print_operand_of(DType type, ValueId value) {
  if (is_literal(in_place_, value) && in_place_.at(value)->type == ValueType{type, 1})
    return print_number(*in_place_.at(value));
  print_operand(value);
}

/// A value by its number, or what gives it: an element of a buffer or tile as it is, all else in
/// parentheses.
void StatementPrinter::print_operand(ValueId value) {
  auto at = in_place_.find(value);
  if (at == in_place_.end())
    return print_value(value);
  const Statement& s = *at->second;
  bool plain = type_follows(s) && s.mask == none;
  if (plain && s.kind == StatementKind::Get) {
    (out_ << 't').integer(s.tile);
    return print_access(s.index);
  }
  if (plain && s.kind == StatementKind::Load) {
    std::string_view buffer = buffer_name(buffer_names_, s.buffer);
    if (!is_tile_name(buffer) && !is_operation(buffer) && !is_number_word(buffer)) {
      out_.name(buffer);
      return print_access(s.index);
    }
  }
  out_ << '(';
  print_right_side(s);
  out_ << ')';
}

void StatementPrinter::print_mask(const Statement& s) {
  if (s.mask == none)
    return;
  out_ << " if ";
  print_value(s.mask);
}

/// Values are numbered in the order of the text.
void StatementPrinter::number(ValueId value) {
  if (value < numbers_.size())
    numbers_[value] = next_number_++;
}

void StatementPrinter::print_value(ValueId value) {
  bool known = value < numbers_.size() && numbers_[value] != none;
  (out_ << '%').integer(known ? numbers_[value] : value);
}

void StatementPrinter::print_type(ValueType type) {
  out_ << " : " << gdjit::name(type.dtype);
  if (type.lanes != 1)
    (out_ << 'x').integer(type.lanes);
}

// Indices.

void StatementPrinter::print_access(const std::vector<Index>& index) {
  if (index.empty())
    return;
  out_ << '[';
  print_index(index);
  out_ << ']';
}

void StatementPrinter::print_index(const std::vector<Index>& index) {
  const char* comma = "";
  for (const Index& i : index) {
    out_ << comma;
    print_coordinate(i);
    comma = ", ";
  }
}

/// 2*i+j+%5+lane+3; loops from outside in, whatever their numbers.
void StatementPrinter::print_coordinate(const Index& index) {
  auto terms = index.affine.terms;
  std::sort(terms.begin(), terms.end(),
            [&](const Term& a, const Term& b) { return depth_of(a.loop) < depth_of(b.loop); });
  bool first = true;
  for (const Term& term : terms)
    print_term(term.factor, loop_name(term.loop), first);
  if (index.dynamic != none) {
    if (!first)
      out_ << '+';
    print_value(index.dynamic);
    first = false;
  }
  if (index.lane != 0)
    print_term(index.lane, "lane", first);
  if (index.affine.constant != 0 || first) {
    if (!first && index.affine.constant >= 0)
      out_ << '+';
    out_.integer(index.affine.constant);
  }
}

void StatementPrinter::print_term(int64_t factor, const std::string& name, bool& first) {
  if (factor == -1) {
    out_ << '-';
  } else {
    if (!first && factor >= 0)
      out_ << '+';
    if (factor != 1)
      out_.integer(factor) << '*';
  }
  out_ << name;
  first = false;
}

// Names of loops: the word given without digits behind it; among the loops around that have the
// same one, with the first number that is free. So names follow from the structure alone, however
// often a text was read and printed.

void StatementPrinter::enter_loop(LoopId loop) {
  std::string word = loop < kernel_.loop_names.size() ? kernel_.loop_names[loop] : "";
  word.resize(word.find_last_not_of("0123456789") + 1);
  if (!is_loop_name(word))
    word = "i";
  std::string name = word;
  for (int number = 1;
       std::any_of(open_.begin(), open_.end(), [&](LoopId other) { return names_[other] == name; });
       ++number)
    name = word + std::to_string(number);
  names_[loop] = name;
  depth_of_[loop] = open_.size();
  open_.push_back(loop);
}

void StatementPrinter::leave_loop(LoopId loop) {
  open_.pop_back();
  depth_of_.erase(loop);
}

std::string StatementPrinter::loop_name(LoopId loop) const {
  auto at = depth_of_.find(loop);
  return at == depth_of_.end() ? "loop" + std::to_string(loop) : names_.at(loop);
}

size_t StatementPrinter::depth_of(LoopId loop) const {
  auto at = depth_of_.find(loop);
  return at == depth_of_.end() ? depth_of_.size() + loop : at->second;
}

} // namespace gdjit::loop
