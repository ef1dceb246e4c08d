// Errors: what a user did wrong, said once, with place and remedy.
//
// Error is the user's mistake and carries the exit code of the tool; InternalError is ours. Both
// are ordinary exceptions, so a program catches std::runtime_error and prints what().
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace gdjit {

/// A place in a user's file; line and column count from 1, 0 means unknown.
struct SourceLocation {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;

  bool known() const { return line != 0; }
  bool operator==(const SourceLocation&) const = default;
};

/// "file:line:column", without the parts that are unknown; "" where nothing is known.
std::string to_string(const SourceLocation& location);

/// What went wrong, by the tool's exit code.
enum class ErrorCode : int {
  criterion = 1,     ///< ran, but a stated criterion was not met
  usage = 2,         ///< the command line
  graph = 3,         ///< shapes, types, text of a graph
  compile = 4,       ///< compilation failed
  check = 5,         ///< a check found a mismatch
  non_finite = 6,    ///< NaN or infinity where it was asked to look
  data = 7,          ///< data or file
  internal = 70,     ///< a bug in gdjit
  interrupted = 130, ///< stopped by the user
};

/// A line below a message: an operand with its type, an earlier declaration, a remedy.
struct Note {
  std::string text;
  SourceLocation location;
};

/// One message: lower case, no full stop, quoting op and types, saying what to do.
struct Diagnostic {
  std::string message;
  SourceLocation location;
  std::vector<Note> notes;
};

/// "file:line:column: error: message", then each note on an indented line with its place behind it.
std::string to_string(const Diagnostic& diagnostic);

/// The user's mistake. what() is every diagnostic as to_string prints it.
class Error : public std::runtime_error {
public:
  Error(ErrorCode code, std::string message, SourceLocation location = {},
        std::vector<Note> notes = {});
  Error(ErrorCode code, std::vector<Diagnostic> diagnostics);

  ErrorCode code() const { return code_; }
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  /// The place of the first diagnostic.
  const SourceLocation& location() const { return diagnostics_.front().location; }

private:
  ErrorCode code_;
  std::vector<Diagnostic> diagnostics_;
};

/// A mistake of ours: an invariant does not hold.
class InternalError : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// Throws Error(data): `what` of so many bytes does not fit into memory.
[[noreturn]] void fail_memory(const std::string& what, int64_t bytes);

/// Throws InternalError with file and line; the cold half of GDJIT_CHECK.
[[noreturn]] void fail_check(const char* condition, const char* file, int line);

/// An invariant of ours, checked in every build; never for what a user can cause.
#define GDJIT_CHECK(condition)                                                                     \
  ((condition) ? void() : ::gdjit::fail_check(#condition, __FILE__, __LINE__))

} // namespace gdjit
