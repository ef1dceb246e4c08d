// What writer and reader of safetensors share: names of types, checksums, strict JSON.
#pragma once

#include "gdjit/IR/DType.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gdjit::safetensors {

inline constexpr std::string_view types[] = {"F32", "F64", "I32", "I64", "BOOL"};
inline constexpr const char* metadata_key = "__metadata__";
inline constexpr const char* checksums_key = "gdjit.checksums";
inline constexpr const char* header_key = "gdjit.header";

/// The checksum of a header, its own left out.
uint32_t header_checksum(const nlohmann::json& header);

/// JSON without repeated keys and nested at most `depth` deep; what is wrong with it is thrown as
/// Error(data) naming `file`.
nlohmann::json parse_strict(std::string_view text, int depth, const std::string& file);

} // namespace gdjit::safetensors
