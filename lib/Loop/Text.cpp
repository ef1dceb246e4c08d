// Loop IR as text: buffers, then kernels as one would write the loops by hand.
#include "gdjit/Loop/Text.h"

#include "Expressions.h"
#include "gdjit/IR/TextWriter.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/Types.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace gdjit::loop {

namespace {

class ProgramPrinter {
public:
  ProgramPrinter(const Program& program, TextExtras* extras) : program_(program), out_(extras) {
    name_buffers();
    for (const Kernel& kernel : program.kernels)
      in_place_.push_back(values_in_place(program, kernel));
  }

  std::string print() {
    for (BufferId buffer = 0; buffer < program_.buffers.size(); ++buffer)
      print_buffer(buffer);
    if (program_.arena_bytes || program_.stage >= Stage::Planned)
      (out_ << "arena ").integer(program_.arena_bytes) << " bytes\n";
    print_unused_notes();
    for (const Kernel& kernel : program_.kernels)
      print_kernel(kernel);
    out_ << "\nend\n";
    return out_.take();
  }

private:
  // Buffers.

  /// Their names, made distinct where they are not: statements refer to them.
  void name_buffers() {
    std::unordered_set<std::string> taken;
    for (const Buffer& buffer : program_.buffers) {
      std::string name = buffer.name;
      while (!taken.insert(name).second)
        name += '_';
      buffer_names_.push_back(std::move(name));
    }
  }

  void print_buffer(BufferId id) {
    const Buffer& buffer = program_.buffers[id];
    out_.begin_line(0);
    (((out_ << "buffer ").name(buffer_name(id))) << " : ").type(buffer.type)
        << " = " << name(buffer.role);
    if (const std::string* row = row_name(program_.signature, buffer.role, buffer.number))
      (out_ << ' ').name(*row);
    if (buffer.role == BufferRole::constant && buffer.literal)
      (out_ << ' ').literal(*buffer.literal, "constant." + buffer.name);
    if (buffer.same_as != none)
      (out_ << ", same as ").name(buffer_name(buffer.same_as));
    if (buffer.place != Place::unplanned)
      out_ << ", in " << name(buffer.place);
    if (buffer.place == Place::arena)
      (out_ << " + ").integer(buffer.offset);
    out_.end_line();
  }

  const std::string& buffer_name(BufferId buffer) const {
    return buffer < buffer_names_.size() ? buffer_names_[buffer] : broken_;
  }

  // Notes.

  const Note* find_note(NodeId node) const { return loop::find_note(program_.notes, node); }

  /// Notes that no statement shows stand before the kernels, so that the text holds them all.
  void print_unused_notes() {
    std::vector<bool> used(program_.notes.size(), false);
    for (size_t k = 0; k < program_.kernels.size(); ++k)
      for_each(program_.kernels[k].body, [&](const Statement& s) {
        const Note* note = find_note(s.node);
        if (note && !in_place_[k].contains(s.result))
          used[static_cast<size_t>(note - program_.notes.data())] = true;
      });
    for (size_t i = 0; i < used.size(); ++i)
      if (!used[i]) {
        out_.begin_line(0);
        out_ << "note ";
        print_note(program_.notes[i].node, &program_.notes[i]);
        out_.end_line();
      }
  }

  /// "@12 p (backward logistic.cpp:9:24)"
  void print_note(NodeId node, const Note* note) {
    (out_ << '@').integer(node);
    if (!note)
      return;
    (out_ << ' ').name(note->name);
    bool placed = !note->location.file.empty() || note->location.line || note->location.column;
    if (!placed && note->part == Part::forward)
      return;
    out_ << " (";
    if (note->part != Part::forward)
      out_ << gdjit::name(note->part) << (placed ? " " : "");
    if (placed)
      out_.place(note->location);
    out_ << ')';
  }

  /// The node of a statement where it is another than that of the statement before; loops stand for
  /// themselves.
  void end_statement(const Statement& s) {
    NodeId before = s.kind == StatementKind::For ? no_node : node_;
    if (s.kind != StatementKind::For)
      node_ = s.node;
    if (s.node == before)
      return out_.end_line();
    out_.pad();
    const Note* note = find_note(s.node);
    if (s.node == no_node)
      out_ << "@none";
    else
      print_note(s.node, note);
    out_.end_line_with_source(note ? note->location : SourceLocation{});
  }

  // Kernels.

  void print_kernel(const Kernel& kernel) {
    kernel_ = &kernel;
    types_.assign(kernel.values, ValueType{});
    tiles_.assign(kernel.tiles, ValueType{});
    values_ = &in_place_[static_cast<size_t>(&kernel - program_.kernels.data())];
    numbers_.assign(kernel.values, none);
    next_number_ = 0;
    names_.clear();
    depth_of_.clear();
    node_ = no_node;
    ((out_ << "\nkernel ").name(kernel.name) << ' ').quoted(kernel.title) << " {\n";
    print_body(kernel.body, 1);
    out_ << '}';
    if (!kernel.reason.empty())
      (out_ << " because ").quoted(kernel.reason);
    out_.end_line();
  }

  void print_body(const std::vector<Statement>& body, int depth) {
    for (const Statement& s : body) {
      if (s.result != none && values_->contains(s.result)) {
        learn_type(s);
        continue;
      }
      out_.begin_line(depth);
      print_statement(s);
      if (s.kind != StatementKind::For) {
        end_statement(s);
        continue;
      }
      end_statement(s);
      print_body(s.body, depth + 1);
      out_.begin_line(depth);
      out_ << "}\n";
      leave_loop(s.loop);
    }
  }

  void print_statement(const Statement& s) {
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
  void print_right_side(const Statement& s) {
    switch (s.kind) {
    case StatementKind::Compute:
      print_compute(s);
      break;
    case StatementKind::Index:
      (out_ << "index "), print_index(s.index);
      break;
    case StatementKind::Load:
      (out_ << "load ").name(buffer_name(s.buffer));
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

  bool type_follows(const Statement& s) const {
    ValueType derived;
    return derive_type(program_, types_, tiles_, s, derived) && derived == s.type;
  }

  void learn_type(const Statement& s) {
    if (s.result < types_.size())
      types_[s.result] = s.type;
  }

  void print_compute(const Statement& s) {
    if (s.op == ScalarOp::constant)
      return print_number(s);
    DType type = DType::f32;
    bool known = number_type(s, types_, [&](ValueId v) { return is_literal(*values_, v); }, type);
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

  void print_number(const Statement& s) {
    unsigned char bytes[8];
    store_bits(s.type.dtype, bytes, s.bits);
    out_.element(s.type.dtype, bytes);
  }

  void print_for(const Statement& s) {
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

  void print_tile(const Statement& s) {
    (out_ << "tile t").integer(s.tile);
    if (!s.extents.empty())
      out_.integers(s.extents);
    print_type(s.type);
    out_ << " = ";
    print_number(s);
    if (s.tile < tiles_.size())
      tiles_[s.tile] = s.type;
  }

  void print_store(const Statement& s) {
    (out_ << "store ").name(buffer_name(s.buffer));
    print_access(s.index);
    print_written(s);
  }

  void print_set(const Statement& s) {
    (out_ << "set t").integer(s.tile);
    print_access(s.index);
    print_written(s);
  }

  void print_written(const Statement& s) {
    out_ << " = ";
    print_written_value(s);
    print_mask(s);
    if (!type_follows(s))
      print_type(s.type);
  }

  void print_check(const Statement& s) {
    out_ << "check ";
    print_written_value(s);
    out_ << " at ";
    print_index(s.index);
    print_mask(s);
    if (!type_follows(s))
      print_type(s.type);
  }

  /// An operation stands without parentheses here, where no type has to follow it.
  void print_written_value(const Statement& s) {
    ValueId value = s.operands.empty() ? none : s.operands[0];
    auto at = values_->find(value);
    if (at != values_->end() && at->second->kind == StatementKind::Compute &&
        at->second->op != ScalarOp::constant && type_follows(*at->second) && type_follows(s))
      return print_compute(*at->second);
    if (s.kind != StatementKind::Check && type_follows(s))
      return print_operand_of(s.type.dtype, value);
    print_operand(value);
  }

  /// A number of the type that its place gives stands without it.
  void print_operand_of(DType type, ValueId value) {
    if (is_literal(*values_, value) && values_->at(value)->type == ValueType{type, 1})
      return print_number(*values_->at(value));
    print_operand(value);
  }

  /// A value by its number, or what gives it: an element of a buffer or tile as it is, all else in
  /// parentheses.
  void print_operand(ValueId value) {
    auto at = values_->find(value);
    if (at == values_->end())
      return print_value(value);
    const Statement& s = *at->second;
    bool plain = type_follows(s) && s.mask == none;
    if (plain && s.kind == StatementKind::Get) {
      (out_ << 't').integer(s.tile);
      return print_access(s.index);
    }
    if (plain && s.kind == StatementKind::Load) {
      const std::string& buffer = buffer_name(s.buffer);
      if (!is_tile_name(buffer) && !is_operation(buffer) && !is_number_word(buffer)) {
        out_.name(buffer);
        return print_access(s.index);
      }
    }
    out_ << '(';
    print_right_side(s);
    out_ << ')';
  }

  void print_mask(const Statement& s) {
    if (s.mask == none)
      return;
    out_ << " if ";
    print_value(s.mask);
  }

  /// Values are numbered in the order of the text.
  void number(ValueId value) {
    if (value < numbers_.size())
      numbers_[value] = next_number_++;
  }

  void print_value(ValueId value) {
    bool known = value < numbers_.size() && numbers_[value] != none;
    (out_ << '%').integer(known ? numbers_[value] : value);
  }

  void print_type(ValueType type) {
    out_ << " : " << gdjit::name(type.dtype);
    if (type.lanes != 1)
      (out_ << 'x').integer(type.lanes);
  }

  // Indices.

  void print_access(const std::vector<Index>& index) {
    if (index.empty())
      return;
    out_ << '[';
    print_index(index);
    out_ << ']';
  }

  void print_index(const std::vector<Index>& index) {
    const char* comma = "";
    for (const Index& i : index) {
      out_ << comma;
      print_coordinate(i);
      comma = ", ";
    }
  }

  /// 2*i+j+%5+lane+3; loops from outside in, whatever their numbers.
  void print_coordinate(const Index& index) {
    std::vector<Term> terms = index.affine.terms;
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

  void print_term(int64_t factor, const std::string& name, bool& first) {
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

  void enter_loop(LoopId loop) {
    std::string word = loop < kernel_->loop_names.size() ? kernel_->loop_names[loop] : "";
    word.resize(word.find_last_not_of("0123456789") + 1);
    if (!is_loop_name(word))
      word = "i";
    std::string name = word;
    for (int number = 1; std::any_of(open_.begin(), open_.end(),
                                     [&](LoopId other) { return names_[other] == name; });
         ++number)
      name = word + std::to_string(number);
    names_[loop] = name;
    depth_of_[loop] = open_.size();
    open_.push_back(loop);
  }

  void leave_loop(LoopId loop) {
    open_.pop_back();
    depth_of_.erase(loop);
  }

  std::string loop_name(LoopId loop) const {
    auto at = depth_of_.find(loop);
    return at == depth_of_.end() ? "loop" + std::to_string(loop) : names_.at(loop);
  }

  size_t depth_of(LoopId loop) const {
    auto at = depth_of_.find(loop);
    return at == depth_of_.end() ? depth_of_.size() + loop : at->second;
  }

  const Program& program_;
  TextWriter out_;
  std::vector<std::string> buffer_names_;
  const Kernel* kernel_ = nullptr;
  std::vector<ValueType> types_;          ///< per value of the kernel, as far as printed
  std::vector<ValueType> tiles_;          ///< per tile
  std::vector<ValuesInPlace> in_place_;   ///< per kernel
  const ValuesInPlace* values_ = nullptr; ///< of the kernel being printed
  std::vector<ValueId> numbers_;          ///< per value: its number in the text
  ValueId next_number_ = 0;
  std::unordered_map<LoopId, std::string> names_;
  std::unordered_map<LoopId, size_t> depth_of_; ///< of the loops that are open
  std::vector<LoopId> open_;
  NodeId node_ = no_node;
  std::string broken_ = "?";
};

} // namespace

std::string print(const Program& program, TextExtras* extras) {
  return print_signature(program.signature, program.stage, extras) + "\n" +
         ProgramPrinter(program, extras).print();
}

} // namespace gdjit::loop
