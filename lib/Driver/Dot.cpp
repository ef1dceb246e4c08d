// Plain Graphviz; nothing that needs a newer version than the oldest system has.
#include "gdjit/Driver/Dot.h"

#include "gdjit/Driver/RunProgram.h"
#include "gdjit/IR/TextWriter.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Error.h"

#include <fmt/format.h>
#include <map>
#include <set>

namespace gdjit {

namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out + "\"";
}

constexpr std::string_view header =
    "  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", fillcolor=white, "
    "fontname=\"sans-serif\", fontsize=10];\n  edge [arrowsize=0.6];\n";

std::string label(const Step& step, NodeId n) {
  const Graph& g = step.graph;
  std::string text(name(g.op(n)));
  if (const std::string* row = row_name(step.signature, g, n))
    text += " " + *row;
  else if (!g.name(n).empty())
    text = g.name(n) + " = " + text;
  return text + "\n" + to_string(g.type(n));
}

/// Kernels where there are any, else forward, backward, update.
std::map<uint32_t, std::vector<NodeId>> clusters(const Step& step) {
  std::map<uint32_t, std::vector<NodeId>> all;
  bool fused = !step.partition.kernels.empty();
  for (NodeId n = 0; n < step.graph.size(); ++n)
    all[fused ? step.partition.kernel_of[n] : static_cast<uint32_t>(step.graph.origin(n).part)]
        .push_back(n);
  return all;
}

std::string cluster_title(const Step& step, uint32_t cluster) {
  if (step.partition.kernels.empty())
    return std::string(name(static_cast<Part>(cluster)));
  const KernelGroup& kernel = step.partition.kernels[cluster];
  return kernel.name + ": " + kernel.title;
}

void collect(const std::vector<loop::Statement>& body, std::set<loop::BufferId>& reads,
             std::set<loop::BufferId>& writes) {
  std::vector<const std::vector<loop::Statement>*> open = {&body};
  while (!open.empty()) {
    const std::vector<loop::Statement>* statements = open.back();
    open.pop_back();
    for (const loop::Statement& s : *statements) {
      if (s.kind == loop::StatementKind::Load)
        reads.insert(s.buffer);
      if (s.kind == loop::StatementKind::Store)
        writes.insert(s.buffer);
      if (!s.body.empty())
        open.push_back(&s.body);
    }
  }
}

} // namespace

std::string print_dot(const Step& step) {
  const Graph& g = step.graph;
  std::string out = fmt::format("digraph {} {{\n{}", in_quotes(step.signature.name), header);
  for (const auto& [cluster, nodes] : clusters(step)) {
    bool boxed = cluster != Partition::no_kernel;
    if (boxed)
      out += fmt::format("  subgraph cluster_{} {{\n    label={}; style=rounded; color=gray;\n",
                         cluster, in_quotes(cluster_title(step, cluster)));
    for (NodeId n : nodes)
      out += fmt::format("    n{} [label={}{}];\n", n, in_quotes(label(step, n)),
                         kind(g.op(n)) == OpKind::Source ? ", fillcolor=\"#eef3fb\"" : "");
    if (boxed)
      out += "  }\n";
  }
  for (NodeId n = 0; n < g.size(); ++n)
    for (Value v : g.operands(n))
      out += fmt::format("  n{} -> n{};\n", v.node, n);
  const Signature& s = step.signature;
  for (size_t i = 0; i < s.outputs.size(); ++i)
    out +=
        fmt::format("  out{} [label={}, shape=ellipse, fillcolor=\"#e7f6e7\"];\n  n{} -> out{};\n",
                    i, in_quotes(s.outputs[i].name), step.outputs[i].node, i);
  for (size_t i = 0; i < s.updates.size(); ++i)
    out +=
        fmt::format("  up{} [label={}, shape=ellipse, fillcolor=\"#fdf0dc\"];\n  n{} -> up{};\n", i,
                    in_quotes(s.states[s.updates[i].state].name + " <-"), step.updates[i].node, i);
  return out + "}\n";
}

std::string print_dot(const loop::Program& program) {
  std::string out = fmt::format("digraph {} {{\n{}", in_quotes(program.signature.name), header);
  for (size_t b = 0; b < program.buffers.size(); ++b)
    out +=
        fmt::format("  b{} [label={}, shape=ellipse, fillcolor=\"#eef3fb\"];\n", b,
                    in_quotes(program.buffers[b].name + "\n" + to_string(program.buffers[b].type)));
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    const loop::Kernel kernel = loop::written_out(program, program.kernels[k]);
    out += fmt::format("  k{} [label={}];\n", k, in_quotes(kernel.name + ": " + kernel.title));
    std::set<loop::BufferId> reads, writes;
    collect(kernel.body, reads, writes);
    for (loop::BufferId b : reads)
      out += fmt::format("  b{} -> k{};\n", b, k);
    for (loop::BufferId b : writes)
      out += fmt::format("  k{} -> b{};\n", k, b);
  }
  return out + "}\n";
}

std::string render_svg(const std::string& dot) {
  std::optional<Filtered> drawn = run_filter("dot", {"-Tsvg"}, dot);
  if (!drawn)
    throw Error(ErrorCode::data,
                "the program `dot` of Graphviz is not installed; install graphviz, "
                "or use --as dot");
  const Ended& ended = drawn->ended;
  if (!ended.well() || drawn->output.empty())
    throw Error(
        ErrorCode::data,
        fmt::format("the program `dot` of Graphviz fails on the graph ({} {}); use --as dot",
                    ended.signal != 0 ? "signal" : "exit status",
                    ended.signal != 0 ? ended.signal : ended.status));
  return std::move(drawn->output);
}

} // namespace gdjit
