// StatementPrinter: the lines of one kernel, the other way of StatementParser.
#pragma once

#include "Expressions.h"
#include "gdjit/IR/TextWriter.h"
#include "gdjit/Loop/Program.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace gdjit::loop {

class StatementPrinter {
public:
  /// `buffer_names` per buffer, all distinct.
  StatementPrinter(TextWriter& out, const Program& program, const Kernel& kernel,
                   const ValuesInPlace& in_place, const std::vector<std::string>& buffer_names);

  /// True for a statement without a line: its value stands where it is used.
  bool in_place(const Statement& s);
  /// One line without its end; behind that of a `for` stands what is in it.
  void print(const Statement& s);
  void leave_loop(LoopId loop);

private:
  void print_right_side(const Statement& s);
  bool type_follows(const Statement& s) const;
  void learn_type(const Statement& s);
  void print_compute(const Statement& s);
  void print_number(const Statement& s);
  void print_for(const Statement& s);
  void print_tile(const Statement& s);
  void print_store(const Statement& s);
  void print_set(const Statement& s);
  void print_written(const Statement& s);
  void print_check(const Statement& s);
  void print_written_value(const Statement& s);
  void print_operand_of(DType type, ValueId value);
  void print_operand(ValueId value);
  void print_mask(const Statement& s);
  void number(ValueId value);
  void print_value(ValueId value);
  void print_type(ValueType type);
  void print_access(const std::vector<Index>& index);
  void print_index(const std::vector<Index>& index);
  void print_coordinate(const Index& index);
  void print_term(int64_t factor, const std::string& name, bool& first);
  void enter_loop(LoopId loop);
  std::string loop_name(LoopId loop) const;
  size_t depth_of(LoopId loop) const;

  TextWriter& out_;
  const Program& program_;
  const Kernel& kernel_;
  const ValuesInPlace& in_place_;
  const std::vector<std::string>& buffer_names_;
  std::vector<ValueType> types_; ///< per value of the kernel, as far as printed
  std::vector<ValueType> tiles_; ///< per tile
  std::vector<ValueId> numbers_; ///< per value: its number in the text
  ValueId next_number_ = 0;
  std::unordered_map<LoopId, std::string> names_;
  std::unordered_map<LoopId, size_t> depth_of_; ///< of the loops that are open
  std::vector<LoopId> open_;
};

/// The name of a buffer; "?" where a broken program refers to none.
std::string_view buffer_name(const std::vector<std::string>& names, BufferId buffer);

} // namespace gdjit::loop
