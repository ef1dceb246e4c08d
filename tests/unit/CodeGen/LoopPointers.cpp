// Addresses that many accesses of a loop share move with it, and are the same addresses.
#include "unit/CodeGen/LoopBuilder.h"
#include "unit/CodeGen/RunEverywhere.h"

#include "gdjit/CodeGen/CodeGen.h"

#include <gmock/gmock.h>

namespace gdjit::test {
namespace {

constexpr ValueType f{f32, 16};

/// y[i] = sum over k of a[rows i .. i + 5, k] b[k], for k of every `step` from `first` on.
loop::Program product(int64_t first, int64_t step) {
  LoopBuilder b;
  const BufferId a = b.input("a", {f32, {12, 21}}), w = b.input("b", {f32, {21, 16}}),
                 y = b.output("y", {f32, {12, 16}});
  const LoopId i = b.begin(0, 12, 6);
  const TileId t = b.tile(f, {6}, -0.0);
  const LoopId k = b.begin(first, 21, step);
  const ValueId of_w = b.load(w, {at(k), Index{{0, {}}, loop::none, 1}}, 16);
  for (int64_t r = 0; r < 6; ++r) {
    const ValueId factor = b.load(a, {at(i, 0, 1, r), at(k)});
    b.set(t, {fixed(r)}, b.compute(ScalarOp::fma, f, {factor, of_w, b.get(t, {fixed(r)})}));
  }
  b.end();
  for (int64_t r = 0; r < 6; ++r)
    b.store(y, {at(i, 0, 1, r), Index{{0, {}}, loop::none, 1}}, b.get(t, {fixed(r)}), 16);
  b.end();
  return b.finish();
}

TEST(LoopPointers, are_the_addresses_that_the_indices_name) {
  for (int64_t first : {0, 2})
    for (int64_t step : {1, 3})
      run_everywhere(product(first, step),
                     {{numbers({f32, {12, 21}}), numbers({f32, {21, 16}}, 2)}, {}, {}});
}

TEST(LoopPointers, leave_no_index_in_a_tile_of_one_vector) {
  const std::string assembly = print_code(product(0, 1), Stage::Object, {.target = "x86-64-v4"});
  EXPECT_THAT(assembly, testing::ContainsRegex("vfmadd[0-9]+ps.*1to16"));
  EXPECT_THAT(assembly, testing::Not(testing::ContainsRegex(",[1248]\\)\\{1to16")));
}

} // namespace
} // namespace gdjit::test
