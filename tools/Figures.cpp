// Numbers in and out.
#include "Figures.h"

#include "Subject.h"

#include "gdjit/Support/Suggest.h"

#include <cmath>

namespace gdjit::tool {

Json to_json(double value) { return json_number<Json>(value); }

Json to_json(const Array& array) {
  return {{"type", to_string(array.type())}, {"values", json_elements<Json>(array)}};
}

bool is_loss(std::string_view output) {
  return output == "loss" || output.ends_with("_loss") || output.ends_with("/loss");
}

Criterion::Criterion(const std::string& text) : text(text) {
  size_t at = text.find_first_of("<>=!");
  size_t end = at == std::string::npos ? at : text.find_first_not_of("<>=!", at);
  auto trimmed = [](std::string s) {
    s.erase(0, s.find_first_not_of(' '));
    s.erase(s.find_last_not_of(' ') + 1);
    return s;
  };
  if (end != std::string::npos) {
    figure = trimmed(text.substr(0, at));
    relation = text.substr(at, end - at);
  }
  bool known = false;
  for (const char* r : {"<", "<=", ">", ">=", "==", "!="})
    known |= relation == r;
  if (figure.empty() || !known)
    throw Error(
        ErrorCode::usage,
        fmt::format("--expect '{}': expected a figure, one of < <= > >= == !=, and a number, "
                    "as in 'loss<0.05'",
                    text));
  bound = parse_number(trimmed(text.substr(end)), fmt::format("--expect '{}'", text));
  if (std::isnan(bound))
    throw Error(ErrorCode::usage,
                fmt::format("--expect '{}': nothing compares with nan; give a number", text));
}

double Criterion::value(const Figures& figures) const {
  std::vector<std::string> known;
  for (const auto& [name, value] : figures) {
    if (name == figure)
      return value;
    known.push_back(name);
  }
  throw Error(ErrorCode::usage,
              fmt::format("--expect '{}': no figure '{}', there are {}{}", text, figure,
                          fmt::join(known, ", "), did_you_mean(figure, known)));
}

bool Criterion::met(const Figures& figures) const {
  double v = value(figures);
  return relation == "<"    ? v < bound
         : relation == "<=" ? v <= bound
         : relation == ">"  ? v > bound
         : relation == ">=" ? v >= bound
         : relation == "==" ? v == bound
                            : v != bound;
}

} // namespace gdjit::tool
