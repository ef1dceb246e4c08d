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

/// The first element that is not finite, -1 where all are.
int64_t first_non_finite(const Array& array) {
  if (is_float(array.type().dtype))
    for (int64_t i = 0; i < array.elements(); ++i)
      if (!std::isfinite(array.at(i)))
        return i;
  return -1;
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
  for (NodeId n = 0; n < g.size(); ++n) {
    int64_t at = first_non_finite(values[n]);
    // Infinities that stand in the graph as constants are meant.
    if (at < 0 || g.attributes(n).has(Attr::value))
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
  throw Error(
      ErrorCode::non_finite,
      fmt::format("step {}: a constant NaN or infinity reaches a result of the step", step));
}

} // namespace gdjit
