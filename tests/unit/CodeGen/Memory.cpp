// What loads and stores touch, compiled at every level and target: patterns of lanes, masks, and
// stores past the caches.
#include "unit/CodeGen/LoopBuilder.h"
#include "unit/CodeGen/RunEverywhere.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace gdjit::test {
namespace {

TEST(Memory, a_part_of_a_vector_is_loaded_into_another_one) {
  for (DType type : {f32, f64, i32, i64, boolean})
    for (uint16_t lanes : {4, 8, 16})
      for (int64_t count = 1; count < lanes; count *= 2)
        for (int64_t first : {int64_t{0}, count, int64_t{1}}) {
          LoopBuilder b;
          BufferId in = b.input("in", {type, {3, lanes}}), out = b.output("out", {type, {lanes}});
          Index column{{0, {}}, loop::none, 1}, shifted{{-first, {}}, loop::none, 1};
          const ValueId lane = b.index(column, lanes),
                        begin = b.constant({i64, 1}, static_cast<double>(first - 1)),
                        end = b.constant({i64, 1}, static_cast<double>(first + count));
          const ValueId mask = b.compute(ScalarOp::bit_and, {boolean, lanes},
                                         {b.compute(ScalarOp::lt, {boolean, lanes}, {begin, lane}),
                                          b.compute(ScalarOp::lt, {boolean, lanes}, {lane, end})});
          const ValueId fill = b.load(in, {fixed(2), column}, lanes);
          b.store(out, {column}, b.load(in, {fixed(0), shifted}, lanes, mask, fill), lanes);
          run_everywhere(b.finish(), {{numbers({type, {3, lanes}})}, {}, {}});
        }
}

TEST(Memory, a_streaming_store_writes_what_any_other_writes_and_is_waited_for) {
  for (DType type : {f32, f64, i32, boolean})
    for (uint16_t lanes : {4, 16})
      for (int64_t first : {0, 16, 1}) { // at any alignment
        LoopBuilder b;
        BufferId in = b.input("in", {type, {64}}), out = b.output("out", {type, {64 + first}});
        LoopId zero = b.begin(0, first);
        b.store(out, {at(zero)}, b.load(in, {at(zero)}));
        b.end();
        LoopId i = b.begin(0, 64, lanes);
        b.stream(out, {at(i, 1, 1, first)}, b.load(in, {at(i, 1)}, lanes), lanes);
        b.end();
        const loop::Program program = b.finish();
        const Array x = numbers({type, {64}});
        const CallResults results = run_everywhere(program, {{x}, {}, {}});
        EXPECT_EQ(results.outputs[0].at(first + 63), x.at(63));
        const std::string text = print_code(program, Stage::LLVM, {});
        EXPECT_NE(text.find("!nontemporal"), std::string::npos);
        EXPECT_LT(text.find("!nontemporal"), text.find("x86.sse.sfence"));
        EXPECT_LT(text.find("x86.sse.sfence"), text.find("ret void"));
      }
}

/// What LLVM may rely on: no two buffers reach the same bytes, and nothing writes what a kernel
/// only reads; of buffers that do share bytes nothing is said.
TEST(Memory, each_buffer_has_a_type_and_what_is_only_read_is_constant) {
  LoopBuilder b;
  BufferId in = b.input("in", {f32, {8}}), first = b.output("first", {f32, {8}}),
           second = b.output("second", {f32, {8}});
  LoopId i = b.begin(0, 8);
  b.store(first, {at(i)}, b.load(in, {at(i)}));
  b.store(second, {at(i)}, b.load(in, {at(i)}));
  b.end();
  loop::Program program = b.finish();
  const std::string apart = print_code(program, Stage::LLVM, {});
  for (const char* type : {"!{!\"0\"", "!{!\"1\"", "!{!\"2\""})
    EXPECT_NE(apart.find(type), std::string::npos) << type << apart;
  auto count = [](const std::string& text, const std::string& what) {
    size_t found = 0;
    for (size_t from = 0; (from = text.find(what, from)) != std::string::npos; ++from)
      ++found;
    return found;
  };
  EXPECT_EQ(count(apart, ", i64 0, i64 1}"), 1u) << "constant: " << apart;
  EXPECT_EQ(count(apart, "!\"shared\""), 0u);
  program.buffers[second].offset = program.buffers[first].offset + 16;
  const std::string overlapping = print_code(program, Stage::LLVM, {});
  EXPECT_EQ(count(overlapping, "!\"shared\""), 1u) << overlapping;
  EXPECT_EQ(overlapping.find("!\"2\""), std::string::npos) << overlapping;
}

TEST(Memory, every_pattern_of_lanes_loads_and_stores_what_its_indices_say) {
  for (DType type : {f32, f64, i32, i64, boolean})
    for (uint16_t lanes : {2, 4, 8, 16}) {
      LoopBuilder b;
      const int64_t n = 64;
      BufferId in = b.input("in", {type, {n, 3}});
      BufferId places = b.input("places", {i64, {n}});
      BufferId line = b.input("line", {type, {n}});
      auto whole = [&](const char* name) { return b.output(name, {type, {n}}); };
      BufferId contiguous = whole("contiguous"), strided = whole("strided"),
               repeated = whole("repeated"), reversed = whole("reversed"),
               gathered = whole("gathered"), one = whole("one");
      BufferId scattered = b.output("scattered", {type, {n, 3}});
      BufferId backward = whole("backward");
      LoopId c = b.begin(0, n);
      LoopId d = b.begin(0, 3);
      b.store(scattered, {at(c), at(d)}, b.constant({type, 1}, 1));
      b.end();
      b.end();
      LoopId i = b.begin(0, n, lanes);
      Index flat{{0, {{i, 1}}}, loop::none, 1};
      b.store(contiguous, {flat}, b.load(line, {flat}, lanes), lanes);
      b.store(strided, {flat}, b.load(in, {at(i, 1), fixed(2)}, lanes), lanes);
      b.store(repeated, {flat}, b.load(in, {at(i), fixed(1)}, lanes), lanes);
      b.store(reversed, {flat}, b.load(in, {at(i, -1, -1, n - 1), fixed(0)}, lanes), lanes);
      ValueId p = b.load(places, {flat}, lanes);
      b.store(gathered, {flat}, b.load(in, {dynamic(p), fixed(1)}, lanes), lanes);
      ValueId single = b.load(places, {at(i)});
      b.store(one, {flat}, b.load(in, {dynamic(single), fixed(2)}, lanes), lanes);
      b.store(scattered, {at(i, 1), fixed(1)}, b.load(in, {at(i, 1), fixed(0)}, lanes), lanes);
      b.store(scattered, {dynamic(p), fixed(2)}, b.load(in, {at(i, 1), fixed(1)}, lanes),
              lanes); // the last wins
      b.store(backward, {at(i, -1, -1, n - 1)}, b.load(in, {at(i, 1), fixed(1)}, lanes), lanes);
      b.end();
      CallArguments arguments{
          {numbers({type, {n, 3}}), indices(n, n), numbers({type, {n}}, 4)}, {}, {}};
      CallResults results = run_everywhere(b.finish(), arguments);
      for (int64_t e = 0; e < n; ++e) {
        EXPECT_EQ(results.outputs[1].at(e), arguments.inputs[0].at(e * 3 + 2));
        EXPECT_EQ(results.outputs[3].at(e), arguments.inputs[0].at(((n - 1) - e) * 3));
        EXPECT_EQ(results.outputs[4].at(e),
                  arguments.inputs[0].at(arguments.inputs[1].data<int64_t>()[e] * 3 + 1));
      }
    }
}

TEST(Memory, masked_lanes_touch_nothing_and_give_the_fill) {
  for (DType type : {f32, f64, i32, i64, boolean})
    for (uint16_t lanes : {1, 4, 8, 16}) {
      const int64_t n = 37; // the last vector hangs over
      LoopBuilder b;
      BufferId in = b.input("in", {type, {n}});
      BufferId table = b.input("table", {type, {5, 7}});
      BufferId places = b.input("places", {i64, {n}});
      BufferId out = b.output("out", {type, {n}});
      BufferId gathered = b.output("gathered", {type, {n}});
      BufferId scattered = b.output("scattered", {type, {2 * n}});
      LoopId c = b.begin(0, 2 * n);
      b.store(scattered, {at(c)}, b.constant({type, 1}, 1));
      b.end();
      LoopId i = b.begin(0, n, lanes);
      int64_t step = lanes > 1 ? 1 : 0;
      ValueId position = b.index(at(i, step), lanes);
      ValueId mask = b.compute(ScalarOp::lt, {boolean, lanes}, {position, b.constant({i64, 1}, n)});
      ValueId fill = b.constant({type, 1}, 1);
      ValueId x = b.load(in, {at(i, step)}, lanes, mask, fill);
      b.store(out, {at(i, step)}, x, lanes, mask);
      ValueId p = b.load(places, {at(i, step)}, lanes, mask,
                         b.constant({i64, 1}, 1 << 20)); // masked: far away
      ValueId inside = b.compute(ScalarOp::lt, {boolean, lanes}, {p, b.constant({i64, 1}, 5)});
      ValueId g = b.load(table, {dynamic(p), fixed(3)}, lanes, inside, fill);
      b.store(gathered, {at(i, step)}, g, lanes, mask);
      b.store(scattered, {at(i, 2 * step, 2)}, x, lanes, mask);
      b.end();
      CallArguments arguments{
          {numbers({type, {n}}), numbers({type, {5, 7}}, 5), indices(n, 9)}, {}, {}};
      CallResults results = run_everywhere(b.finish(), arguments);
      EXPECT_EQ(results.outputs[0].at(36), arguments.inputs[0].at(36));
      int64_t p20 = arguments.inputs[2].data<int64_t>()[20];
      EXPECT_EQ(results.outputs[1].at(20), p20 < 5 ? arguments.inputs[1].at(p20 * 7 + 3) : 1);
    }
}

TEST(Memory, masked_sets_keep_the_other_lanes) {
  for (uint16_t lanes : {1, 8}) {
    LoopBuilder b;
    BufferId in = b.input("in", {f64, {32}});
    BufferId out = b.output("out", {f64, {8}});
    TileId t = b.tile({f64, lanes}, {8 / lanes}, -5);
    LoopId i = b.begin(0, 8 / lanes, 1, LoopKind::unrolled);
    LoopId k = b.begin(0, 4);
    int64_t step = lanes > 1 ? 1 : 0;
    Index index{{0, {{i, lanes}, {k, 8}}}, loop::none, step};
    ValueId x = b.load(in, {index}, lanes);
    ValueId better = b.compute(ScalarOp::gt, {boolean, lanes}, {x, b.get(t, {at(i)})});
    b.set(t, {at(i)}, x, better);
    b.end();
    b.store(out, {at(i, step, lanes)}, b.get(t, {at(i)}), lanes);
    CallArguments arguments{{numbers({f64, {32}})}, {}, {}};
    CallResults results = run_everywhere(b.finish(), arguments);
    double most = -5;
    for (int64_t k2 = 0; k2 < 4; ++k2)
      most = std::max(most, arguments.inputs[0].at(8 * k2 + 3));
    EXPECT_EQ(results.outputs[0].at(3), most);
  }
}

} // namespace
} // namespace gdjit::test
