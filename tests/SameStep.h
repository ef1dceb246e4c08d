// Equality of steps, field by field: what "parses back to an equal step" means.
#pragma once

#include "gdjit/IR/Step.h"

#include <gtest/gtest.h>

namespace gdjit::testing {

/// Graphs with equal nodes, names and places; files may be listed in another order.
inline void expect_same(const Graph& a, const Graph& b) {
  ASSERT_EQ(a.size(), b.size());
  for (NodeId n = 0; n < a.size(); ++n) {
    EXPECT_EQ(a.op(n), b.op(n)) << "node " << n;
    ASSERT_EQ(a.operands(n).size(), b.operands(n).size()) << "node " << n;
    for (size_t i = 0; i < a.operands(n).size(); ++i)
      EXPECT_EQ(a.operands(n)[i], b.operands(n)[i]) << "node " << n;
    EXPECT_TRUE(a.attributes(n) == b.attributes(n)) << "node " << n;
    EXPECT_EQ(a.type(n), b.type(n)) << "node " << n;
    EXPECT_EQ(a.name(n), b.name(n)) << "node " << n;
    EXPECT_EQ(a.location(n), b.location(n)) << "node " << n;
    EXPECT_EQ(a.origin(n).part, b.origin(n).part) << "node " << n;
  }
}

inline void expect_same(const std::vector<Rows>& a, const std::vector<Rows>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].input, b[i].input);
    EXPECT_EQ(a[i].file, b[i].file);
    ASSERT_EQ(!a[i].values, !b[i].values);
    EXPECT_TRUE(!a[i].values || same_bits(*a[i].values, *b[i].values));
  }
}

inline void expect_same(const Signature& a, const Signature& b) {
  auto place = [](const Signature& s, const Origin& origin) { return s.initial.location(origin); };
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.batch, b.batch);
  ASSERT_EQ(a.inputs.size(), b.inputs.size());
  for (size_t i = 0; i < a.inputs.size(); ++i) {
    EXPECT_EQ(a.inputs[i].name, b.inputs[i].name);
    EXPECT_EQ(a.inputs[i].type, b.inputs[i].type);
    EXPECT_EQ(a.inputs[i].batch_axis, b.inputs[i].batch_axis);
    EXPECT_EQ(place(a, a.inputs[i].origin), place(b, b.inputs[i].origin));
  }
  ASSERT_EQ(a.states.size(), b.states.size());
  for (size_t i = 0; i < a.states.size(); ++i) {
    EXPECT_EQ(a.states[i].name, b.states[i].name);
    EXPECT_EQ(a.states[i].type, b.states[i].type);
    EXPECT_EQ(a.states[i].initial, b.states[i].initial);
    EXPECT_EQ(place(a, a.states[i].origin), place(b, b.states[i].origin));
  }
  ASSERT_EQ(a.scalars.size(), b.scalars.size());
  for (size_t i = 0; i < a.scalars.size(); ++i) {
    EXPECT_EQ(a.scalars[i].name, b.scalars[i].name);
    EXPECT_EQ(a.scalars[i].dtype, b.scalars[i].dtype);
    EXPECT_EQ(a.scalars[i].has_default, b.scalars[i].has_default);
    EXPECT_EQ(a.scalars[i].initial, b.scalars[i].initial);
    EXPECT_EQ(place(a, a.scalars[i].origin), place(b, b.scalars[i].origin));
  }
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    EXPECT_EQ(a.outputs[i].name, b.outputs[i].name);
    EXPECT_EQ(a.outputs[i].type, b.outputs[i].type);
    EXPECT_EQ(a.outputs[i].batch_axis, b.outputs[i].batch_axis);
    EXPECT_EQ(place(a, a.outputs[i].origin), place(b, b.outputs[i].origin));
  }
  ASSERT_EQ(a.updates.size(), b.updates.size());
  for (size_t i = 0; i < a.updates.size(); ++i) {
    EXPECT_EQ(a.updates[i].state, b.updates[i].state);
    EXPECT_EQ(place(a, a.updates[i].origin), place(b, b.updates[i].origin));
  }
  expect_same(a.data, b.data);
  expect_same(a.examples, b.examples);
  expect_same(a.initial, b.initial);
}

inline void expect_same(const Step& a, const Step& b) {
  EXPECT_EQ(a.stage, b.stage);
  expect_same(a.signature, b.signature);
  expect_same(a.graph, b.graph);
  EXPECT_EQ(a.outputs, b.outputs);
  EXPECT_EQ(a.updates, b.updates);
  EXPECT_EQ(a.partition.kernel_of, b.partition.kernel_of);
  ASSERT_EQ(a.partition.kernels.size(), b.partition.kernels.size());
  for (size_t i = 0; i < a.partition.kernels.size(); ++i) {
    EXPECT_EQ(a.partition.kernels[i].name, b.partition.kernels[i].name);
    EXPECT_EQ(a.partition.kernels[i].title, b.partition.kernels[i].title);
    EXPECT_EQ(a.partition.kernels[i].reason, b.partition.kernels[i].reason);
  }
}

} // namespace gdjit::testing
