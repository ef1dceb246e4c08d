// Loop IR, read: buffers, notes and kernels. Single statements stand in StatementParser.cpp.
#include "gdjit/Loop/Parser.h"

#include "StatementParser.h"
#include "gdjit/IR/TextWriter.h"
#include "gdjit/Loop/Types.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::loop {

namespace {

class BodyParser final : public StatementPlaces {
public:
  BodyParser(TextReader& reader, Program& program)
      : in_(reader), program_(program), tables_(program), statements_(reader, program, tables_) {}

  void parse() {
    program_.from_text = true;
    while (!ended_ && in_.next_line())
      in_.guarded([&] { line(); });
    in_.guarded([&] {
      if (!ended_)
        in_.fail(inside_kernel() ? "the text ends inside a kernel; its closing '}' is missing"
                                 : "the text ends before its last line 'end'");
      if (in_.next_line())
        in_.fail(fmt::format("expected the end of the text behind 'end', found {}", in_.found()));
    });
    in_.throw_if_any();
    resolve_views();
    in_.throw_if_any();
    program_.notes = tables_.take_notes();
    check_complete();
    in_.throw_if_any();
    Diagnostics diagnostics;
    verify(program_, diagnostics, this);
    for (const Diagnostic& diagnostic : diagnostics.all())
      in_.report({diagnostic.message,
                  diagnostic.location.known() ? diagnostic.location
                                              : SourceLocation{in_.location(0).file, 0, 0},
                  diagnostic.notes});
    in_.throw_if_any();
  }

  SourceLocation place(size_t number) const override {
    const std::vector<size_t>& offsets = statements_.offsets();
    return number < offsets.size() ? in_.location(offsets[number]) : SourceLocation{};
  }

private:
  bool inside_kernel() const { return statements_.open(); }

  void line() {
    if (inside_kernel())
      statements_.line();
    else if (in_.try_word("buffer"))
      buffer();
    else if (in_.try_word("arena"))
      arena();
    else if (in_.try_word("note"))
      note();
    else if (in_.try_word("kernel"))
      statements_.open_kernel();
    else if (in_.try_word("end")) {
      in_.end_line();
      ended_ = true;
    } else
      in_.fail(fmt::format(
          "expected a declaration, 'buffer', 'arena', 'note', 'kernel' or 'end', found {}",
          in_.found()));
  }

  void arena() {
    program_.arena_bytes = in_.integer("the size of the arena", 0, TextLimits::magnitude);
    in_.expect_word("bytes");
    in_.end_line();
    arena_seen_ = true;
  }

  void note() {
    in_.expect('@', "before the number of a node");
    NodeId node = no_node;
    tables_.read_note(in_, node);
    in_.end_line();
  }

  // Buffers.

  void buffer() {
    size_t at = (in_.peek(), in_.offset());
    Buffer buffer;
    buffer.name = in_.name("the name of a buffer");
    in_.expect(':', "before the type");
    buffer.type = in_.type();
    in_.expect('=', "before the role of the buffer");
    buffer.role = role();
    if (row_name(program_.signature, buffer.role, 0) || takes_row(buffer.role))
      buffer.number = row(buffer.role);
    if (buffer.role == BufferRole::constant)
      buffer.literal = std::make_shared<const Array>(in_.to_array(in_.literal(), buffer.type));
    View view;
    while (in_.try_char(','))
      option(buffer, view);
    in_.end_line();
    auto id = static_cast<BufferId>(program_.buffers.size());
    if (!tables_.add_buffer(buffer.name, id))
      in_.fail_at(at, fmt::format("buffer '{}' is declared twice", buffer.name));
    if (!view.name.empty()) {
      view.buffer = id;
      views_.push_back(view);
    }
    program_.buffers.push_back(std::move(buffer));
  }

  BufferRole role() {
    std::vector<std::string> known;
    std::string_view word = in_.word("the role of a buffer");
    for (int i = 0; i <= static_cast<int>(BufferRole::update); ++i) {
      if (name(static_cast<BufferRole>(i)) == word)
        return static_cast<BufferRole>(i);
      known.emplace_back(name(static_cast<BufferRole>(i)));
    }
    in_.fail_at(word, fmt::format("unknown role '{}'; roles are {}", word, fmt::join(known, ", ")));
  }

  static bool takes_row(BufferRole role) {
    return role != BufferRole::constant && role != BufferRole::temporary;
  }

  uint32_t row(BufferRole role) {
    size_t at = (in_.peek(), in_.offset());
    std::string word = in_.name(fmt::format("the {} that the buffer holds", name(role)));
    if (auto number = tables_.row(role, word))
      return *number;
    in_.fail_at(at, fmt::format("the signature has no {} '{}'{}", name(role), word,
                                did_you_mean(word, tables_.rows(role))));
  }

  struct View {
    BufferId buffer = none;
    std::string name;
    size_t at = 0;
  };

  /// ", same as NAME" or ", in PLACE".
  void option(Buffer& buffer, View& view) {
    if (in_.try_word("same")) {
      in_.expect_word("as");
      view.at = (in_.peek(), in_.offset());
      view.name = in_.name("the name of a buffer");
      return;
    }
    in_.expect_word("in");
    std::string_view word = in_.word("a place");
    for (Place place : {Place::argument, Place::arena, Place::constant, Place::shared})
      if (name(place) == word)
        buffer.place = place;
    if (buffer.place == Place::unplanned)
      in_.fail_at(
          word,
          fmt::format("unknown place '{}'; places are argument, arena, constants, shared", word));
    if (buffer.place == Place::arena && in_.try_char('+'))
      buffer.offset = in_.integer("the offset in the arena", 0, TextLimits::magnitude);
  }

  /// A view may stand before what it views.
  void resolve_views() {
    for (const View& view : views_)
      in_.guarded([&] {
        BufferId of = tables_.buffer(view.name);
        if (of == none)
          in_.fail_at(view.at, fmt::format("no buffer '{}' is declared{}", view.name,
                                           did_you_mean(view.name, tables_.buffer_names())));
        program_.buffers[view.buffer].same_as = of;
      });
  }

  void check_complete() {
    in_.guarded([&] {
      if (program_.stage == Stage::Planned && !arena_seen_)
        in_.fail("a planned program says its 'arena … bytes'; the line is missing");
    });
  }

  TextReader& in_;
  Program& program_;
  ProgramTables tables_;
  StatementParser statements_;
  std::vector<View> views_;
  bool arena_seen_ = false;
  bool ended_ = false; ///< so that a text cut between two kernels is no whole one
};

} // namespace

void parse_body(TextReader& reader, Program& program) { BodyParser(reader, program).parse(); }

} // namespace gdjit::loop
