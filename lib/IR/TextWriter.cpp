// Tokens of the text language, written.
#include "gdjit/IR/TextWriter.h"

#include "gdjit/IR/Element.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace gdjit {

namespace {

constexpr int64_t shortest_splat = 9; ///< elements; fewer are listed

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_path_char(char c) {
  return is_letter(c) || is_digit(c) || c == '.' || c == '/' || c == '-';
}

bool is_plain_file(std::string_view file) {
  if (file.empty() || file == "forward" || file == "backward" || file == "update")
    return false;
  for (char c : file)
    if (!is_path_char(c) && c != '+')
      return false;
  return true;
}

template <class T> void append_number(std::string& out, T value) {
  char buffer[40];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

template <class T> void append_real(std::string& out, T value) {
  if (std::isnan(value))
    out += "nan"; // whatever its sign and payload: all NaNs are one
  else if (std::isinf(value))
    out += value < 0 ? "-inf" : "inf";
  else if (value == 0)
    out += std::signbit(value) ? "-0.0" : "0";
  else
    append_number(out, value);
}

template <class T> T read(const void* element) {
  T value;
  std::memcpy(&value, element, sizeof value);
  return value;
}

} // namespace

std::string TextExtras::source(const SourceLocation&) { return {}; }
std::string TextExtras::store(const Array&, const std::string&) { return {}; }
std::string TextExtras::refer(const std::string& file) { return file; }

bool is_plain_name(std::string_view name) {
  if (name.empty() || !is_letter(name[0]))
    return false;
  for (char c : name)
    if (!is_path_char(c))
      return false;
  return true;
}

std::string_view name(Part part) {
  constexpr std::string_view names[] = {"forward", "backward", "update"};
  return names[static_cast<int>(part)];
}

TextWriter& TextWriter::name(std::string_view name) {
  return is_plain_name(name) ? *this << name : quoted(name);
}

TextWriter& TextWriter::quoted(std::string_view text) {
  out_ += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out_ += '\\') += c;
    else if (c == '\n')
      out_ += "\\n";
    else if (c == '\t')
      out_ += "\\t";
    else if (byte < 0x20 || byte == 0x7f) {
      constexpr char digits[] = "0123456789abcdef";
      ((out_ += "\\x") += digits[byte >> 4]) += digits[byte & 15];
    } else
      out_ += c;
  }
  out_ += '"';
  return *this;
}

TextWriter& TextWriter::integer(int64_t value) {
  append_number(out_, value);
  return *this;
}

TextWriter& TextWriter::real(double value) {
  append_real(out_, value);
  return *this;
}

TextWriter& TextWriter::element(DType type, const void* element) {
  switch (type) {
  case DType::f32:
    append_real(out_, read<float>(element));
    break;
  case DType::f64:
    append_real(out_, read<double>(element));
    break;
  case DType::i32:
    append_number(out_, read<int32_t>(element));
    break;
  case DType::i64:
    append_number(out_, read<int64_t>(element));
    break;
  case DType::boolean:
    out_ += read<uint8_t>(element) ? "true" : "false";
    break;
  }
  return *this;
}

TextWriter& TextWriter::literal(const Array& array, const std::string& hint) {
  DType dtype = array.type().dtype;
  const Shape& shape = array.type().shape;
  auto* bytes = static_cast<const char*>(array.bytes());
  Bits one = 0;
  if (array.elements() >= shortest_splat && uniform_element(array, one))
    return (*this << "splat ").element(dtype, bytes);
  if (array.elements() > largest_inline_literal && extras_)
    if (std::string file = extras_->store(array, hint); !file.empty())
      return (*this << "file ").quoted(file);
  if (array.elements() == 0)
    return *this << "[]";
  // Brackets open and close where an axis begins and ends: position i is at the start of every axis
  // whose row-major stride times extent divides it.
  int64_t size = byte_size(dtype);
  for (int64_t i = 0; i < array.elements(); ++i) {
    int64_t span = 1;
    int opening = 0, closing = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      span *= shape[axis];
      opening += i % span == 0;
      closing += (i + 1) % span == 0;
    }
    if (i > 0)
      out_ += ", ";
    out_.append(static_cast<size_t>(opening), '[');
    element(dtype, bytes + i * size);
    out_.append(static_cast<size_t>(closing), ']');
  }
  return *this;
}

TextWriter& TextWriter::type(const TensorType& type) {
  *this << gdjit::name(type.dtype) << '[';
  for (int i = 0; i < type.shape.rank(); ++i) {
    if (i > 0)
      out_ += ',';
    integer(type.shape[i]);
  }
  return *this << ']';
}

TextWriter& TextWriter::integers(const std::vector<int64_t>& values) {
  out_ += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0)
      out_ += ", ";
    integer(values[i]);
  }
  return *this << ']';
}

TextWriter& TextWriter::place(const SourceLocation& location) {
  if (is_plain_file(location.file))
    *this << location.file;
  else
    quoted(location.file);
  if (location.line || location.column)
    (*this << ':').integer(location.line);
  if (location.column)
    (*this << ':').integer(location.column);
  return *this;
}

void TextWriter::begin_line(int depth) {
  line_start_ = out_.size();
  out_.append(2 * static_cast<size_t>(depth), ' ');
}

void TextWriter::pad() {
  size_t width = out_.size() - line_start_;
  out_.append(width + 2 < place_column ? place_column - width : 2, ' ');
}

void TextWriter::end_line(const SourceLocation& location) {
  if (!location.file.empty() || location.line || location.column) {
    pad();
    (*this << "@ ").place(location);
  }
  end_line_with_source(location);
}

void TextWriter::end_line_with_source(const SourceLocation& location) {
  bool as_before = location.line == source_.line && location.file == source_.file;
  if (extras_ && location.known() && !as_before) {
    std::string words = extras_->source(location);
    for (char& c : words)
      if (static_cast<unsigned char>(c) < 0x20)
        c = ' ';
    if (!words.empty())
      out_ += "  ; " + words;
    source_ = location;
  }
  out_ += '\n';
}

} // namespace gdjit
