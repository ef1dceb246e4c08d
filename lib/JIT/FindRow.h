// Rows of a signature by their names.
#pragma once

#include <cstddef>
#include <string_view>

namespace gdjit {

/// The row of that name; -1 where there is none.
template <class Rows> int find_row(const Rows& rows, std::string_view name) {
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i].name == name)
      return static_cast<int>(i);
  return -1;
}

} // namespace gdjit
