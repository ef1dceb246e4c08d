// Elements of .npy files: as they are, or converted where that is exact.
#include "gdjit/IO/Npy.h"

#include "NpyHeader.h"
#include "StoredBytes.h"
#include "gdjit/IO/MappedFile.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"

#include <array>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace gdjit {

namespace {

/// From this size on a file is mapped.
constexpr size_t large = 1 << 20;

/// How elements come from the file.
struct Element {
  std::string_view name;
  DType type;
  size_t bytes; ///< in the file
  bool same;    ///< the bytes are those of an Array
};

constexpr Element elements[] = {
    {"<f4", DType::f32, 4, true},  {"<f8", DType::f64, 8, true},      {"<i4", DType::i32, 4, true},
    {"<i8", DType::i64, 8, true},  {"|b1", DType::boolean, 1, false}, {"<f2", DType::f32, 2, false},
    {"|i1", DType::i32, 1, false}, {"|u1", DType::i32, 1, false},     {"<i2", DType::i32, 2, false},
    {"<u2", DType::i32, 2, false}, {"<u4", DType::i64, 4, false},     {"<u8", DType::i64, 8, false},
};

[[noreturn]] void refuse(const std::string& file, const std::string& what,
                         const std::string& remedy) {
  throw Error(ErrorCode::data, fmt::format("{}: {}", file, what), {}, {{remedy, {}}});
}

const Element& element_of(const std::string& name, const std::string& file) {
  for (const Element& e : elements)
    if (e.name == name)
      return e;
  char order = name.empty() ? '\0' : name[0], kind = name.size() < 2 ? '\0' : name[1];
  if (kind == 'O')
    refuse(file, "holds Python objects", "save numbers: array.astype('float32')");
  if (kind == 'U' || kind == 'S' || kind == 'V')
    refuse(file, fmt::format("holds text or raw bytes ('{}')", name), "save numbers");
  if (order == '>')
    refuse(file, fmt::format("holds big-endian numbers ('{}')", name),
           "save array.astype(array.dtype.newbyteorder('<'))");
  refuse(file, fmt::format("holds elements of type '{}'", name),
         "save array.astype('float32'), 'float64', 'int32', 'int64' or 'bool'");
}

/// IEEE binary16 to binary32, which holds all of it.
float from_half(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half >> 15) << 31, exponent = half >> 10 & 31,
           fraction = half & 1023;
  if (exponent == 31)
    return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {
    float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

template <class From, class To, class F> void convert(const char* from, Array& to, F f) {
  for (int64_t i = 0; i < to.elements(); ++i) {
    From value;
    std::memcpy(&value, from + static_cast<size_t>(i) * sizeof value, sizeof value);
    to.data<To>()[i] = f(value);
  }
}

void convert(const Element& element, const char* from, Array& to, const std::string& file) {
  auto plain = [](auto value) { return static_cast<int32_t>(value); };
  if (element.name == "|b1")
    convert<uint8_t, bool>(from, to, [](uint8_t v) { return v != 0; });
  else if (element.name == "<f2")
    convert<uint16_t, float>(from, to, from_half);
  else if (element.name == "|i1")
    convert<int8_t, int32_t>(from, to, plain);
  else if (element.name == "|u1")
    convert<uint8_t, int32_t>(from, to, plain);
  else if (element.name == "<i2")
    convert<int16_t, int32_t>(from, to, plain);
  else if (element.name == "<u2")
    convert<uint16_t, int32_t>(from, to, plain);
  else if (element.name == "<u4")
    convert<uint32_t, int64_t>(from, to, [](uint32_t v) { return int64_t{v}; });
  else
    convert<uint64_t, int64_t>(from, to, [&](uint64_t v) {
      if (v > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        refuse(file, fmt::format("holds {}, which is no i64", v), "save array.astype('float64')");
      return static_cast<int64_t>(v);
    });
}

struct Content {
  Element element;
  TensorType type;
  const char* data = nullptr;
};

Content content_of(std::string_view bytes, const std::string& file) {
  NpyHeader header = read_npy_header(bytes, file);
  const Element& element = element_of(header.element, file);
  // At most max_elements of at most 8 bytes: no overflow.
  size_t wanted = static_cast<size_t>(header.shape.elements()) * element.bytes;
  size_t given = bytes.size() - header.data;
  if (wanted != given)
    refuse(file,
           fmt::format("its shape {} takes {} bytes, the file holds {}", to_string(header.shape),
                       wanted, given),
           "it is truncated or damaged; save it again");
  return {element, {element.type, header.shape}, bytes.data() + header.data};
}

Array array_of(const Content& content, const std::string& file) {
  Array array(content.type);
  if (!content.element.same)
    convert(content.element, content.data, array, file);
  else if (content.type.bytes() > 0)
    std::memcpy(array.bytes(), content.data, static_cast<size_t>(content.type.bytes()));
  return array;
}

} // namespace

std::string to_npy(const TensorView& array) {
  std::string scratch;
  return npy_header(array.type).append(stored_bytes(array, scratch));
}

void write_npy(const std::string& path, const TensorView& array) {
  std::string scratch, header = npy_header(array.type);
  std::array<std::string_view, 2> pieces{header, stored_bytes(array, scratch)};
  write_file(path, pieces);
}

Array from_npy(std::string_view bytes, const std::string& file) {
  return array_of(content_of(bytes, file), file);
}

Array from_npy(std::string_view bytes, const std::string& file, const TensorType& type) {
  Content content = content_of(bytes, file);
  if (!(content.type == type))
    throw Error(ErrorCode::data, fmt::format("{}: holds {}, expected is {}", file,
                                             to_string(content.type), to_string(type)));
  return array_of(content, file);
}

SharedArray read_npy(const std::string& path) {
  std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  Content content = content_of(file->bytes(), path);
  bool aligned = reinterpret_cast<uintptr_t>(content.data) %
                     static_cast<size_t>(byte_size(content.type.dtype)) ==
                 0;
  if (content.element.same && aligned && file->bytes().size() >= large) {
    SharedArray array(content.type, content.data, file);
    array.file = file.get();
    return array;
  }
  Array array = array_of(content, path);
  file->require_unchanged();
  return array;
}

} // namespace gdjit
