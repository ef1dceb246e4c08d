// The header is believed only as far as the bytes behind it go.
#include "gdjit/IO/Idx.h"

#include "gdjit/IO/MappedFile.h"
#include "gdjit/Support/Error.h"

#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <zlib.h>

namespace gdjit {

namespace {

[[noreturn]] void refuse(const std::string& file, const std::string& what,
                         const std::string& remedy) {
  throw Error(ErrorCode::data, fmt::format("{}: {}", file, what), {}, {{remedy, {}}});
}

constexpr const char* damaged = "it is damaged; fetch it again";
constexpr const char* truncated = "it is truncated; fetch it again";
constexpr size_t fixed_bytes = 4;      ///< of a header, in front of its extents
constexpr size_t most_unpacked = 1032; ///< bytes that deflate can make of one
constexpr size_t most_trusted = 100;   ///< of one, in a file of some size: digits make five
constexpr size_t some_size = std::size_t{48} << 20;

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

struct Element {
  uint8_t code;
  DType type;
  size_t bytes;
  const char* name; ///< as the format has it
};
constexpr Element elements[] = {
    {0x08, DType::i32, 1, "unsigned byte"}, {0x09, DType::i32, 1, "signed byte"},
    {0x0b, DType::i32, 2, "short"},         {0x0c, DType::i32, 4, "int"},
    {0x0d, DType::f32, 4, "float"},         {0x0e, DType::f64, 8, "double"}};

struct Header {
  Element element;
  Shape shape;
  size_t bytes = 0; ///< of itself
  size_t total() const { return bytes + static_cast<size_t>(shape.elements()) * element.bytes; }
};

uint64_t big_endian(const char* from, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<uint8_t>(from[i]);
  return value;
}

/// How long the header is; of the first 4 bytes.
size_t header_bytes(std::string_view bytes, const std::string& file) {
  if (bytes.size() < fixed_bytes && std::string_view("\0\0", 2).starts_with(bytes.substr(0, 2)))
    refuse(file,
           fmt::format("ends within its header, after {} of its first {} bytes", bytes.size(),
                       fixed_bytes),
           truncated);
  if (bytes.size() < fixed_bytes || bytes[0] != 0 || bytes[1] != 0)
    refuse(file, "is no IDX file: it does not begin with two zero bytes",
           "give an .npy file, or one of the digits' files as they are distributed");
  const auto rank = static_cast<uint8_t>(bytes[3]);
  if (rank > Shape::max_rank)
    refuse(file, fmt::format("has {} axes; at most {} are read", rank, Shape::max_rank), damaged);
  return fixed_bytes + 4 * size_t{rank};
}

Header header_of(std::string_view bytes, const std::string& file) {
  Header header;
  header.bytes = header_bytes(bytes, file);
  if (bytes.size() < header.bytes)
    refuse(file, "ends within its header", truncated);
  const auto code = static_cast<uint8_t>(bytes[2]);
  bool known = false;
  for (const Element& e : elements)
    if (e.code == code) {
      header.element = e;
      known = true;
    }
  if (!known)
    refuse(file, fmt::format("has elements of type {:#04x}, which IDX does not know", code),
           damaged);
  std::vector<int64_t> extents;
  for (size_t at = fixed_bytes; at < header.bytes; at += 4)
    extents.push_back(static_cast<int64_t>(big_endian(bytes.data() + at, 4)));
  if (!shape_problem(extents.data(), extents.size()).empty()) // their number is checked above
    refuse(file, "promises more elements than an array can hold", damaged);
  for (int64_t extent : extents)
    header.shape.push_back(extent);
  return header;
}

/// Unpacks what gzip made, no further than the header inside it promises: of several members, as
/// `cat` joins them, one after another; zeros behind the last, as tapes have them, are nothing.
class Unpacker {
public:
  Unpacker(std::string_view packed, const std::string& file) : file_(file) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK)
      throw InternalError("zlib does not start");
  }
  ~Unpacker() { inflateEnd(&stream_); }
  Unpacker(const Unpacker&) = delete;

  /// Goes on until `bytes` holds `size`; false where it ends before.
  bool fill(std::string& bytes, size_t size) {
    size_t known = bytes.size();
    bytes.resize(size);
    stream_.next_out = reinterpret_cast<Bytef*>(bytes.data() + known);
    stream_.avail_out = static_cast<uInt>(size - known);
    while (stream_.avail_out > 0 && !ended_) {
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END)
        ended_ = !is_gzip(rest()) || inflateReset(&stream_) != Z_OK;
      else if (status != Z_OK)
        refuse(file_,
               fmt::format("is no whole gzip file: {}",
                           stream_.msg ? stream_.msg : "it ends too early"),
               stream_.msg ? damaged : truncated);
    }
    bytes.resize(size - stream_.avail_out);
    return bytes.size() == size;
  }
  /// Refuses what goes on. Of damaged bytes the sum behind them tells; no further than some size,
  /// since the rest may be a bomb.
  void require_end(size_t total) {
    std::string further;
    if (fill(further, 1)) {
      fill(further, some_size);
      refuse(file_,
             fmt::format("unpacks to more than the {} bytes that its header promises", total),
             "its header is damaged, or something was put behind its elements; fetch it again");
    }
    if (rest().find_first_not_of('\0') != std::string_view::npos)
      refuse(
          file_,
          fmt::format("holds {} further bytes behind the end of what gzip packed", rest().size()),
          "something was put there, or a byte there is damaged; fetch it again");
  }

private:
  std::string_view rest() const {
    return {reinterpret_cast<const char*>(stream_.next_in), stream_.avail_in};
  }

  z_stream stream_ = {};
  const std::string& file_;
  bool ended_ = false;
};

void fill_header(Unpacker& unpacker, std::string& bytes, const std::string& file) {
  unpacker.fill(bytes, fixed_bytes);
  if (!unpacker.fill(bytes, header_bytes(bytes, file)))
    refuse(file, "ends within its header", truncated);
}

std::string unpacked(std::string_view packed, const std::string& file) {
  constexpr size_t most = std::size_t{1} << 31; // zlib counts in 32 bits
  if (packed.size() >= most)
    refuse(file, "is a gzip file of 2 GiB or more", "unpack it first: gunzip");
  Unpacker unpacker(packed, file);
  std::string bytes;
  fill_header(unpacker, bytes, file);
  const size_t total = header_of(bytes, file).total();
  if (total > most || total / most_unpacked > packed.size())
    refuse(file,
           fmt::format("promises {} bytes, more than a gzip file of {} can hold", total,
                       packed.size()),
           damaged);
  if (total > some_size && total / most_trusted > packed.size())
    refuse(file,
           fmt::format("is a gzip file of {} bytes that unpacks to {}: more than data do",
                       packed.size(), total),
           "where you know what it is, unpack it first: gunzip");
  if (!unpacker.fill(bytes, total))
    refuse(file, fmt::format("promises {} bytes and holds {}", total, bytes.size()), truncated);
  unpacker.require_end(total);
  return bytes;
}

/// A file's bytes unpacked, and the header that they agree with.
struct Plain {
  Plain(std::string_view all, const std::string& file)
      : unpacked(is_gzip(all) ? gdjit::unpacked(all, file) : std::string()),
        bytes(is_gzip(all) ? unpacked : all), header(header_of(bytes, file)) {
    if (bytes.size() != header.total())
      refuse(file,
             fmt::format("its extents {} take {} bytes, the file holds {}", to_string(header.shape),
                         header.total(), bytes.size()),
             bytes.size() < header.total()
                 ? truncated
                 : "it goes on behind its last element: it is damaged, or another file's header "
                   "stands in it; fetch it again");
  }
  Plain(const Plain&) = delete;

  std::string unpacked;
  std::string_view bytes;
  Header header;
};

template <class Bits, class To, class F> void convert(const char* from, Array& to, F f) {
  for (int64_t i = 0; i < to.elements(); ++i, from += sizeof(Bits))
    to.data<To>()[i] = f(static_cast<Bits>(big_endian(from, sizeof(Bits))));
}

} // namespace

bool is_idx(std::string_view begin) {
  return is_gzip(begin) || begin.starts_with(std::string_view("\0\0", 2));
}

Array from_idx(std::string_view bytes, const std::string& file) {
  const Plain plain(bytes, file);
  const Header& header = plain.header;
  Array array({header.element.type, header.shape});
  const char* from = plain.bytes.data() + header.bytes;
  auto as_float = [](uint32_t bits) { return std::bit_cast<float>(bits); };
  auto as_double = [](uint64_t bits) { return std::bit_cast<double>(bits); };
  switch (header.element.code) {
  case 0x08:
    convert<uint8_t, int32_t>(from, array, [](uint8_t v) { return int32_t{v}; });
    break;
  case 0x09:
    convert<uint8_t, int32_t>(from, array, [](uint8_t v) { return v < 128 ? v : v - 256; });
    break;
  case 0x0b:
    convert<uint16_t, int32_t>(from, array, [](uint16_t v) { return int16_t(v); });
    break;
  case 0x0c:
    convert<uint32_t, int32_t>(from, array, [](uint32_t v) { return int32_t(v); });
    break;
  case 0x0d:
    convert<uint32_t, float>(from, array, as_float);
    break;
  default:
    convert<uint64_t, double>(from, array, as_double);
    break;
  }
  return array;
}

std::string idx_contents(const std::string& path) {
  std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  std::string_view bytes = file->bytes();
  std::string plain;
  if (is_gzip(bytes)) {
    Unpacker unpacker(bytes, path);
    fill_header(unpacker, plain, path);
    bytes = plain;
  }
  const Header header = header_of(bytes, path);
  return fmt::format("{}{}, read as {}", header.element.name, to_string(header.shape),
                     name(header.element.type));
}

TensorType idx_type(const std::string& path) {
  std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  const Header header = Plain(file->bytes(), path).header;
  return {header.element.type, header.shape};
}

Array read_idx(const std::string& path) {
  std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  Array array = from_idx(file->bytes(), path);
  file->require_unchanged();
  return array;
}

} // namespace gdjit
