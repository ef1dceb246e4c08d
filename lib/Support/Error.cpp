// Errors as text.
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit {

namespace {

std::string join(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics)
    text += (text.empty() ? "" : "\n") + to_string(d);
  return text;
}

} // namespace

std::string to_string(const SourceLocation& location) {
  if (!location.known())
    return location.file;
  if (location.column == 0)
    return fmt::format("{}:{}", location.file, location.line);
  return fmt::format("{}:{}:{}", location.file, location.line, location.column);
}

std::string to_string(const Diagnostic& diagnostic) {
  std::string place = to_string(diagnostic.location);
  std::string text = place + (place.empty() ? "error: " : ": error: ") + diagnostic.message;
  size_t width = 0;
  for (const Note& note : diagnostic.notes)
    if (!to_string(note.location).empty())
      width = std::max(width, note.text.size());
  for (const Note& note : diagnostic.notes) {
    std::string where = to_string(note.location);
    text += where.empty() ? "\n  " + note.text
                          : fmt::format("\n  {:<{}}   {}", note.text, width, where);
  }
  return text;
}

Error::Error(ErrorCode code, std::string message, SourceLocation location, std::vector<Note> notes)
    : Error(code, std::vector<Diagnostic>{
                      Diagnostic{std::move(message), std::move(location), std::move(notes)}}) {}

Error::Error(ErrorCode code, std::vector<Diagnostic> diagnostics)
    : std::runtime_error(join(diagnostics)), code_(code), diagnostics_(std::move(diagnostics)) {
  GDJIT_CHECK(!diagnostics_.empty());
}

void fail_memory(const std::string& what, int64_t bytes) {
  throw Error(ErrorCode::data, fmt::format("{} of {} bytes does not fit into memory", what, bytes),
              {}, {{"take smaller extents or fewer rows at once", {}}});
}

void fail_check(const char* condition, const char* file, int line) {
  throw InternalError(fmt::format("{}:{}: internal check failed: {}", file, line, condition));
}

} // namespace gdjit
