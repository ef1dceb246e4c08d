// Writing safetensors: header, then the elements as they lie in memory.
#include "SafetensorsHeader.h"
#include "StoredBytes.h"
#include "gdjit/IO/Safetensors.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <numeric>
#include <zlib.h>

namespace gdjit {

uint32_t checksum(std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

namespace safetensors {

uint32_t header_checksum(const nlohmann::json& header) {
  nlohmann::json copy = header;
  copy[metadata_key].erase(header_key);
  return checksum(copy.dump());
}

} // namespace safetensors

namespace {

using namespace safetensors;

/// The pieces of a file; views of the arrays, of NaNs made alike, of the header.
class Pieces {
public:
  Pieces(std::span<const TensorView> arrays, const TextMap& metadata) : scratch_(arrays.size()) {
    std::vector<size_t> order(arrays.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return byte_size(arrays[a].type.dtype) > byte_size(arrays[b].type.dtype);
    });
    pieces_.emplace_back();
    nlohmann::json header = nlohmann::json::object(), sums = nlohmann::json::object();
    size_t offset = 0;
    for (size_t i : order) {
      const TensorView& array = arrays[i];
      std::string name(array.name);
      GDJIT_CHECK(name != metadata_key && !header.contains(name));
      std::string_view bytes = stored_bytes(array, scratch_[i]);
      header[name] = {
          {"dtype", types[static_cast<int>(array.type.dtype)]},
          {"shape", std::vector<int64_t>(array.type.shape.begin(), array.type.shape.end())},
          {"data_offsets", {offset, offset + bytes.size()}}};
      sums[name] = checksum(bytes);
      offset += bytes.size();
      pieces_.push_back(bytes);
    }
    nlohmann::json& text = header[metadata_key] = nlohmann::json::object();
    for (const auto& [key, value] : metadata)
      text[key] = value;
    text[checksums_key] = sums.dump();
    text[header_key] = std::to_string(header_checksum(header));
    finish(header.dump());
  }

  std::span<const std::string_view> all() const { return pieces_; }

private:
  void finish(std::string text) {
    text.append((8 - text.size() % 8) % 8, ' ');
    for (int i = 0; i < 8; ++i)
      head_ += static_cast<char>(text.size() >> 8 * i & 0xff);
    head_ += text;
    pieces_[0] = head_;
  }

  std::string head_;
  std::vector<std::string> scratch_;
  std::vector<std::string_view> pieces_;
};

} // namespace

void write_safetensors(const std::string& path, std::span<const TensorView> arrays,
                       const TextMap& metadata) {
  write_file(path, Pieces(arrays, metadata).all());
}

void write_safetensors(OwnedFile& file, std::span<const TensorView> arrays,
                       const TextMap& metadata) {
  file.write(Pieces(arrays, metadata).all());
}

} // namespace gdjit
