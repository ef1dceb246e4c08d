// Large pages for what fills them; the rest of an array lies in small ones.
#include "gdjit/Support/AlignedMemory.h"

#include <algorithm>
#include <cstdlib>
#include <sys/mman.h>

namespace gdjit {

namespace {

constexpr size_t large_page = size_t{2} << 20;

} // namespace

void* aligned_memory(int64_t bytes, size_t alignment) noexcept {
  const auto wanted = static_cast<size_t>(std::max<int64_t>(bytes, 1));
  const size_t in_large_pages = wanted / large_page * large_page;
  const size_t unit = in_large_pages == 0 ? alignment : std::max(alignment, large_page);
  void* memory = std::aligned_alloc(unit, (wanted + unit - 1) / unit * unit);
  if (memory != nullptr && in_large_pages != 0)
    ::madvise(memory, in_large_pages, MADV_HUGEPAGE); // refused, it has small ones
  return memory;
}

} // namespace gdjit
