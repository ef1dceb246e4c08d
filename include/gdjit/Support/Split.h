// Texts cut at a sign, and into lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

/// The parts between the signs, empty ones too; all of a text that has none.
std::vector<std::string> split_at(std::string_view text, char sign);
/// Lines without their ends; a last one need not have an end.
std::vector<std::string> split_lines(std::string_view text);

} // namespace gdjit
