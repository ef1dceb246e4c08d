// Loop IR as text: buffers, then kernels as one would write the loops by hand.
#include "gdjit/Loop/Text.h"

#include "StatementPrinter.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/Types.h"

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
    for (size_t k = 0; k < program_.kernels.size(); ++k)
      print_kernel(program_.kernels[k], in_place_[k]);
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
      for (int again = 2; !taken.insert(name).second; ++again)
        name = buffer.name + '_' + std::to_string(again);
      buffer_names_.push_back(std::move(name));
    }
  }

  void print_buffer(BufferId id) {
    const Buffer& buffer = program_.buffers[id];
    out_.begin_line(0);
    (((out_ << "buffer ").name(buffer_names_[id])) << " : ").type(buffer.type)
        << " = " << name(buffer.role);
    if (const std::string* row = row_name(program_.signature, buffer.role, buffer.number))
      (out_ << ' ').name(*row);
    if (buffer.role == BufferRole::constant && buffer.literal)
      (out_ << ' ').literal(*buffer.literal, "constant." + buffer.name);
    if (buffer.same_as != none)
      (out_ << ", same as ").name(buffer_name(buffer_names_, buffer.same_as));
    if (buffer.place != Place::unplanned)
      out_ << ", in " << name(buffer.place);
    if (buffer.place == Place::arena)
      (out_ << " + ").integer(buffer.offset);
    out_.end_line();
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

  void print_kernel(const Kernel& kernel, const ValuesInPlace& in_place) {
    StatementPrinter statements(out_, program_, kernel, in_place, buffer_names_);
    node_ = no_node;
    ((out_ << "\nkernel ").name(kernel.name) << ' ').quoted(kernel.title) << " {\n";
    print_body(kernel.body, statements, 1);
    out_ << '}';
    if (!kernel.reason.empty())
      (out_ << " because ").quoted(kernel.reason);
    out_.end_line();
  }

  void print_body(const std::vector<Statement>& body, StatementPrinter& statements, int depth) {
    for (const Statement& s : body) {
      if (statements.in_place(s))
        continue;
      out_.begin_line(depth);
      statements.print(s);
      if (s.kind != StatementKind::For) {
        end_statement(s);
        continue;
      }
      end_statement(s);
      print_body(s.body, statements, depth + 1);
      out_.begin_line(depth);
      out_ << "}\n";
      statements.leave_loop(s.loop);
    }
  }

  const Program& program_;
  TextWriter out_;
  std::vector<std::string> buffer_names_;
  std::vector<ValuesInPlace> in_place_; ///< per kernel
  NodeId node_ = no_node;
};

} // namespace

std::string print(const Program& program, TextExtras* extras) {
  return print_signature(program.signature, program.stage, extras) + "\n" +
         ProgramPrinter(written_out(program), extras).print();
}

} // namespace gdjit::loop
