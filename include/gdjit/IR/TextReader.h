// TextReader: the tokens of the text language, read; shared by the parsers of signatures, Graph IR
// and Loop IR.
//
// A parser reads line by line inside guarded(): fail() leaves the line with a message, and reading
// goes on with the next one, so that one run reports many mistakes. Every loop consumes input: time
// is linear in the text.
#pragma once

#include "gdjit/IR/Graph.h"
#include "gdjit/Support/Diagnostics.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

/// Where literals of a text live that stand in files beside it.
class ArrayFiles {
public:
  virtual ~ArrayFiles() = default;
  /// The elements in `file`, of the given type; throws Error.
  virtual Array load(const std::string& file, const TensorType& type) = 0;
};

/// Stated limits of a text; beyond each stands a clear error.
struct TextLimits {
  static constexpr size_t bytes = size_t{1} << 30;
  static constexpr int nesting = 64; ///< of expressions and of loops
  static constexpr int64_t magnitude = int64_t{1}
                                       << 48; ///< of an integer attribute, loop bound or factor
  static constexpr int64_t splat_elements = int64_t{1} << 26;
  static constexpr size_t errors = 20; ///< reported before reading stops
};

/// Thrown by TextReader::fail and caught by guarded.
struct TextError {
  Diagnostic diagnostic;
};

/// The elements of a literal before its type is known.
struct LiteralText {
  enum class Kind : uint8_t { list, splat, file };
  Kind kind = Kind::list;
  size_t at = 0; ///< offset of its first character
  std::vector<std::string_view> elements;
  std::vector<int64_t> extents; ///< of the brackets, behind an extent 0 unknown
  std::string file;
};

class TextReader {
public:
  /// `text` must outlive the reader; `file` names it in messages. Throws Error where it is too
  /// long.
  TextReader(std::string_view text, std::string file, ArrayFiles* files = nullptr);

  // Lines.

  /// Goes to the next line that holds more than a comment; false at the end of the text.
  bool next_line();
  /// Fails unless only a comment is left in the line.
  void end_line();
  /// Runs `read`; a TextError or Error thrown inside becomes a message, and the rest of the line is
  /// skipped. An Error gets the place where this line began. True where nothing was thrown.
  template <class F> bool guarded(F&& read) {
    size_t start = (skip_blanks(), position_);
    try {
      read();
      return true;
    } catch (TextError& error) {
      report(std::move(error.diagnostic));
    } catch (Error& error) {
      report_all(error, start);
    }
    skip_line();
    return false;
  }

  // Characters and words. Each skips blanks first. try_ consumes only what it finds.

  char peek();
  bool at_end_of_line();
  bool try_char(char c);
  bool try_word(std::string_view word);
  bool try_text(std::string_view text);
  void expect(char c, std::string_view where);
  void expect_word(std::string_view word);
  /// A letter or _, then letters, digits, _ (and -, where `dashes`).
  std::string_view word(std::string_view what);
  /// A plain or quoted name.
  std::string name(std::string_view what);
  std::string quoted(std::string_view what);

  // Values.

  int64_t integer(std::string_view what, int64_t least, int64_t most);
  int64_t integer(std::string_view what) {
    return integer(what, -TextLimits::magnitude, TextLimits::magnitude);
  }
  /// A decimal number, nan, inf, true or false, as it stands in the text.
  std::string_view number(std::string_view what);
  double real(std::string_view what);
  DType dtype();
  TensorType type();
  std::vector<int64_t> integers(std::string_view what);
  LiteralText literal();
  /// The elements under a type; fails where number or nesting does not fit.
  Array to_array(const LiteralText& literal, const TensorType& type);
  /// Writes one number token as an element; fails where it is no element of the type.
  void to_element(std::string_view token, DType type, void* element);
  /// The value of an attribute by its kind (arrays apart: those are literals).
  void attribute(Attr attr, Attributes& attributes);
  /// "file:line:column" behind the @ that is already read.
  SourceLocation place();
  /// "@ file:line:column" where it is there; an unknown place otherwise.
  SourceLocation try_place();

  // Messages.

  size_t offset() const { return position_; }
  void go_to(size_t offset) { position_ = offset; }
  /// The text that is not yet read.
  std::string_view rest() const { return text_.substr(position_); }
  SourceLocation location(size_t offset) const;
  [[noreturn]] void fail(std::string message, std::vector<Note> notes = {});
  [[noreturn]] void fail_at(size_t offset, std::string message, std::vector<Note> notes = {});
  [[noreturn]] void fail_at(std::string_view token, std::string message,
                            std::vector<Note> notes = {}) {
    fail_at(static_cast<size_t>(token.data() - text_.data()), std::move(message), std::move(notes));
  }
  void report(Diagnostic diagnostic);
  void throw_if_any() const { diagnostics_.throw_if_any(ErrorCode::graph); }
  bool has_errors() const { return !diagnostics_.empty(); }
  /// How the next characters look in a message: 'x', or "the end of the line".
  std::string found();

private:
  void skip_blanks();
  void skip_blanks_and_lines(); ///< inside the brackets of a literal
  void skip_line();
  void report_all(const Error& error, size_t start);
  void check_nesting(const LiteralText& literal, const TensorType& type);

  std::string_view text_;
  size_t position_ = 0;
  std::string file_;
  ArrayFiles* files_;
  Diagnostics diagnostics_;
};

} // namespace gdjit
