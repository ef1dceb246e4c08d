// Numbers, types, literals, attributes and places, read.
#include "gdjit/IR/TextReader.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace gdjit {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_number_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '+' ||
         c == '-';
}
bool is_file_char(char c) { return is_number_char(c) || c == '_' || c == '/'; }

/// Reads a whole token as T; false where it is none or does not fit.
template <class T> bool convert(std::string_view token, T& value) {
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || end != token.data() + token.size())
    return false;
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(value))
      value = std::numeric_limits<T>::quiet_NaN(); // one NaN, whatever its sign in the text
  return true;
}

template <class T> bool convert_to(std::string_view token, void* element) {
  T value = 0;
  if (!convert(token, value))
    return false;
  std::memcpy(element, &value, sizeof value);
  return true;
}

} // namespace

int64_t TextReader::integer(std::string_view what, int64_t least, int64_t most) {
  skip_blanks();
  size_t start = position_;
  size_t end = start + (start < text_.size() && text_[start] == '-');
  while (end < text_.size() && is_digit(text_[end]))
    ++end;
  if (end == start || !is_digit(text_[end - 1]))
    fail(fmt::format("expected {}, found {}", what, found()));
  int64_t value = 0;
  if (!convert(text_.substr(start, end - start), value) || value < least || value > most)
    fail(fmt::format("{} must lie between {} and {}, found {}", what, least, most,
                     text_.substr(start, std::min<size_t>(end - start, 24))));
  position_ = end;
  return value;
}

std::string_view TextReader::number(std::string_view what) {
  skip_blanks();
  size_t start = position_;
  while (position_ < text_.size() && is_number_char(text_[position_]))
    ++position_;
  if (start == position_)
    fail(fmt::format("expected {}, found {}", what, found()));
  return text_.substr(start, position_ - start);
}

double TextReader::real(std::string_view what) {
  std::string_view token = number(what);
  double value = 0;
  if (!convert(token, value))
    fail_at(token, fmt::format("expected {}, found '{}'", what, token));
  return value;
}

void TextReader::to_element(std::string_view token, DType type, void* element) {
  bool fits = false;
  switch (type) {
  case DType::f32:
    fits = convert_to<float>(token, element);
    break;
  case DType::f64:
    fits = convert_to<double>(token, element);
    break;
  case DType::i32:
    fits = convert_to<int32_t>(token, element);
    break;
  case DType::i64:
    fits = convert_to<int64_t>(token, element);
    break;
  case DType::boolean: {
    fits = token == "true" || token == "false";
    uint8_t value = token == "true";
    std::memcpy(element, &value, 1);
  }
  }
  if (!fits)
    fail_at(token, fmt::format("'{}' is no {}{}", token.substr(0, 40), gdjit::name(type),
                               type == DType::boolean ? "; write true or false"
                               : is_float(type)       ? ", or too large or too small for it"
                                                      : ", or too large for it"));
}

DType TextReader::dtype() {
  size_t start = (skip_blanks(), position_);
  std::string_view found = word("an element type (f32, f64, i32, i64, bool)");
  for (int i = 0; i < dtype_count; ++i)
    if (gdjit::name(static_cast<DType>(i)) == found)
      return static_cast<DType>(i);
  fail_at(start,
          fmt::format("unknown element type '{}'; known are f32, f64, i32, i64, bool", found));
}

TensorType TextReader::type() {
  size_t start = (skip_blanks(), position_);
  TensorType type{dtype(), {}};
  expect('[', "behind the element type, as in f32[2,3] or f32[]");
  std::vector<int64_t> extents;
  while (!try_char(']')) {
    if (!extents.empty())
      expect(',', "between extents");
    extents.push_back(integer("an extent", 0, max_elements));
    if (extents.size() > static_cast<size_t>(Shape::max_rank))
      break;
  }
  if (std::string problem = shape_problem(extents.data(), extents.size()); !problem.empty())
    fail_at(start, problem);
  for (int64_t extent : extents)
    type.shape.push_back(extent);
  return type;
}

std::vector<int64_t> TextReader::integers(std::string_view what) {
  expect('[', fmt::format("before {}", what));
  std::vector<int64_t> values;
  while (!try_char(']')) {
    if (!values.empty())
      expect(',', fmt::format("in {}", what));
    values.push_back(integer(what));
  }
  return values;
}

// Literals.

LiteralText TextReader::literal() {
  skip_blanks();
  LiteralText literal;
  literal.at = position_;
  if (try_word("file")) {
    literal.kind = LiteralText::Kind::file;
    literal.file = quoted("the name of a file");
    return literal;
  }
  if (try_word("splat")) {
    literal.kind = LiteralText::Kind::splat;
    literal.elements.push_back(number("a number"));
    return literal;
  }
  if (peek() != '[') {
    literal.elements.push_back(number("a number or '['"));
    return literal;
  }
  // counts[d] is the number of items seen in the bracket open at depth d.
  // Numbers stand at one depth only.
  std::vector<int64_t> counts;
  size_t depth_of_numbers = 0;
  bool item_expected = true;
  do {
    skip_blanks_and_lines();
    if (item_expected && peek() == '[') {
      if (!counts.empty() && counts.size() == depth_of_numbers)
        fail("expected a number as before, found '['");
      ++position_;
      if (counts.size() == static_cast<size_t>(Shape::max_rank))
        fail(fmt::format("brackets nested deeper than {}", Shape::max_rank));
      counts.push_back(0);
      skip_blanks_and_lines();
      item_expected = peek() != ']';
    } else if (try_char(']')) {
      size_t depth = counts.size() - 1;
      if (literal.extents.size() <= depth)
        literal.extents.resize(depth + 1, -1);
      if (literal.extents[depth] >= 0 && literal.extents[depth] != counts[depth])
        fail(fmt::format("this bracket holds {} items, the one before it {}", counts[depth],
                         literal.extents[depth]));
      literal.extents[depth] = counts[depth];
      counts.pop_back();
      if (!counts.empty()) {
        ++counts.back();
        skip_blanks_and_lines();
        item_expected = try_char(',');
        if (!item_expected && peek() != ']')
          fail(fmt::format("expected ',' or ']', found {}", found()));
      }
    } else {
      size_t depth = counts.size();
      if (literal.extents.size() > depth)
        fail(fmt::format("expected '[', found {}", found()));
      literal.elements.push_back(number("a number or '['"));
      depth_of_numbers = depth;
      ++counts.back();
      skip_blanks_and_lines();
      item_expected = try_char(',');
      if (!item_expected && peek() != ']')
        fail(fmt::format("expected ',' or ']', found {}", found()));
    }
  } while (!counts.empty());
  return literal;
}

void TextReader::check_nesting(const LiteralText& literal, const TensorType& type) {
  const Shape& shape = type.shape;
  bool fits = static_cast<int>(literal.extents.size()) <= shape.rank();
  bool empty = false;
  for (size_t i = 0; fits && i < literal.extents.size(); ++i) {
    fits = literal.extents[i] == shape[static_cast<int>(i)];
    empty = empty || literal.extents[i] == 0;
  }
  fits = fits && (empty || static_cast<int>(literal.extents.size()) == shape.rank());
  // [] stands for any empty tensor.
  if (literal.extents.size() == 1 && literal.extents[0] == 0 && type.elements() == 0)
    fits = true;
  if (fits && static_cast<int64_t>(literal.elements.size()) == type.elements())
    return;
  std::string written = "[";
  for (size_t i = 0; i < literal.extents.size(); ++i)
    written += (i ? "," : "") + std::to_string(literal.extents[i]);
  fail_at(literal.at,
          fmt::format("the elements make {}], the type is {}; nest them as the type says", written,
                      to_string(type)));
}

Array TextReader::to_array(const LiteralText& literal, const TensorType& type) {
  if (literal.kind == LiteralText::Kind::file) {
    if (!files_)
      fail_at(literal.at,
              fmt::format("the elements stand in the file '{}', which cannot be read from "
                          "here; give the text as a file beside it",
                          literal.file));
    Array array = files_->load(literal.file, type);
    if (!(array.type() == type))
      fail_at(literal.at, fmt::format("the file '{}' holds {}, the type is {}", literal.file,
                                      to_string(array.type()), to_string(type)));
    return array;
  }
  int64_t size = byte_size(type.dtype);
  if (literal.kind == LiteralText::Kind::splat) {
    if (type.elements() > TextLimits::splat_elements)
      fail_at(literal.at,
              fmt::format("{} has {} elements; a constant holds at most {}: broadcast a "
                          "scalar instead",
                          to_string(type), type.elements(), TextLimits::splat_elements));
    Array array(type);
    char element[8];
    to_element(literal.elements[0], type.dtype, element);
    for (int64_t i = 0; i < array.elements(); ++i)
      std::memcpy(static_cast<char*>(array.bytes()) + i * size, element, static_cast<size_t>(size));
    return array;
  }
  check_nesting(literal, type);
  Array array(type);
  for (size_t i = 0; i < literal.elements.size(); ++i)
    to_element(literal.elements[i], type.dtype,
               static_cast<char*>(array.bytes()) + static_cast<int64_t>(i) * size);
  return array;
}

// Attributes and places.

namespace {

ReductionOrder read_order(TextReader& in) {
  constexpr std::string_view forms = "f32:sequential, f32:partials(16) or f32:blocks(16384,16)";
  size_t start = in.offset();
  ReductionOrder order;
  order.accumulator = in.dtype();
  in.expect(':', fmt::format("in an order such as {}", forms));
  std::string_view word = in.word("sequential, partials or blocks");
  constexpr int64_t most_partials = 1 << 16;
  if (word == "partials" || word == "blocks") {
    in.expect('(', fmt::format("in an order such as {}", forms));
    if (word == "blocks") {
      order.block = in.integer("the length of a block", 1, TextLimits::magnitude);
      in.expect(',', "behind the length of a block");
    }
    order.partials =
        static_cast<int32_t>(in.integer("the number of partial sums", 1, most_partials));
    in.expect(')', "behind the number of partial sums");
  } else if (word != "sequential") {
    in.fail_at(word, fmt::format("unknown order '{}'; write {}", word, forms));
  }
  if ((order.partials & (order.partials - 1)) != 0 || order.block % order.partials != 0)
    in.fail_at(start,
               fmt::format("order {}: the partial sums must be a power of two in number, and a "
                           "block a multiple of it",
                           to_string(order)));
  return order;
}

} // namespace

void TextReader::attribute(Attr attr, Attributes& attributes) {
  std::string what = fmt::format("a value of '{}'", gdjit::name(attr));
  if (kind(attr) == AttributeKind::boolean) {
    bool value = true; // the bare word says yes
    if (try_char('=') && !try_word("true")) {
      expect_word("false");
      value = false;
    }
    attributes.boolean(attr, value);
    return;
  }
  expect('=', fmt::format("behind the attribute '{}'", gdjit::name(attr)));
  switch (kind(attr)) {
  case AttributeKind::integer:
    attributes.integer(attr, integer(what));
    break;
  case AttributeKind::real:
    attributes.real(attr, real(what));
    break;
  case AttributeKind::text:
    attributes.text(attr, quoted(what));
    break;
  case AttributeKind::integers:
    attributes.integers(attr, integers(what));
    break;
  case AttributeKind::dtype:
    attributes.dtype(attr, dtype());
    break;
  case AttributeKind::order:
    attributes.order(attr, read_order(*this));
    break;
  case AttributeKind::boolean:
    break;
  case AttributeKind::array:
    fail("elements stand before the attributes, without a name");
  }
}

SourceLocation TextReader::place() {
  constexpr int64_t most = std::numeric_limits<uint32_t>::max();
  SourceLocation location;
  if (peek() == '"') {
    location.file = quoted("a file");
  } else {
    size_t start = position_;
    while (position_ < text_.size() && is_file_char(text_[position_]))
      ++position_;
    if (start == position_)
      fail(fmt::format("expected file:line:column behind '@', found {}", found()));
    location.file = std::string(text_.substr(start, position_ - start));
  }
  if (position_ < text_.size() && text_[position_] == ':') {
    ++position_;
    location.line = static_cast<uint32_t>(integer("a line", 0, most));
  }
  if (position_ < text_.size() && text_[position_] == ':') {
    ++position_;
    location.column = static_cast<uint32_t>(integer("a column", 0, most));
  }
  return location;
}

SourceLocation TextReader::try_place() { return try_char('@') ? place() : SourceLocation{}; }

} // namespace gdjit
