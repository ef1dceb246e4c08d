// The files beside a text.
#include "gdjit/Driver/TextFolder.h"

#include "gdjit/Support/AtomicFile.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace gdjit {

namespace {

std::string join_path(const std::string& folder, const std::string& file) {
  return folder.empty() || file.starts_with('/') ? file : folder + "/" + file;
}

/// NumPy's name of an element type.
const char* npy_type(DType type) {
  static constexpr const char* names[] = {"<f4", "<f8", "<i4", "<i8", "|b1"};
  return names[static_cast<int>(type)];
}

std::string npy_header(const TensorType& type) {
  std::string shape;
  for (int64_t e : type.shape)
    shape += fmt::format("{},", e);
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 npy_type(type.dtype), shape);
  size_t padding = 64 - (10 + text.size() + 1) % 64;
  text += std::string(padding % 64, ' ') + "\n";
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(text.size() & 0xff);
  out += static_cast<char>(text.size() >> 8);
  return out + text;
}

} // namespace

std::string to_npy(const Array& array) {
  std::string out = npy_header(array.type());
  out.append(static_cast<const char*>(array.bytes()), static_cast<size_t>(array.type().bytes()));
  return out;
}

Array from_npy(std::string_view bytes, const std::string& file, const TensorType& type) {
  // We read what to_npy writes: equal types have equal headers, whatever their padding.
  auto words = [](std::string_view text) {
    std::string out;
    for (char c : text)
      if (c != ' ' && c != '\n')
        out += c;
    return out;
  };
  auto wrong = [&](const std::string& what) {
    return Error(ErrorCode::data,
                 fmt::format("{}: {}; expected a .npy file (format 1.0, row-major) of type {}",
                             file, what, to_string(type)));
  };
  if (bytes.size() < 10 || bytes.substr(0, 6) != std::string_view("\x93NUMPY", 6))
    throw wrong("no .npy file");
  size_t header =
      static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  if (bytes.size() < 10 + header)
    throw wrong("truncated");
  std::string expected = npy_header(type);
  if (words(bytes.substr(10, header)) != words(std::string_view(expected).substr(10)))
    throw wrong("another type or shape");
  if (bytes.size() != 10 + header + static_cast<size_t>(type.bytes()))
    throw wrong("another number of bytes than its header says");
  Array array(type);
  if (type.bytes() > 0)
    std::memcpy(array.bytes(), bytes.data() + 10 + header, static_cast<size_t>(type.bytes()));
  return array;
}

const std::vector<std::string>& TextFolder::lines(const std::string& file) {
  auto [found, fresh] = files_.try_emplace(file);
  if (!fresh)
    return found->second;
  try {
    std::string text = read_file(join_path(sources_, file));
    for (size_t begin = 0; begin < text.size();) {
      size_t end = std::min(text.find('\n', begin), text.size());
      found->second.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  } catch (const Error&) {
    // A source that cannot be read gives no comments.
  }
  return found->second;
}

std::string TextFolder::source(const SourceLocation& location) {
  if (!location.known() || location.file.empty())
    return "";
  const std::vector<std::string>& all = lines(location.file);
  if (location.line > all.size())
    return "";
  const std::string& line = all[location.line - 1];
  size_t begin = line.find_first_not_of(" \t");
  size_t end = line.find_last_not_of(" \t\r");
  return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
}

std::string TextFolder::store(const Array& array, const std::string& hint) {
  if (!store_arrays_)
    return "";
  std::string file;
  for (char c : hint)
    file += c == '/' ? '_' : c;
  file += ".npy";
  write_file(join_path(arrays_, file), to_npy(array));
  return file;
}

Array TextFolder::load(const std::string& file, const TensorType& type) {
  std::string path = join_path(arrays_, file);
  return from_npy(read_file(path), path, type);
}

} // namespace gdjit
