// Loops, tiles, joins, transpositions and checks, compiled at every level and target, give what the
// Loop interpreter gives; the expected numbers of some stand here as well.
#include "unit/CodeGen/LoopBuilder.h"
#include "unit/CodeGen/RunEverywhere.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace gdjit::test {
namespace {

TEST(Loops, run_each_turn_for_any_begin_end_and_step) {
  LoopBuilder b;
  BufferId out = b.output("out", {i64, {100}});
  BufferId zero = b.constant("zero", Array({i64, {100}}));
  LoopId z = b.begin(0, 100);
  b.store(out, {at(z)}, b.load(zero, {at(z)}));
  b.end();
  struct Range {
    int64_t begin, end, step;
  };
  int64_t base = 0;
  for (Range r :
       {Range{0, 10, 1}, {3, 10, 3}, {-4, 5, 2}, {5, 5, 1}, {7, 3, 1}, {2, 3, 7}, {0, 1, 1}})
    for (LoopKind kind : {LoopKind::sequential, LoopKind::unrolled, LoopKind::parallel}) {
      LoopId i = b.begin(r.begin, r.end, r.step, kind);
      ValueId old = b.load(out, {fixed(base)});
      b.store(out, {fixed(base)},
              b.compute(ScalarOp::add, {i64, 1}, {old, b.index(at(i, 0, 3, 100))}));
      b.end();
      ++base;
    }
  CallResults results = run_everywhere(b.finish(), {});
  const auto* sums = results.outputs[0].data<int64_t>();
  EXPECT_EQ(sums[0], 1000 + 3 * 45);         // 0 .. 9
  EXPECT_EQ(sums[3], 300 + 3 * (3 + 6 + 9)); // 3, 6, 9
  EXPECT_EQ(sums[6], 500 + 3 * (-4 - 2 + 0 + 2 + 4));
  EXPECT_EQ(sums[9], 0);
  EXPECT_EQ(sums[12], 0);
  EXPECT_EQ(sums[15], 100 + 3 * 2);
}

TEST(Tiles, stay_right_in_registers_and_in_arrays) {
  for (LoopKind inner :
       {LoopKind::unrolled, LoopKind::sequential}) { // the second indexes the tile by a variable
    LoopBuilder b;
    BufferId a = b.input("a", {f32, {6, 37}});
    BufferId w = b.input("w", {f32, {37, 16}});
    BufferId out = b.output("out", {f32, {6, 16}});
    TileId t = b.tile({f32, 8}, {6, 2}, -0.0);
    LoopId k = b.begin(0, 37);
    LoopId j = b.begin(0, 2, 1, inner);
    ValueId row = b.load(w, {at(k), at(j, 1, 8)}, 8);
    LoopId i = b.begin(0, 6, 1, inner);
    ValueId x = b.load(a, {at(i), at(k)});
    b.set(t, {at(i), at(j)},
          b.compute(ScalarOp::fma, {f32, 8}, {x, row, b.get(t, {at(i), at(j)})}));
    b.end();
    b.end();
    b.end();
    i = b.begin(0, 6, 1, inner);
    j = b.begin(0, 2, 1, inner);
    b.store(out, {at(i), at(j, 1, 8)}, b.get(t, {at(i), at(j)}), 8);
    CallArguments arguments{{numbers({f32, {6, 37}}), numbers({f32, {37, 16}}, 2)}, {}, {}};
    CallResults results = run_everywhere(b.finish(), arguments);
    float expected = -0.0f;
    for (int64_t n = 0; n < 37; ++n)
      expected = std::fma(arguments.inputs[0].data<float>()[int64_t{2} * 37 + n],
                          arguments.inputs[1].data<float>()[n * 16 + 9], expected);
    EXPECT_EQ(results.outputs[0].data<float>()[2 * 16 + 9], expected);
  }
}

TEST(Tiles, start_anew_each_time_their_declaration_is_reached_and_hold_booleans) {
  LoopBuilder b;
  BufferId in = b.input("in", {boolean, {8, 8}});
  BufferId any = b.output("any", {boolean, {8}});
  BufferId all = b.output("all", {boolean, {8}});
  LoopId i = b.begin(0, 8);
  TileId t = b.tile({boolean, 1}, {2}, 0);
  b.set(t, {fixed(1)}, b.bits({boolean, 1}, 1));
  TileId u = b.tile({boolean, 8}, {}, 1);
  LoopId k = b.begin(0, 8);
  ValueId x = b.load(in, {at(i), at(k)});
  b.set(t, {fixed(0)}, b.compute(ScalarOp::bit_or, {boolean, 1}, {b.get(t, {fixed(0)}), x}));
  b.set(t, {fixed(1)}, b.compute(ScalarOp::bit_and, {boolean, 1}, {b.get(t, {fixed(1)}), x}));
  b.set(u, {}, b.compute(ScalarOp::bit_and, {boolean, 8}, {b.get(u, {}), x}));
  b.end();
  b.store(any, {at(i)}, b.get(t, {fixed(0)}));
  ValueId both = b.join(u, ScalarOp::bit_and);
  b.store(all, {at(i)}, b.compute(ScalarOp::bit_and, {boolean, 1}, {both, b.get(t, {fixed(1)})}));
  Array in_values = numbers({boolean, {8, 8}});
  for (int64_t k2 = 0; k2 < 8; ++k2) {
    in_values.data<bool>()[k2] = false;
    in_values.data<bool>()[8 + k2] = true;
  }
  CallResults results = run_everywhere(b.finish(), {{in_values}, {}, {}});
  EXPECT_FALSE(results.outputs[0].data<bool>()[0]);
  EXPECT_TRUE(results.outputs[0].data<bool>()[1]);
  EXPECT_TRUE(results.outputs[1].data<bool>()[1]);
}

TEST(Join, adds_partials_in_a_halving_tree) {
  struct Form {
    uint16_t lanes;
    std::vector<int64_t> extents;
  };
  for (const Form& form : {Form{1, {16}}, {4, {4}}, {8, {2}}, {16, {}}, {2, {2, 4}}, {1, {}}})
    for (ScalarOp op : {ScalarOp::add, ScalarOp::mul, ScalarOp::min, ScalarOp::max}) {
      LoopBuilder b;
      BufferId in = b.input("in", {f32, {16}});
      BufferId out = b.output("out", {f32, {}});
      TileId t = b.tile({f32, form.lanes}, form.extents, -0.0);
      int64_t count = 1;
      for (int64_t e : form.extents)
        count *= e;
      for (int64_t e = 0; e < count; ++e) {
        std::vector<Index> index;
        if (form.extents.size() == 1)
          index = {fixed(e)};
        if (form.extents.size() == 2)
          index = {fixed(e / form.extents[1]), fixed(e % form.extents[1])};
        Index first = fixed(e * form.lanes);
        first.lane = form.lanes > 1 ? 1 : 0;
        b.set(t, index, b.load(in, {first}, form.lanes));
      }
      b.store(out, {}, b.join(t, op));
      Array x({f32, {16}}, {1e8, 1, -1e8, 3, 1e-3, 7, 1e8, -9, 11, -1e8, 13, 0.1, 15, 1e7, 17, -3});
      CallResults results = run_everywhere(b.finish(), {{x}, {}, {}});
      if (op != ScalarOp::add)
        continue;
      std::vector<float> s(x.data<float>(), x.data<float>() + count * form.lanes);
      for (size_t h = s.size() / 2; h > 0; h /= 2)
        for (size_t l = 0; l < h; ++l)
          s[l] = s[l] + s[l + h];
      EXPECT_EQ(results.outputs[0].data<float>()[0], s[0]);
    }
}

TEST(Join, puts_the_join_of_each_row_of_a_part_into_its_lane) {
  struct Form {
    DType type;
    int64_t rows, vectors;
    uint16_t width, lanes;
  };
  for (const Form& f : {Form{f32, 10, 1, 16, 16},
                        {f32, 16, 1, 16, 16},
                        {f32, 3, 4, 16, 4},
                        {f64, 5, 2, 8, 8},
                        {f32, 7, 1, 4, 8},
                        {f32, 20, 1, 16, 32},
                        {i32, 1, 2, 2, 2},
                        {boolean, 6, 1, 4, 8}}) {
    LoopBuilder b;
    const int64_t n = f.vectors * f.width;
    BufferId in = b.input("in", {f.type, {2, f.rows, n}});
    BufferId out = b.output("out", {f.type, {2, f.lanes}});
    TileId t = b.tile({f.type, f.width}, {2, f.rows, f.vectors}, 0);
    for (int64_t part = 0; part < 2; ++part)
      for (int64_t row = 0; row < f.rows; ++row)
        for (int64_t v = 0; v < f.vectors; ++v) {
          Index first = fixed(v * f.width);
          first.lane = 1;
          b.set(t, {fixed(part), fixed(row), fixed(v)},
                b.load(in, {fixed(part), fixed(row), first}, f.width));
        }
    Index lanes = fixed(0);
    lanes.lane = 1;
    for (int64_t part = 0; part < 2; ++part)
      b.store(
          out, {fixed(part), lanes},
          b.join(t, f.type == boolean ? ScalarOp::bit_or : ScalarOp::add, {fixed(part)}, f.lanes),
          f.lanes);
    CallResults results = run_everywhere(b.finish(), {{numbers({f.type, {2, f.rows, n}})}, {}, {}});
    for (int64_t lane = f.rows; lane < f.lanes; ++lane)
      EXPECT_EQ(results.outputs[0].at(lane), 0) << "behind the rows";
  }
}

TEST(Transpose, exchanges_elements_and_lanes_of_a_part) {
  for (DType type : {f32, f64, i32, boolean})
    for (uint16_t n : {2, 4, 8, 16}) {
      LoopBuilder b;
      BufferId in = b.input("in", {type, {2, n, n}}), out = b.output("out", {type, {2, n, n}});
      TileId t = b.tile({type, n}, {2, n}, 0);
      Index lanes = fixed(0);
      lanes.lane = 1;
      for (int64_t part = 0; part < 2; ++part)
        for (int64_t e = 0; e < n; ++e)
          b.set(t, {fixed(part), fixed(e)}, b.load(in, {fixed(part), fixed(e), lanes}, n));
      b.transpose(t, {fixed(1)});
      LoopId i = b.begin(0, n); // its elements are read by a variable: the tile is an array
      for (int64_t part = 0; part < 2; ++part)
        b.store(out, {fixed(part), at(i), lanes}, b.get(t, {fixed(part), at(i)}), n);
      b.end();
      Array x = numbers({type, {2, n, n}});
      CallResults results = run_everywhere(b.finish(), {{x}, {}, {}});
      const Array& y = results.outputs[0];
      for (int64_t e = 0; e < n; ++e)
        for (int64_t lane = 0; lane < n; ++lane) {
          EXPECT_EQ(y.at(e * n + lane), x.at(e * n + lane));
          EXPECT_EQ(y.at(n * n + e * n + lane), x.at(n * n + lane * n + e));
        }
    }
}

TEST(Transpose, exchanges_elements_and_lanes_of_each_group_of_fewer_lanes) {
  for (DType type : {f32, f64, i32, boolean})
    for (uint16_t lanes : {8, 16})
      for (int64_t n = 1; n < lanes; n *= 2) {
        LoopBuilder b;
        BufferId in = b.input("in", {type, {n, lanes}}), out = b.output("out", {type, {n, lanes}});
        TileId t = b.tile({type, lanes}, {n}, 0);
        const Index lane_index{{0, {}}, loop::none, 1};
        for (int64_t e = 0; e < n; ++e)
          b.set(t, {fixed(e)}, b.load(in, {fixed(e), lane_index}, lanes));
        b.transpose(t);
        for (int64_t e = 0; e < n; ++e)
          b.store(out, {fixed(e), lane_index}, b.get(t, {fixed(e)}), lanes);
        Array x = numbers({type, {n, lanes}});
        CallResults results = run_everywhere(b.finish(), {{x}, {}, {}});
        for (int64_t e = 0; e < n; ++e)
          for (int64_t lane = 0; lane < lanes; ++lane)
            EXPECT_EQ(results.outputs[0].at(e * lanes + lane),
                      x.at(lane % n * lanes + lane / n * n + e));
      }
}

TEST(Check, reports_the_first_failure_by_node_and_position_and_the_call_goes_on) {
  for (uint16_t lanes : {1, 8})
    for (int64_t bad : {-1, 0, 5, 19}) {
      LoopBuilder b;
      BufferId places = b.input("places", {i64, {24}});
      BufferId out = b.output("out", {i64, {24}});
      int64_t step = lanes > 1 ? 1 : 0;
      for (NodeId node : {70u, 71u}) { // the same check twice: the first to fail is reported
        LoopId i = b.begin(0, 24, lanes);
        ValueId p = b.load(places, {at(i, step)}, lanes);
        ValueId low = b.compute(ScalarOp::ge, {boolean, lanes}, {p, b.constant({i64, 1}, 0)});
        ValueId high = b.compute(ScalarOp::lt, {boolean, lanes}, {p, b.constant({i64, 1}, 10)});
        ValueId position = b.index(at(i, step), lanes);
        ValueId active =
            b.compute(ScalarOp::lt, {boolean, lanes}, {position, b.constant({i64, 1}, 20)});
        b.check(b.compute(ScalarOp::bit_and, {boolean, lanes}, {low, high}), at(i, step, 1, 1000),
                node, active, lanes);
        b.store(out, {at(i, step)}, p, lanes);
        b.end();
      }
      Array p({i64, {24}});
      p.data<int64_t>()[22] = 99; // masked
      if (bad >= 0) {
        p.data<int64_t>()[bad] = 10;
        p.data<int64_t>()[19] = -1;
      }
      CallResults results = run_everywhere(b.finish(), {{p}, {}, {}});
      EXPECT_EQ(results.status.ok(), bad < 0);
      if (bad >= 0) {
        EXPECT_EQ(results.status.node, 70u);
        EXPECT_EQ(results.status.position, 1000 + bad);
      }
    }
}

} // namespace
} // namespace gdjit::test
