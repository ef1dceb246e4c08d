// State: names, memory, copies.
#include "gdjit/Runtime/State.h"

#include "unit/Runtime/Resident.h"

#include "gdjit/Runtime/StateStorage.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/FloatEnvironment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xmmintrin.h>

namespace gdjit {
namespace {

using testing::HasSubstr;

State two() {
  return State({"block1/w", "block1/b"},
               {Array({DType::f32, {2, 3}}, {1, 2, 3, 4, 5, 6}), Array({DType::i64, {}}, {7})}, 11);
}

template <class F> std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(State, that_was_moved_away_says_so) {
  State state({"w"}, {Array({DType::f32, {2}}, {1, 2})});
  State there = std::move(state);
  // NOLINTNEXTLINE(bugprone-use-after-move)
  EXPECT_THROW({ (void)state.view("w"); }, Error);
  EXPECT_THROW({ (void)state.step(); }, Error);
  EXPECT_EQ(there.view("w").at(1), 2);
}

TEST(State, holds_arrays_by_name_and_number) {
  State s = two();
  EXPECT_EQ(s.size(), 2);
  EXPECT_EQ(s.find("block1/b"), 1);
  EXPECT_EQ(s.find("block1"), -1);
  EXPECT_EQ(s.name(0), "block1/w");
  EXPECT_EQ(s.type(0), (TensorType{DType::f32, {2, 3}}));
  EXPECT_EQ(s.view("block1/w").at(5), 6);
  EXPECT_EQ(*s.view(1).as<int64_t>(), 7);
  EXPECT_EQ(s.seed(), 11);
  EXPECT_EQ(s.step(), 0);
}

TEST(State, lays_arrays_out_in_order_in_one_aligned_allocation) {
  State s({"z", "a", "empty", "m"}, {Array({DType::f32, {17}}), Array({DType::f64, {1}}),
                                     Array({DType::f32, {0}}), Array({DType::boolean, {3}})});
  const StateStorage& storage = *s.storage();
  const char* at = storage.memory;
  int64_t expected[] = {0, 128, 192, 192};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(static_cast<const char*>(s.view(i).data) - at, expected[i]);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(s.view(i).data) % Array::alignment, 0u);
  }
  EXPECT_EQ(storage.bytes, 256);
}

TEST(State, gives_each_array_back_once_it_is_copied) {
  std::vector<Array> values; // too large for the heap to keep what is given back
  for (int i = 0; i < 4; ++i)
    values.emplace_back(TensorType{DType::f32, {10, 1 << 20}});
  values[3].set(0, 1);
  if (!test::set_back_resident_peak())
    GTEST_SKIP() << "no telling how much memory there was";
  const int64_t before = test::resident_megabytes("VmRSS:");
  State s({"a", "b", "c", "d"}, std::move(values));
  EXPECT_EQ(s.view("d").at(0), 1);
  EXPECT_GT(test::resident_megabytes("VmRSS:"), 160);
  EXPECT_LT(test::resident_megabytes("VmHWM:"), before + 40 + 20);
}

TEST(State, is_cloned_by_value_and_moved_with_its_memory) {
  State s = two();
  s.set_step(5);
  State copy = s.clone();
  s.set("block1/b", Array({DType::i64, {}}, {8}));
  EXPECT_EQ(copy.view("block1/b").at(0), 7);
  EXPECT_EQ(copy.step(), 5);
  EXPECT_EQ(copy.seed(), 11);
  const void* memory = s.view(0).data;
  State moved = std::move(s);
  EXPECT_EQ(moved.view(0).data, memory);
  EXPECT_TRUE(same_bits(moved.values()[0], copy.values()[0]));
}

TEST(State, refuses_other_types_unknown_and_double_names) {
  State s = two();
  EXPECT_THAT(message_of([&] { s.set("block1/b", Array({DType::i64, {1}})); }),
              HasSubstr("state block1/b is i64[], the value given is i64[1]"));
  EXPECT_THAT(message_of([&] { s.view("w"); }),
              HasSubstr("no state is named w; there are: block1/w, block1/b"));
  EXPECT_THAT(message_of([&] { s.set("w", Array()); }), HasSubstr("no state is named w"));
  EXPECT_THAT(message_of([] { State({"w", "w"}, {Array(), Array()}); }),
              HasSubstr("two states are named w"));
}

TEST(TensorView, reads_elements_and_checks_their_type) {
  Array a({DType::i32, {2}}, {-3, 4});
  TensorView v("a", a);
  EXPECT_EQ(v.at(0), -3);
  EXPECT_EQ(v.as<int32_t>()[1], 4);
  EXPECT_TRUE(same_bits(v.copy(), a));
  EXPECT_THROW(v.as<float>(), Error);
  EXPECT_THROW(v.at(2), Error);
}

TEST(FloatEnvironment, is_the_default_inside_and_the_hosts_behind) {
  unsigned host = _mm_getcsr();
  _mm_setcsr(0x9fc0); // flush to zero, subnormals are zero
  unsigned inside = 0;
  {
    FloatEnvironment environment;
    inside = _mm_getcsr();
  }
  unsigned after = _mm_getcsr();
  _mm_setcsr(host);
  EXPECT_EQ(inside, 0x1f80u);
  EXPECT_EQ(after, 0x9fc0u);
}

} // namespace
} // namespace gdjit
