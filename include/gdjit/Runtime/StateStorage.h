// StateStorage: the memory of a State, for the layers that bind compiled code to it.
#pragma once

#include "gdjit/IR/Array.h"

#include <atomic>
#include <string>
#include <vector>

namespace gdjit {

struct StateStorage {
  struct Entry {
    std::string name;
    TensorType type;
    char* data = nullptr; ///< into the one allocation
  };

  explicit StateStorage(std::vector<Entry> entries); ///< places the entries, elements undefined
  ~StateStorage();
  StateStorage(const StateStorage&) = delete;
  StateStorage& operator=(const StateStorage&) = delete;

  int find(std::string_view name) const;
  const Entry& entry(int i) const; ///< Error(usage) where there is none

  std::vector<Entry> entries;
  std::vector<uint32_t> by_name; ///< entries sorted by name
  char* memory = nullptr;
  int64_t bytes = 0;
  int64_t step = 0;
  int64_t seed = 0;
  /// A step that writes this State is running. Checked with plain loads and stores: it is there to
  /// catch a mistake, not to order threads.
  std::atomic<bool> busy = false;
};

} // namespace gdjit
