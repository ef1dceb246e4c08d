// Reading safetensors. Nothing in a header is believed: lengths, offsets and shapes are held
// against one another and against the file before anything is read or allocated by them.
#include "gdjit/IO/Safetensors.h"

#include "SafetensorsHeader.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <set>

namespace gdjit {

using nlohmann::json;

namespace {

/// As the reference implementation.
constexpr uint64_t longest_header = 100'000'000;
/// {name: {"data_offsets": [begin, end]}}.
constexpr int header_depth = 3;

[[noreturn]] void refuse(const std::string& file, const std::string& what,
                         const std::string& remedy = "") {
  std::vector<Note> notes;
  if (!remedy.empty())
    notes.push_back({remedy, {}});
  throw Error(ErrorCode::data, fmt::format("{}: {}", file, what), {}, std::move(notes));
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[static_cast<size_t>(i)]);
  return value;
}

} // namespace

json safetensors::parse_strict(std::string_view text, int depth, const std::string& file) {
  std::vector<std::set<std::string>> keys(static_cast<size_t>(depth) + 2);
  auto look = [&](int at, json::parse_event_t event, json& parsed) {
    bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && at >= depth)
      refuse(file, fmt::format("its header is nested more than {} deep", depth));
    auto level = static_cast<size_t>(at);
    if (event == json::parse_event_t::object_start)
      keys[level + 1].clear();
    if (event == json::parse_event_t::key && !keys[level].insert(parsed.get<std::string>()).second)
      refuse(file, fmt::format("its header names '{}' twice", parsed.get<std::string>()));
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), look);
  } catch (const json::exception& error) {
    refuse(file, fmt::format("its header is no JSON: {}", error.what()),
           "it is damaged or no safetensors file");
  }
}

Safetensors Safetensors::open(const std::string& path) {
  Safetensors result;
  result.mapped_ = MappedFile::open(path);
  result.bytes_ = result.mapped_->bytes();
  result.read_header(path);
  return result;
}

Safetensors Safetensors::parse(std::string_view bytes, const std::string& file) {
  Safetensors result;
  result.bytes_ = bytes;
  result.read_header(file);
  return result;
}

void Safetensors::read_header(const std::string& file) {
  file_ = file;
  if (bytes_.size() < 8)
    refuse(file_, fmt::format("no safetensors file: it has {} bytes", bytes_.size()));
  uint64_t length = little_endian(bytes_);
  if (length > longest_header)
    refuse(file_, "no safetensors file: the length of its header is out of bounds",
           fmt::format("it says {} bytes, at most {} are read", length, longest_header));
  if (length > bytes_.size() - 8)
    refuse(file_,
           fmt::format("truncated: its header has {} bytes, the file {}", length, bytes_.size()),
           "save or copy it again");
  header_ = bytes_.substr(8, length);
  bytes_ = bytes_.substr(8 + length);
  if (header_.empty() || header_[0] != '{')
    refuse(file_, "no safetensors file: its header is no JSON object");
  json header = safetensors::parse_strict(header_, header_depth, file_);
  for (const auto& [name, value] : header.items()) {
    if (name != safetensors::metadata_key) {
      read_array(name, &value);
      continue;
    }
    if (!value.is_object())
      refuse(file_, "its __metadata__ is no object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string())
        refuse(file_, fmt::format("its metadata '{}' is no text", key));
      metadata_.emplace_back(key, text.get<std::string>());
    }
  }
  std::stable_sort(arrays_.begin(), arrays_.end(), [](const auto& a, const auto& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.type.bytes() < b.type.bytes();
  });
  size_t end = 0;
  const std::string* last = nullptr;
  for (const StoredArray& array : arrays_) {
    if (array.begin != end)
      refuse(file_, fmt::format("its arrays {} '{}' and '{}'",
                                array.begin < end ? "overlap:" : "leave a hole between",
                                last ? *last : "its header", array.name));
    end = array.begin + static_cast<size_t>(array.type.bytes());
    last = &array.name;
  }
  if (end != bytes_.size())
    refuse(file_,
           fmt::format("{}: its arrays take {} bytes, the file holds {}",
                       end > bytes_.size() ? "truncated" : "longer than its header says", end,
                       bytes_.size()),
           "save or copy it again");
  if (const std::string* text = metadata(safetensors::checksums_key)) {
    json sums = safetensors::parse_strict(*text, 1, file_);
    if (!sums.is_object())
      refuse(file_, "its checksums are no object");
    for (const auto& [name, sum] : sums.items()) {
      if (!sum.is_number_unsigned() || sum.get<uint64_t>() > 0xffffffffu)
        refuse(file_, fmt::format("the checksum of '{}' is no 32-bit number", name));
      checksums_.emplace_back(name, sum.get<uint32_t>());
    }
  }
}

void Safetensors::read_array(const std::string& name, const void* entry) {
  const json& value = *static_cast<const json*>(entry);
  auto wrong = [&](const std::string& what) { refuse(file_, fmt::format("'{}': {}", name, what)); };
  auto whole = [](const json& list) {
    return list.is_array() && std::all_of(list.begin(), list.end(), [](const json& e) {
             return e.is_number_unsigned() && e.get<uint64_t>() <= uint64_t{INT64_MAX};
           });
  };
  if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string() ||
      !value.contains("shape") || !whole(value["shape"]) || !value.contains("data_offsets") ||
      !whole(value["data_offsets"]) || value["data_offsets"].size() != 2)
    wrong("its header has no dtype, shape and data_offsets as they should be");
  StoredArray array{.name = name, .type = {}};
  auto type = value["dtype"].get<std::string>();
  auto known = std::find(std::begin(safetensors::types), std::end(safetensors::types), type);
  if (known == std::end(safetensors::types))
    wrong(fmt::format("elements of type {} are not read; F32, F64, I32, I64 and BOOL are", type));
  array.type.dtype = static_cast<DType>(known - std::begin(safetensors::types));
  auto extents = value["shape"].get<std::vector<int64_t>>();
  if (std::string problem = shape_problem(extents.data(), extents.size()); !problem.empty())
    wrong("its shape: " + problem);
  for (int64_t e : extents)
    array.type.shape.push_back(e);
  auto begin = value["data_offsets"][0].get<uint64_t>(),
       end = value["data_offsets"][1].get<uint64_t>();
  if (end < begin || end - begin != static_cast<uint64_t>(array.type.bytes()))
    wrong(fmt::format("{} takes {} bytes, its offsets are {} and {}", to_string(array.type),
                      array.type.bytes(), begin, end));
  array.begin = begin;
  arrays_.push_back(std::move(array));
}

const std::string* Safetensors::metadata(std::string_view key) const {
  for (const auto& [name, text] : metadata_)
    if (name == key)
      return &text;
  return nullptr;
}

const StoredArray* Safetensors::find(std::string_view name) const {
  for (const StoredArray& array : arrays_)
    if (array.name == name)
      return &array;
  return nullptr;
}

Array Safetensors::read(const StoredArray& stored) const {
  Array array(stored.type);
  std::string_view bytes = bytes_.substr(stored.begin, static_cast<size_t>(stored.type.bytes()));
  if (!bytes.empty())
    std::memcpy(array.bytes(), bytes.data(), bytes.size());
  if (stored.type.dtype == DType::boolean)
    for (size_t i = 0; i < bytes.size(); ++i)
      array.data<bool>()[i] = bytes[i] != 0;
  for (const auto& [name, sum] : checksums_)
    if (name == stored.name && sum != checksum(bytes))
      refuse(file_, fmt::format("'{}' is damaged: its checksum differs", name),
             "load an earlier file");
  return array;
}

bool Safetensors::verify() const {
  const std::string* own = metadata(safetensors::header_key);
  if (!own && checksums_.empty())
    return false;
  json header = safetensors::parse_strict(header_, header_depth, file_);
  if (!own || *own != std::to_string(safetensors::header_checksum(header)))
    refuse(file_, "its header is damaged: its checksum differs", "load an earlier file");
  std::string damaged;
  for (const StoredArray& array : arrays_) {
    auto bytes = bytes_.substr(array.begin, static_cast<size_t>(array.type.bytes()));
    auto sum = std::find_if(checksums_.begin(), checksums_.end(),
                            [&](const auto& c) { return c.first == array.name; });
    if (sum == checksums_.end() || sum->second != checksum(bytes))
      damaged += (damaged.empty() ? "" : ", ") + array.name;
  }
  if (!damaged.empty())
    refuse(file_, fmt::format("damaged: checksums differ of {}", damaged), "load an earlier file");
  return true;
}

} // namespace gdjit
