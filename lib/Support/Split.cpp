#include "gdjit/Support/Split.h"

#include <algorithm>

namespace gdjit {

std::vector<std::string> split_at(std::string_view text, char sign) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(sign, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines = split_at(text, '\n');
  if (lines.back().empty())
    lines.pop_back();
  return lines;
}

} // namespace gdjit
