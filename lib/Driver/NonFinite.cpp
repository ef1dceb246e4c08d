// The interpreter gives the bits of the native step, so the op it finds is the guilty one.
#include "NonFinite.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/Values.h"
#include "gdjit/Interp/GraphInterpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gdjit {

namespace {

bool finite(const Array& array, int64_t i) {
  return !is_float(array.type().dtype) || std::isfinite(array.at(i));
}

/// Elements of each node that are not finite and went into a result that is not. What a guard or a
/// select kept away is none of them.
class Culprits {
public:
  Culprits(const Step& step, const std::vector<Array>& values)
      : graph_(step.graph), values_(values), marked_(graph_.size()) {
    for (Value v : step.outputs)
      mark(v);
    for (Value v : step.updates)
      mark(v);
    for (NodeId n = graph_.size(); n-- > 0;)
      if (is_pointwise(n)) {
        for (int64_t i = 0; i < elements(n); ++i)
          for (Value v : read_by(n, i))
            mark(v, i);
      } else if (!marked_[n].empty()) {
        for (Value v : graph_.operands(n))
          mark(v);
      }
  }

  /// An element that the node made: NaN of operands without NaN, infinity of finite ones; or one
  /// that came in from outside. -1 for none.
  int64_t made_by(NodeId n) const {
    if (marked_[n].empty() || graph_.attributes(n).has(Attr::value))
      return -1; // an infinite constant is meant
    Found all;
    if (!is_pointwise(n))
      for (Value v : graph_.operands(n))
        for (int64_t i = 0; i < values_[v.node].elements(); ++i)
          all.add(values_[v.node], i);
    for (int64_t i = 0; i < elements(n); ++i) {
      Found found = all;
      for (Value v : read_by(n, i))
        found.add(values_[v.node], i);
      bool made = std::isnan(values_[n].at(i)) ? !found.nan : !found.nan && !found.infinite;
      if (marked_[n][static_cast<size_t>(i)] && made)
        return i;
    }
    return -1;
  }

private:
  struct Found {
    bool nan = false, infinite = false;
    void add(const Array& array, int64_t i) {
      if (!finite(array, i))
        (std::isnan(array.at(i)) ? nan : infinite) = true;
    }
  };

  bool is_pointwise(NodeId n) const { return kind(graph_.op(n)) == OpKind::Pointwise; }
  /// Where any is marked, else 0.
  int64_t elements(NodeId n) const { return static_cast<int64_t>(marked_[n].size()); }
  /// Of a pointwise node the operands that its marked element i depends on: of a select, what it
  /// chose. None of other nodes, nor for an element that is not marked.
  std::vector<Value> read_by(NodeId n, int64_t i) const {
    if (!is_pointwise(n) || !marked_[n][static_cast<size_t>(i)])
      return {};
    std::span<const Value> all = graph_.operands(n);
    if (graph_.op(n) != Opcode::Select)
      return {all.begin(), all.end()};
    return {values_[all[0].node].at(i) != 0 ? all[1] : all[2]};
  }
  void mark(Value v, int64_t i) {
    if (finite(values_[v.node], i))
      return;
    marked_[v.node].resize(static_cast<size_t>(values_[v.node].elements()));
    marked_[v.node][static_cast<size_t>(i)] = true;
  }
  void mark(Value v) {
    for (int64_t i = 0; i < values_[v.node].elements(); ++i)
      mark(v, i);
  }

  const Graph& graph_;
  const std::vector<Array>& values_;
  std::vector<std::vector<bool>> marked_; ///< by node and element; empty for a node without
};

std::string node_name(const Graph& g, NodeId n) {
  return g.name(n).empty() ? fmt::format("%{}", n) : fmt::format("%{}", g.name(n));
}

} // namespace

void report_non_finite(const Work& work, const CallArguments& before, int64_t step,
                       const CompileOptions& options) {
  CompileOptions graph_only = options;
  graph_only.last = std::max(Stage::Differentiated, work.stage);
  if (!work.is_graph())
    throw Error(ErrorCode::non_finite,
                fmt::format("step {} gives NaN or infinity; a text of stage {} has no ops to name, "
                            "give the model or its declared text",
                            step, name(work.stage)));
  Step graph_step = compile(work, graph_only).work.step;
  const Graph& g = graph_step.graph;
  CallStatus status;
  std::vector<Array> values = interpret_nodes(g, before, status);
  const Culprits culprits(graph_step, values);
  for (NodeId n = 0; n < g.size(); ++n) {
    const int64_t at = culprits.made_by(n);
    if (at < 0)
      continue;
    bool came_in = g.operands(n).empty();
    std::vector<Note> notes;
    for (Value v : g.operands(n))
      notes.push_back({fmt::format("{} : {} = {}", node_name(g, v.node), to_string(g.type(v)),
                                   format_values(values[v.node], 8)),
                       g.location(v.node)});
    const char* part = g.origin(n).part == Part::backward ? "backward"
                       : g.origin(n).part == Part::update ? "update"
                                                          : "forward";
    throw Error(ErrorCode::non_finite,
                fmt::format("step {}: {} {} {} ({}) is {} at element {}", step,
                            came_in ? "the values of" : "the result of", name(g.op(n)),
                            node_name(g, n), part, format_element(values[n], at), at),
                g.location(n), std::move(notes));
  }
}

} // namespace gdjit
