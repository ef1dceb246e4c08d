// The rules of graphs and signatures.
#include "gdjit/Ops/Verifier.h"

#include "gdjit/Ops/Op.h"
#include "gdjit/Support/NameTable.h"
#include "gdjit/Support/SmallVector.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit {

namespace {

class GraphVerifier {
public:
  GraphVerifier(const Graph& graph, const Signature& signature, Diagnostics& diagnostics,
                std::string_view where)
      : graph_(graph), signature_(signature), diagnostics_(diagnostics), where_(where) {}

  void nodes(bool gradients) {
    NameTable names(graph_.size());
    for (NodeId n = 0; n < graph_.size(); ++n) {
      if (graph_.origin(n).file >= graph_.files().size()) {
        diagnostics_.error(
            {}, fmt::format("{}%{}: its place is in a file that is not listed", where_, n));
        continue;
      }
      if (const std::string& name = graph_.name(n); !name.empty()) {
        if (const NodeId first = names.first(name, n); first != n)
          error(n, fmt::format("its name is that of node {}, too", first));
      }
      if (!gradients && kind(graph_.op(n)) == OpKind::Derivative)
        error(n, "derivatives are expanded at stage differentiated");
      node(n);
    }
  }

  bool valid(Value v) const {
    return v.node < graph_.size() && v.result < static_cast<uint32_t>(graph_.result_count(v.node));
  }

private:
  void node(NodeId n) {
    SmallVector<TensorType, 4> types;
    for (Value v : graph_.operands(n)) {
      if (v.node >= n || !valid(v))
        return error(n, "an operand does not stand above");
      types.push_back(graph_.type(v));
    }
    if (graph_.result_count(n) != 1)
      return error(n, fmt::format("has {} results, expected 1", graph_.result_count(n)));
    Attributes attributes = graph_.attributes(n);
    try {
      TensorType type = infer_type(graph_.op(n), signature_, types, attributes);
      if (!(type == graph_.type(n)))
        error(n, fmt::format("is {}, its op's rule says {}", to_string(graph_.type(n)),
                             to_string(type)));
      if (!(attributes == graph_.attributes(n)))
        error(n, "its attributes are not complete, or not as its op's rule writes them");
    } catch (TypeMismatch& mismatch) {
      error(n, mismatch.message);
    }
  }

  void error(NodeId n, std::string message) {
    const std::string& given = graph_.name(n);
    diagnostics_.error(graph_.location(n), fmt::format("{}%{} = {}: {}", where_,
                                                       given.empty() ? std::to_string(n) : given,
                                                       name(graph_.op(n)), message));
  }

  const Graph& graph_;
  const Signature& signature_;
  Diagnostics& diagnostics_;
  std::string_view where_;
};

class StepVerifier {
public:
  StepVerifier(const Step& step, Diagnostics& diagnostics)
      : step_(step), s_(step.signature), diagnostics_(diagnostics),
        graph_(step.graph, s_, diagnostics, ""),
        initial_(s_.initial, s_, diagnostics, "in an initial value: ") {}

  void run(StepPart part) {
    if (step_.stage > Stage::Fused)
      error(fmt::format("a graph at stage {}", name(step_.stage)));
    if (part == StepPart::all) {
      declarations();
      initial_values();
    }
    graph_.nodes(step_.stage == Stage::Declared);
    results();
    partition();
  }

private:
  // Signature.

  void declarations() {
    unique(s_.inputs, "inputs");
    unique(s_.states, "states");
    unique(s_.scalars, "scalars");
    unique(s_.outputs, "outputs");
    for (const ScalarDecl& d : s_.scalars)
      if (std::string problem = scalar_problem(d); !problem.empty())
        error(problem);
    for (const InputDecl& d : s_.inputs)
      tensor("input", d.name, d.type, d.batch_axis);
    for (const OutputDecl& d : s_.outputs)
      tensor("output", d.name, d.type, d.batch_axis);
    std::vector<bool> updated(s_.states.size(), false);
    for (const UpdateDecl& d : s_.updates) {
      if (d.state >= s_.states.size())
        error("an update of a state that the signature does not have");
      else if (updated[d.state])
        error(fmt::format("state '{}' is updated twice", s_.states[d.state].name));
      else
        updated[d.state] = true;
    }
    for (const std::vector<Rows>* list : {&s_.data, &s_.examples})
      for (const Rows& rows : *list)
        if (rows.input >= s_.inputs.size())
          error("rows for an input that the signature does not have");
        else if (rows.values && rows.values->type().dtype != s_.inputs[rows.input].type.dtype)
          error(fmt::format("rows of input '{}' are {}, the input {}", s_.inputs[rows.input].name,
                            to_string(rows.values->type()), to_string(s_.inputs[rows.input].type)));
  }

  template <class Decl> void unique(const std::vector<Decl>& list, std::string_view what) {
    NameTable names(list.size());
    for (uint32_t i = 0; i < list.size(); ++i)
      if (names.first(list[i].name, i) != i)
        error(fmt::format("two {} are named '{}'", what, list[i].name));
  }

  void tensor(std::string_view what, const std::string& name, const TensorType& type,
              int batch_axis) {
    if (std::string problem = batch_axis_problem(type, batch_axis, s_.batch); !problem.empty())
      error(fmt::format("{} '{}': {}", what, name, problem));
  }

  void initial_values() {
    initial_.nodes(false);
    for (NodeId n = 0; n < s_.initial.size(); ++n) {
      Opcode op = s_.initial.op(n);
      bool reads_call = op == Opcode::Input || op == Opcode::State;
      if (op == Opcode::Scalar && s_.initial.attributes(n).has(Attr::index)) {
        auto row = static_cast<uint64_t>(s_.initial.attributes(n).integer(Attr::index));
        reads_call = row < s_.scalars.size() && s_.scalars[row].name != "seed" &&
                     s_.scalars[row].name != "step";
      }
      if (reads_call)
        error(fmt::format("an initial value reads {}; it may read the scalars seed and step only",
                          name(op)));
    }
    for (const StateDecl& d : s_.states)
      if (!initial_.valid(d.initial))
        error(fmt::format("state '{}' has no initial value", d.name));
      else if (!(s_.initial.type(d.initial) == d.type))
        error(fmt::format("state '{}' is {}, its initial value {}", d.name, to_string(d.type),
                          to_string(s_.initial.type(d.initial))));
  }

  // Body.

  void results() {
    if (step_.outputs.size() != s_.outputs.size() || step_.updates.size() != s_.updates.size())
      return error(fmt::format("{} outputs and {} updates, the signature declares {} and {}",
                               step_.outputs.size(), step_.updates.size(), s_.outputs.size(),
                               s_.updates.size()));
    for (size_t i = 0; i < s_.outputs.size(); ++i)
      result("output", s_.outputs[i].name, s_.outputs[i].type, step_.outputs[i]);
    for (size_t i = 0; i < s_.updates.size(); ++i)
      if (uint32_t row = s_.updates[i].state; row < s_.states.size())
        result("update", s_.states[row].name, s_.states[row].type, step_.updates[i]);
  }

  void result(std::string_view what, const std::string& name, const TensorType& type, Value v) {
    if (!graph_.valid(v))
      error(fmt::format("{} '{}' has no value", what, name));
    else if (!(step_.graph.type(v) == type))
      error(fmt::format("{} '{}' is declared {}, its value is {}", what, name, to_string(type),
                        to_string(step_.graph.type(v))));
  }

  void partition() {
    const Partition& p = step_.partition;
    if (step_.stage != Stage::Fused) {
      if (!p.kernels.empty() || !p.kernel_of.empty())
        error(fmt::format("kernels in a graph at stage {}", name(step_.stage)));
      return;
    }
    unique(p.kernels, "kernels");
    if (p.kernel_of.size() != step_.graph.size())
      return error(fmt::format("{} nodes are assigned to kernels, the graph has {}",
                               p.kernel_of.size(), step_.graph.size()));
    for (NodeId n = 0; n < step_.graph.size(); ++n) {
      uint32_t kernel = p.kernel_of[n];
      if (kernel != Partition::no_kernel && kernel >= p.kernels.size()) {
        error(fmt::format("node {} is in a kernel that does not exist", n));
        continue;
      }
      for (Value v : step_.graph.operands(n)) {
        uint32_t before = v.node < n ? p.kernel_of[v.node] : Partition::no_kernel;
        if (before != Partition::no_kernel && (kernel == Partition::no_kernel || before > kernel))
          error(fmt::format(
              "node {} reads a value of kernel '{}', which runs later or not at all for it", n,
              before < p.kernels.size() ? p.kernels[before].name : "?"));
      }
    }
  }

  void error(std::string message) { diagnostics_.error({}, std::move(message)); }

  const Step& step_;
  const Signature& s_;
  Diagnostics& diagnostics_;
  GraphVerifier graph_;
  GraphVerifier initial_;
};

} // namespace

void verify(const Step& step, Diagnostics& diagnostics, StepPart part) {
  StepVerifier(step, diagnostics).run(part);
}

} // namespace gdjit
