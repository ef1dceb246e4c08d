// Memory for the elements of tensors.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gdjit {

/// At least one byte, not initialized; to be given back by std::free. nullptr where there is none.
/// Of two megabytes and more the system is asked for large pages: a step that reads rows far apart
/// needs a page's address for each of them.
void* aligned_memory(int64_t bytes, size_t alignment) noexcept;

} // namespace gdjit
