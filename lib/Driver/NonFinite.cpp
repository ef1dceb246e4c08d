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

/// The first element for which `wanted` holds, -1 where there is none.
template <class Wanted> int64_t find_element(const Array& array, Wanted wanted) {
  if (is_float(array.type().dtype))
    for (int64_t i = 0; i < array.elements(); ++i)
      if (wanted(array.at(i)))
        return i;
  return -1;
}

bool is_nan(double x) { return std::isnan(x); }
bool is_non_finite(double x) { return !std::isfinite(x); }

/// Nodes whose values are not finite and went into a result that is not. What a guard or a select
/// kept away is none of them.
std::vector<bool> on_the_way(const Step& step, const std::vector<Array>& values) {
  const Graph& g = step.graph;
  std::vector<bool> marked(g.size());
  auto mark = [&](Value v) {
    marked[v.node] = marked[v.node] || find_element(values[v.node], is_non_finite) >= 0;
  };
  for (Value v : step.outputs)
    mark(v);
  for (Value v : step.updates)
    mark(v);
  for (NodeId n = g.size(); n-- > 0;)
    if (marked[n])
      for (Value v : g.operands(n))
        mark(v);
  return marked;
}

/// An element that the node made: NaN of operands without NaN, infinity of finite ones; or one that
/// came in from outside. -1 for none.
int64_t made_by(const Graph& g, NodeId n, const std::vector<Array>& values) {
  if (g.attributes(n).has(Attr::value))
    return -1; // an infinite constant is meant
  bool nan = false, infinite = false;
  for (Value v : g.operands(n)) {
    nan = nan || find_element(values[v.node], is_nan) >= 0;
    infinite = infinite || find_element(values[v.node], is_non_finite) >= 0;
  }
  int64_t at = nan ? -1 : find_element(values[n], is_nan);
  return at >= 0 || infinite ? at : find_element(values[n], is_non_finite);
}

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
  std::vector<bool> marked = on_the_way(graph_step, values);
  for (NodeId n = 0; n < g.size(); ++n) {
    int64_t at = marked[n] ? made_by(g, n, values) : -1;
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
