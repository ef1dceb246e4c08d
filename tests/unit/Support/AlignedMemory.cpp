// Memory begins where it was asked to, that of large pages at one, and all of it can be written.
#include "gdjit/Support/AlignedMemory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace gdjit {
namespace {

constexpr int64_t page = int64_t{2} << 20;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

uintptr_t place(const std::unique_ptr<void, Free>& memory) {
  return reinterpret_cast<uintptr_t>(memory.get());
}

TEST(AlignedMemory, BeginsAtItsAlignmentAndIsAllThere) {
  for (int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{65}, page - 1, page, page + 1, 3 * page})
    for (size_t alignment : {size_t{64}, size_t{4096}}) {
      const std::unique_ptr<void, Free> memory(aligned_memory(bytes, alignment));
      ASSERT_NE(memory, nullptr);
      EXPECT_EQ(place(memory) % alignment, 0u) << bytes;
      std::memset(memory.get(), 1, static_cast<size_t>(bytes));
    }
}

TEST(AlignedMemory, OfALargePageBeginsAtOne) {
  for (int64_t bytes : {page, page + 1, 5 * page})
    EXPECT_EQ(place(std::unique_ptr<void, Free>(aligned_memory(bytes, 64))) % page, 0u) << bytes;
}

TEST(AlignedMemory, ThatIsNotThereIsNull) {
  EXPECT_EQ(aligned_memory(int64_t{1} << 60, 64), nullptr);
}

} // namespace
} // namespace gdjit
