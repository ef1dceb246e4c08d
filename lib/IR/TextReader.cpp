// Lines, words and messages of the text language. The values stand in TextValues.cpp.
#include "gdjit/IR/TextReader.h"

#include <fmt/format.h>

#include <algorithm>

namespace gdjit {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) {
  return is_letter(c) || is_digit(c) || c == '.' || c == '/' || c == '-';
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

int hex_digit(char c) {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

} // namespace

TextReader::TextReader(std::string_view text, std::string file, ArrayFiles* files)
    : text_(text), file_(std::move(file)), files_(files) {
  if (text.size() > TextLimits::bytes)
    throw Error(
        ErrorCode::graph,
        fmt::format("the text has {} bytes; at most {} are read", text.size(), TextLimits::bytes),
        {file_, 0, 0});
}

// Blanks and lines.

void TextReader::skip_blanks() {
  while (position_ < text_.size() && is_blank(text_[position_]))
    ++position_;
}

void TextReader::skip_line() {
  while (position_ < text_.size() && text_[position_] != '\n')
    ++position_;
}

void TextReader::skip_blanks_and_lines() {
  for (;;) {
    skip_blanks();
    if (position_ < text_.size() && text_[position_] == ';')
      skip_line();
    if (position_ >= text_.size() || text_[position_] != '\n')
      return;
    ++position_;
  }
}

bool TextReader::next_line() {
  skip_blanks_and_lines();
  return position_ < text_.size();
}

bool TextReader::at_end_of_line() {
  skip_blanks();
  return position_ >= text_.size() || text_[position_] == '\n' || text_[position_] == ';';
}

void TextReader::end_line() {
  if (!at_end_of_line())
    fail(fmt::format("expected the end of the line, found {}", found()));
  skip_line();
}

// Characters and words.

char TextReader::peek() {
  skip_blanks();
  return position_ < text_.size() ? text_[position_] : '\0';
}

bool TextReader::try_char(char c) {
  if (position_ >= text_.size() || peek() != c)
    return false;
  ++position_;
  return true;
}

bool TextReader::try_text(std::string_view text) {
  skip_blanks();
  if (text_.substr(position_, text.size()) != text)
    return false;
  position_ += text.size();
  return true;
}

bool TextReader::try_word(std::string_view word) {
  skip_blanks();
  if (text_.substr(position_, word.size()) != word)
    return false;
  size_t end = position_ + word.size();
  if (end < text_.size() && is_name_char(text_[end]))
    return false;
  position_ = end;
  return true;
}

void TextReader::expect(char c, std::string_view where) {
  if (!try_char(c))
    fail(fmt::format("expected '{}' {}, found {}", c, where, found()));
}

void TextReader::expect_word(std::string_view word) {
  if (!try_word(word))
    fail(fmt::format("expected '{}', found {}", word, found()));
}

std::string_view TextReader::word(std::string_view what) {
  skip_blanks();
  size_t start = position_;
  if (start >= text_.size() || !is_letter(text_[start]))
    fail(fmt::format("expected {}, found {}", what, found()));
  while (position_ < text_.size() && (is_letter(text_[position_]) || is_digit(text_[position_])))
    ++position_;
  return text_.substr(start, position_ - start);
}

std::string TextReader::name(std::string_view what) {
  if (peek() == '"')
    return quoted(what);
  size_t start = position_;
  if (start >= text_.size() || !is_letter(text_[start]))
    fail(fmt::format("expected {}, found {}", what, found()));
  while (position_ < text_.size() && is_name_char(text_[position_]))
    ++position_;
  return std::string(text_.substr(start, position_ - start));
}

std::string TextReader::quoted(std::string_view what) {
  if (peek() != '"')
    fail(fmt::format("expected {} in quotes, found {}", what, found()));
  size_t start = position_++;
  std::string value;
  while (position_ < text_.size() && text_[position_] != '\n') {
    char c = text_[position_++];
    if (c == '"')
      return value;
    if (c != '\\') {
      value += c;
      continue;
    }
    char escape = position_ < text_.size() ? text_[position_++] : '\0';
    if (escape == 'n')
      value += '\n';
    else if (escape == 't')
      value += '\t';
    else if (escape == '"' || escape == '\\')
      value += escape;
    else if (escape == 'x' && position_ + 2 <= text_.size() && hex_digit(text_[position_]) >= 0 &&
             hex_digit(text_[position_ + 1]) >= 0) {
      value +=
          static_cast<char>(hex_digit(text_[position_]) * 16 + hex_digit(text_[position_ + 1]));
      position_ += 2;
    } else
      fail_at(position_ - 1, "unknown escape in a quoted text; known are \\\" \\\\ \\n \\t \\xHH");
  }
  fail_at(start, "a quoted text ends with its line; the closing '\"' is missing");
}

// Messages.

SourceLocation TextReader::location(size_t offset) const {
  offset = std::min(offset, text_.size());
  std::string_view before = text_.substr(0, offset);
  size_t newline = before.rfind('\n');
  size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
  return {file_, static_cast<uint32_t>(1 + std::count(before.begin(), before.end(), '\n')),
          static_cast<uint32_t>(offset - line_start + 1)};
}

std::string TextReader::found() {
  skip_blanks();
  if (position_ >= text_.size())
    return "the end of the text";
  char c = text_[position_];
  if (c == '\n' || c == ';')
    return "the end of the line";
  if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f)
    return fmt::format("the byte 0x{:02x}", static_cast<unsigned char>(c));
  constexpr size_t longest = 24;
  size_t end = position_;
  while (end < text_.size() && end - position_ < longest && is_name_char(text_[end]))
    ++end;
  return fmt::format("'{}'", text_.substr(position_, std::max<size_t>(1, end - position_)));
}

void TextReader::fail(std::string message, std::vector<Note> notes) {
  fail_at(position_, std::move(message), std::move(notes));
}

void TextReader::fail_at(size_t offset, std::string message, std::vector<Note> notes) {
  throw TextError{{std::move(message), location(offset), std::move(notes)}};
}

void TextReader::report(Diagnostic diagnostic) {
  diagnostics_.error(diagnostic.location, std::move(diagnostic.message)).notes =
      std::move(diagnostic.notes);
  if (diagnostics_.size() < TextLimits::errors)
    return;
  diagnostics_.error({file_, 0, 0}, "too many errors, reading stops here");
  throw_if_any();
}

void TextReader::report_all(const Error& error, size_t start) {
  if (diagnostics_.size() > TextLimits::errors)
    throw error; // it is the one that stops reading
  for (Diagnostic diagnostic : error.diagnostics()) {
    if (diagnostic.location.known())
      diagnostic.notes.push_back({"written at", diagnostic.location});
    diagnostic.location = location(start);
    report(std::move(diagnostic));
  }
}

} // namespace gdjit
