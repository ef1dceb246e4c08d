// StatementParser: the lines of a kernel, and the tables of names that they refer to.
#pragma once

#include "gdjit/IR/TextReader.h"
#include "gdjit/Loop/Program.h"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace gdjit::loop {

/// Buffers, rows of the signature and notes by name or number.
class ProgramTables {
public:
  explicit ProgramTables(const Program& program) : signature_(program.signature) {}

  bool add_buffer(const std::string& name, BufferId id) {
    return buffers_.emplace(name, id).second;
  }
  BufferId buffer(const std::string& name) const;
  std::vector<std::string> buffer_names() const;

  /// The row that a buffer of a role stands for.
  std::optional<uint32_t> row(BufferRole role, const std::string& name);
  std::vector<std::string> rows(BufferRole role) const;

  /// Reads "12 name (backward file:line:column)" behind an @, and keeps what is said of the node.
  void read_note(TextReader& in, NodeId& node);
  /// All notes, by node.
  std::vector<Note> take_notes();

private:
  const Signature& signature_;
  std::unordered_map<std::string, BufferId> buffers_;
  std::map<BufferRole, std::unordered_map<std::string, uint32_t>> rows_;
  std::map<NodeId, Note> notes_;
};

class StatementParser {
public:
  StatementParser(TextReader& reader, Program& program, ProgramTables& tables)
      : in_(reader), program_(program), tables_(tables) {}

  /// Behind the word `kernel`.
  void open_kernel();
  /// True from the line that opens a kernel to the one that closes it.
  bool open() const { return open_; }
  /// One line of a kernel.
  void line();
  /// Where each statement stands, over all kernels, in order.
  const std::vector<size_t>& offsets() const { return offsets_; }

private:
  Kernel& kernel() { return program_.kernels.back(); }

  void close();
  void for_loop();
  void statement();
  void assignment(Statement& s);
  void right_side(Statement& s);
  ValueId operand();
  ValueId written_value();
  ValueId in_place(Statement&& s, size_t at);
  /// A number as it stands in the text.
  struct Number {
    std::string_view token;
    size_t at = 0;
  };
  bool at_number();
  Number read_number();
  void give_numbers(Statement& s, const std::vector<Number>& numbers);
  ValueId value_of(const Number& number, DType type);
  ValueId unnumbered();
  ValueId first_free_number();
  void keep(ValueId value);
  void constant(Statement& s);
  void compute(Statement& s);
  void load(Statement& s);
  void store(Statement& s);
  void written(Statement& s);
  void tile(Statement& s);
  void check(Statement& s);
  void access(std::vector<Index>& index);
  Index coordinate();
  void term(Index& index, bool negative);
  void add(int64_t& sum, int64_t value);
  ValueId use();
  ValueId number(std::string_view what);
  TileId tile_name();
  TileId known_tile();
  BufferId buffer();
  ValueType type();
  void type_or_derived(Statement& s);
  void note(Statement& s);
  void append(Statement&& s, size_t at);

  TextReader& in_;
  Program& program_;
  ProgramTables& tables_;
  bool open_ = false;
  /// The loops that are open, from outside in, as paths of indices into bodies: pointers would
  /// move.
  std::vector<Statement> loops_;
  std::vector<std::string> loop_names_; ///< of those
  std::vector<ValueType> types_;        ///< per value of the kernel
  std::vector<ValueType> tiles_;
  /// Statements that the line being read holds in place of values, and where they stand.
  std::vector<std::pair<Statement, size_t>> in_place_;
  /// Numbers without a line, by type and bits: of the kernel and of each open loop.
  std::vector<std::map<std::pair<DType, Bits>, ValueId>> numbers_;
  int parentheses_ = 0;
  ValueId next_unnumbered_ = 0;
  std::vector<size_t> offsets_;
  NodeId node_ = no_node; ///< of the statement before
};

} // namespace gdjit::loop
