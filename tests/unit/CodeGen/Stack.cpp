// Tiles that threads of a program have no stack for are refused, however they are cut.
#include "unit/CodeGen/LoopBuilder.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Support/Error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gdjit::test {
namespace {

/// A kernel of `tiles` tiles of 4096 f64 each, 32 KiB.
loop::Program of_tiles(int tiles) {
  constexpr ValueType f{DType::f64, 1};
  LoopBuilder b;
  BufferId out = b.output("y", {DType::f64, {4096}});
  for (int t = 0; t < tiles; ++t) {
    TileId tile = b.tile(f, {4096}, 0);
    LoopId i = b.begin(0, 4096);
    b.store(out, {at(i)}, b.get(tile, {at(i)}));
    b.end();
  }
  return b.finish();
}

TEST(Stack, holds_the_tiles_of_a_kernel_together_or_they_are_refused) {
  EXPECT_NO_THROW(generate_code(of_tiles(8), {}));
  try {
    generate_code(of_tiles(9), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::compile);
    EXPECT_THAT(error.what(), testing::HasSubstr("its tiles take more than 262144 bytes"));
  }
}

} // namespace
} // namespace gdjit::test
