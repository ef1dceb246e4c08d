// Every number round-trips: integers as such, f64 in their shortest exact form.
#include "CheckpointText.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace gdjit {

using nlohmann::json;

namespace {

json of_option(const OptionValue& option) {
  json value;
  if (option.value.is_float)
    value = static_cast<double>(option.value.value);
  else
    value = static_cast<int64_t>(option.value.value);
  return {{"name", option.name}, {"value", value}};
}

OptionValue to_option(const json& option) {
  const json& value = option.at("value");
  if (!value.is_number())
    throw Error(ErrorCode::data, "an option is no number");
  return {option.at("name").get<std::string>(),
          value.is_number_float() ? Number(value.get<double>()) : Number(value.get<int64_t>())};
}

json of_position(const LoaderPosition& p) {
  json seed;
  if (p.shuffle_seed.given)
    seed = p.shuffle_seed.value;
  return {{"epoch", p.epoch},           {"batch", p.batch},     {"rows", p.rows},
          {"batch_size", p.batch_size}, {"shuffle_seed", seed}, {"drop_last", p.drop_last}};
}

LoaderPosition to_position(const json& p) {
  LoaderPosition position;
  position.epoch = p.at("epoch").get<int64_t>();
  position.batch = p.at("batch").get<int64_t>();
  position.rows = p.at("rows").get<int64_t>();
  position.batch_size = p.at("batch_size").get<int64_t>();
  if (!p.at("shuffle_seed").is_null())
    position.shuffle_seed = p.at("shuffle_seed").get<int64_t>();
  position.drop_last = p.at("drop_last").get<bool>();
  return position;
}

json of_scaling(const Scaling& s) {
  return {{"input", s.input}, {"kind", name(s.kind)}, {"offset", s.offset}, {"scale", s.scale}};
}

Scaling to_scaling(const json& s) {
  Scaling scaling;
  scaling.input = s.at("input").get<std::string>();
  auto kind = s.at("kind").get<std::string>();
  if (kind != "standardize" && kind != "min_max")
    throw Error(ErrorCode::data, fmt::format("there is no scaling '{}'", kind));
  scaling.kind = kind == "standardize" ? ScalingKind::standardize : ScalingKind::min_max;
  scaling.offset = s.at("offset").get<std::vector<double>>();
  scaling.scale = s.at("scale").get<std::vector<double>>();
  return scaling;
}

DType to_dtype(const std::string& word) {
  for (int i = 0; i < dtype_count; ++i)
    if (name(static_cast<DType>(i)) == word)
      return static_cast<DType>(i);
  throw Error(ErrorCode::data, fmt::format("there is no type '{}'", word));
}

template <class T, class F> json list_of(const std::vector<T>& values, F to_json) {
  json list = json::array();
  for (const T& value : values)
    list.push_back(to_json(value));
  return list;
}

} // namespace

std::string checkpoint_text(const Checkpoint& c) {
  auto of_labels = [](const ClassLabels& l) {
    return json{{"column", l.column}, {"labels", l.labels}};
  };
  auto of_columns = [](const InputColumnNames& i) {
    return json{{"input", i.input}, {"columns", i.columns}};
  };
  auto of_setting = [](const std::pair<std::string, std::string>& s) {
    return json{{"name", s.first}, {"value", s.second}};
  };
  return json{{"version", c.version},
              {"written_by", c.written_by},
              {"step", c.step},
              {"seed", c.seed},
              {"model", c.model},
              {"dtype", name(c.dtype)},
              {"options", list_of(c.options, of_option)},
              {"position", of_position(c.position)},
              {"rows_checksum", c.rows_checksum},
              {"scalings", list_of(c.scalings, of_scaling)},
              {"labels", list_of(c.labels, of_labels)},
              {"columns", list_of(c.columns, of_columns)},
              {"settings", list_of(c.settings, of_setting)}}
      .dump();
}

Checkpoint parse_checkpoint(const std::string& text, const std::string& file) {
  try {
    json j = json::parse(text);
    Checkpoint c;
    c.version = j.at("version").get<int64_t>();
    c.written_by = j.at("written_by").get<std::string>();
    if (c.version > Checkpoint::newest)
      throw Error(
          ErrorCode::data,
          fmt::format("it is of format {}, written by gdjit {}; this gdjit reads formats up "
                      "to {}",
                      c.version, c.written_by, Checkpoint::newest));
    c.step = j.at("step").get<int64_t>();
    c.seed = j.at("seed").get<int64_t>();
    c.model = j.at("model").get<std::string>();
    c.dtype = to_dtype(j.at("dtype").get<std::string>());
    for (const json& option : j.at("options"))
      c.options.push_back(to_option(option));
    c.position = to_position(j.at("position"));
    c.rows_checksum = j.value("rows_checksum", int64_t{-1});
    for (const json& scaling : j.at("scalings"))
      c.scalings.push_back(to_scaling(scaling));
    for (const json& labels : j.at("labels"))
      c.labels.push_back({labels.at("column").get<std::string>(),
                          labels.at("labels").get<std::vector<std::string>>()});
    for (const json& input : j.at("columns"))
      c.columns.push_back({input.at("input").get<std::string>(),
                           input.at("columns").get<std::vector<std::string>>()});
    for (const json& setting : j.at("settings"))
      c.settings.emplace_back(setting.at("name").get<std::string>(),
                              setting.at("value").get<std::string>());
    return c;
  } catch (const json::exception& error) {
    throw Error(ErrorCode::data,
                fmt::format("{}: no checkpoint that can be read: {}", file, error.what()));
  } catch (const Error& error) {
    throw Error(ErrorCode::data, fmt::format("{}: no checkpoint that can be read: {}", file,
                                             error.diagnostics().front().message));
  }
}

} // namespace gdjit
