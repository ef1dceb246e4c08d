// safetensors: named arrays and a little text in one file, as huggingface/safetensors defines it.
//
//   u64 (little-endian) length of the header | header, JSON, padded with spaces to a multiple of 8
//   | elements
//
// Arrays follow one another without holes, those of wide elements first, so that each is aligned to
// its elements. Beside what callers store, __metadata__ holds
//   gdjit.checksums  {"name": crc32 of its bytes, ...}, as zlib.crc32 gives it
//   gdjit.header     crc32 of the header without this key, as compact JSON with sorted keys
#pragma once

#include "gdjit/IO/MappedFile.h"
#include "gdjit/Runtime/TensorView.h"

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace gdjit {

class OwnedFile;

/// zlib's crc32.
uint32_t checksum(std::string_view bytes);

/// Text by key, keys sorted.
using TextMap = std::vector<std::pair<std::string, std::string>>;

/// What an array of a file is and where.
struct StoredArray {
  std::string name;
  TensorType type;
  size_t begin = 0; ///< offset of its first byte behind the header
};

class Safetensors {
public:
  /// Maps a file and checks its header. Error(data) naming the path for what is no safetensors
  /// file, is truncated, or has a header that does not hold together; element types that we do not
  /// have (F16, U8 …) are named with their array.
  static Safetensors open(const std::string& path);
  /// The same of bytes in memory; `file` names them in messages.
  static Safetensors parse(std::string_view bytes, const std::string& file);

  const std::vector<StoredArray>& arrays() const { return arrays_; }
  const TextMap& metadata() const { return metadata_; }
  /// Null where there is no such key, or array.
  const std::string* metadata(std::string_view key) const;
  const StoredArray* find(std::string_view name) const;
  /// Error(data) where its checksum differs from that in the file.
  Array read(const StoredArray& array) const;
  /// True where the writer gave checksums (other writers do not); then every one agrees with its
  /// array and the header with its own, or Error(data) naming each that does not.
  bool verify() const;

private:
  void read_header(const std::string& file);
  void read_array(const std::string& name, const void* json);

  std::string file_;
  std::shared_ptr<const MappedFile> mapped_;
  std::string_view bytes_; ///< the elements
  std::string_view header_;
  std::vector<StoredArray> arrays_; ///< in the order of their bytes
  TextMap metadata_;
  std::vector<std::pair<std::string, uint32_t>> checksums_;
};

/// Writes arrays and text; names must be unique, "__metadata__" is taken. The first atomically as
/// write_file, the second as OwnedFile::write.
void write_safetensors(const std::string& path, std::span<const TensorView> arrays,
                       const TextMap& metadata = {});
void write_safetensors(OwnedFile& file, std::span<const TensorView> arrays,
                       const TextMap& metadata = {});

} // namespace gdjit
