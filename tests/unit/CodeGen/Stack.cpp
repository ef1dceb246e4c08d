// Tiles that threads of a program have no stack for are refused, however they are cut.
#include "unit/CodeGen/LoopBuilder.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Loop/Rewrite.h"
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
  loop::Program program = b.finish();
  loop::for_each(program.kernels[0].body, [](loop::Statement& s) { s.node = 0; });
  program.notes = {{0, "h", {"net.cpp", 7, 12}}};
  return program;
}

TEST(Stack, holds_the_tiles_of_a_kernel_together_or_they_are_refused) {
  EXPECT_NO_THROW(generate_code(of_tiles(32), {}));
  try {
    generate_code(of_tiles(33), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::compile);
    EXPECT_EQ(error.location(), (SourceLocation{"net.cpp", 7, 12}));
    EXPECT_STREQ(
        error.what(),
        "net.cpp:7:12: error: kernel k0: tile t32 takes 32768 bytes, and all tiles of the "
        "kernel up to it more than the 1048576 that a thread's stack has room for; hold its "
        "elements in a temporary buffer, or move it to a kernel of its own");
  }
}

} // namespace
} // namespace gdjit::test
