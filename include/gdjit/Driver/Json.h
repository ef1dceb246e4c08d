// JSON for other programs to read: steps and loop programs (`gdjit dump --as json`), and how a
// number or a text stands in all JSON that gdjit writes.
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"

#include <cmath>
#include <string>

namespace gdjit {

/// {"stage", "signature", "nodes": [{"id", "op", "kind", "operands", "attributes", "type", "name",
/// "part", "at"}], "outputs", "updates", "kernels"}; members that would be empty are left out.
std::string print_json(const Step& step);

/// {"stage", "signature", "buffers", "kernels": [{"name", "title", "body": [statement]}],
/// "arena_bytes"}.
std::string print_json(const loop::Program& program);

/// {"stage", "text"}: a stage behind Planned.
std::string print_json(Stage stage, const std::string& text);

// Over nlohmann's type, which installed headers do not include.

/// A number that round-trips; "nan", "inf", "-inf" as strings, which JSON has no numbers for.
template <class Json> Json json_number(double value) {
  if (std::isfinite(value))
    return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

/// The elements, row-major.
template <class Json> Json json_elements(const Array& array) {
  Json out = Json::array();
  DType type = array.type().dtype;
  for (int64_t i = 0; i < array.elements(); ++i)
    if (type == DType::boolean)
      out.push_back(array.at(i) != 0);
    else if (type == DType::i64)
      out.push_back(array.data<int64_t>()[i]);
    else if (type == DType::i32)
      out.push_back(array.data<int32_t>()[i]);
    else
      out.push_back(json_number<Json>(array.at(i)));
  return out;
}

/// Indented text with a line end. File names may hold bytes that are no UTF-8: each becomes U+FFFD.
template <class Json> std::string json_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace gdjit
