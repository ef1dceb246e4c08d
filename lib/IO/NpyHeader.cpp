// Headers of .npy files, by numpy/lib/format.py: magic, version, length, then a dictionary literal
// with descr, fortran_order and shape in any order.
#include "NpyHeader.h"

#include "gdjit/Support/Error.h"

#include <charconv>
#include <fmt/format.h>
#include <vector>

namespace gdjit {

namespace {

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr size_t longest_header = 1 << 20;

[[noreturn]] void refuse(const std::string& file, const std::string& what,
                         const std::string& remedy = "") {
  std::vector<Note> notes;
  if (!remedy.empty())
    notes.push_back({remedy, {}});
  throw Error(ErrorCode::data, fmt::format("{}: {}", file, what), {}, std::move(notes));
}

/// NumPy's name of an element type.
const char* npy_type(DType type) {
  static constexpr const char* names[] = {"<f4", "<f8", "<i4", "<i8", "|b1"};
  return names[static_cast<int>(type)];
}

/// Reads the dictionary.
class Reader {
public:
  Reader(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  NpyHeader read() {
    NpyHeader header;
    bool element = false, order = false, shape = false, fortran = false;
    expect('{');
    while (!accept('}')) {
      std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !element) {
        if (peek() != '\'' && peek() != '"')
          refuse(file_, "holds records, not numbers",
                 "save one field: numpy.save(file, array['field'])");
        header.element = quoted();
        element = true;
      } else if (key == "fortran_order" && !order) {
        fortran = boolean();
        order = true;
      } else if (key == "shape" && !shape) {
        header.shape = extents();
        shape = true;
      } else {
        wrong();
      }
      if (!accept(',') && peek() != '}')
        wrong();
    }
    if (!element || !order || !shape || peek() != '\0')
      wrong();
    if (fortran && header.shape.rank() > 1)
      refuse(file_, "is in column-major (Fortran) order",
             "save it as numpy.save(file, numpy.ascontiguousarray(array))");
    return header;
  }

private:
  [[noreturn]] void wrong() {
    refuse(file_, "the header of this .npy file cannot be read", "save it again with numpy.save");
  }
  char peek() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n'))
      rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_[0];
  }
  bool accept(char c) {
    if (peek() != c || c == '\0')
      return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      wrong();
  }
  std::string_view quoted() {
    char quote = peek();
    size_t end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos)
      wrong();
    std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    peek();
    bool value = rest_.starts_with("True");
    if (!value && !rest_.starts_with("False"))
      wrong();
    rest_.remove_prefix(value ? 4 : 5);
    return value;
  }
  Shape extents() {
    std::vector<int64_t> list;
    expect('(');
    while (!accept(')')) {
      peek();
      int64_t extent = 0;
      auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc())
        wrong();
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      accept('L'); // Python 2 wrote long integers so
      list.push_back(extent);
      if (!accept(',') && peek() != ')')
        wrong();
    }
    if (std::string problem = shape_problem(list.data(), list.size()); !problem.empty())
      refuse(file_, "its shape: " + problem);
    Shape shape;
    for (int64_t e : list)
      shape.push_back(e);
    return shape;
  }

  std::string_view rest_;
  const std::string& file_;
};

} // namespace

NpyHeader read_npy_header(std::string_view bytes, const std::string& file) {
  auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  if (!bytes.starts_with(magic))
    refuse(file, "no .npy file", "one begins with \\x93NUMPY; write it with numpy.save");
  if (bytes.size() < 10)
    refuse(file, "truncated within its header");
  size_t version = byte(6);
  if (version < 1 || version > 3)
    refuse(file,
           fmt::format("is a .npy file of format {}.{}; known are 1.0 to 3.0", version, byte(7)));
  size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start)
    refuse(file, "truncated within its header");
  size_t length = byte(8) | byte(9) << 8;
  if (version > 1)
    length |= byte(10) << 16 | byte(11) << 24;
  if (length > bytes.size() - start)
    refuse(file,
           fmt::format("its header is said to have {} bytes, the file has {} in all", length,
                       bytes.size()),
           "it is truncated or damaged; save it again");
  if (length > longest_header)
    refuse(file,
           fmt::format("its header has {} bytes; at most {} are read", length, longest_header));
  NpyHeader header = Reader(bytes.substr(start, length), file).read();
  header.data = start + length;
  return header;
}

std::string npy_header(const TensorType& type) {
  std::string shape;
  for (int i = 0; i < type.shape.rank(); ++i)
    shape += fmt::format("{}{}", i ? ", " : "", type.shape[i]);
  if (type.shape.rank() == 1)
    shape += ',';
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 npy_type(type.dtype), shape);
  size_t padding = 64 - (10 + text.size() + 1) % 64;
  text += std::string(padding % 64, ' ') + "\n";
  std::string out(magic);
  out += '\x01';
  out += '\0';
  out += static_cast<char>(text.size() & 0xff);
  out += static_cast<char>(text.size() >> 8);
  return out + text;
}

} // namespace gdjit
