// NameTable: who bears a name first. For checks that names are distinct, of which a deep network
// has tens of thousands: one piece of memory, not one a name.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace gdjit {

class NameTable {
public:
  /// For at most `names` names, which outlive it.
  explicit NameTable(size_t names) : entries_(std::bit_ceil(2 * names + 1)) {}

  /// The number that came with `name` when it came first.
  uint32_t first(std::string_view name, uint32_t number) {
    const size_t mask = entries_.size() - 1;
    size_t at = std::hash<std::string_view>()(name) & mask;
    for (; entries_[at].used; at = (at + 1) & mask)
      if (entries_[at].name == name)
        return entries_[at].number;
    entries_[at] = {name, number, true};
    return number;
  }

private:
  struct Entry {
    std::string_view name;
    uint32_t number = 0;
    bool used = false;
  };
  std::vector<Entry> entries_; ///< an open table, at most half full
};

} // namespace gdjit
