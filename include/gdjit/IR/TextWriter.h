// TextWriter: the tokens of the text language, written; shared by the printers of Graph IR and Loop
// IR.
#pragma once

#include "gdjit/IR/Text.h"

#include <string>
#include <string_view>

namespace gdjit {

class TextWriter {
public:
  /// Places stand from this column on, so that they line up.
  static constexpr size_t place_column = 56;

  explicit TextWriter(TextExtras* extras = nullptr) : extras_(extras) {}

  TextWriter& operator<<(std::string_view text) {
    out_ += text;
    return *this;
  }
  TextWriter& operator<<(char c) {
    out_ += c;
    return *this;
  }
  /// A name: as it is where it starts with a letter or _ and goes on with letters, digits and _ . /
  /// -; else quoted.
  TextWriter& name(std::string_view name);
  /// "text" with escapes.
  TextWriter& quoted(std::string_view text);
  TextWriter& integer(int64_t value);
  /// The shortest decimal that reads back to the same bits; nan, inf, -inf, -0.0.
  TextWriter& real(double value);
  /// One element of an array or a scalar: as real, an integer, true or false.
  TextWriter& element(DType type, const void* element);
  /// The elements of an array, nested by axis: [[1, 2], [3, 4]]; `splat 0` where many are equal;
  /// file "name".
  TextWriter& literal(const Array& array, const std::string& hint);
  TextWriter& type(const TensorType& type);
  TextWriter& integers(const std::vector<int64_t>& values);
  /// file:line:column, without the parts that are unknown.
  TextWriter& place(const SourceLocation& location);

  void begin_line(int depth);
  /// Ends a line that stands at its place: "  @ file:line:column ; the user's words".
  void end_line(const SourceLocation& location);
  /// Ends a line, with the user's words for `location` where there are any; once for lines in a row
  /// that come from one.
  void end_line_with_source(const SourceLocation& location);
  void end_line() { out_ += '\n'; }
  /// Spaces up to place_column, at least two.
  void pad();

  TextExtras* extras() const { return extras_; }
  std::string take() { return std::move(out_); }

private:
  std::string out_;
  size_t line_start_ = 0;
  SourceLocation source_; ///< whose words were printed last
  TextExtras* extras_;
};

/// True for a name that needs no quotes.
bool is_plain_name(std::string_view name);

/// True for the attributes dtype and shape where the type of the result says the same: the text
/// then leaves them out.
bool is_implied_by_type(const Attributes::Entry& entry, const TensorType& type);

/// The value of an attribute, by its kind.
void print_attribute_value(TextWriter& out, const Attributes::Entry& entry);

/// "forward", "backward", "update".
std::string_view name(Part part);

} // namespace gdjit
