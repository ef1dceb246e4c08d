// StepBuilder: a step written in a test as one writes a model, without the frontend.
#pragma once

#include "gdjit/Ops/Expr.h"

#include <memory>
#include <string>
#include <utility>

namespace gdjit::testing {

class StepBuilder {
public:
  explicit StepBuilder(Sharing sharing = Sharing::verbatim)
      : builder_(step_.graph, step_.signature, sharing) {
    step_.signature.name = "test";
    step_.signature.step = "training";
  }
  StepBuilder(const StepBuilder&) = delete;

  Expr input(const std::string& name, TensorType type) {
    InputDecl decl;
    decl.name = name;
    decl.type = type;
    step_.signature.inputs.push_back(decl);
    return {&builder_, builder_.input(static_cast<uint32_t>(step_.signature.inputs.size() - 1))};
  }
  /// A state that starts at zero.
  Expr state(const std::string& name, TensorType type) {
    GraphBuilder initial(step_.signature.initial, step_.signature, Sharing::verbatim);
    StateDecl decl;
    decl.name = name;
    decl.type = type;
    decl.initial = initial.constant(type, 0);
    step_.signature.states.push_back(decl);
    return {&builder_, builder_.state(static_cast<uint32_t>(step_.signature.states.size() - 1))};
  }
  Expr scalar(const std::string& name, DType dtype, double initial = 0) {
    ScalarDecl decl;
    decl.name = name;
    decl.dtype = dtype;
    decl.initial = initial;
    decl.has_default = true;
    step_.signature.scalars.push_back(decl);
    return {&builder_, builder_.scalar(static_cast<uint32_t>(step_.signature.scalars.size() - 1))};
  }
  Expr constant(TensorType type, double value) {
    return {&builder_, builder_.constant(type, value)};
  }
  Expr constant(TensorType type, const std::vector<double>& values) {
    return {&builder_, builder_.constant(Array(type, values))};
  }
  Expr gradient(Expr loss, Expr value) { return apply(Opcode::Gradient, loss, value); }
  Expr named(const std::string& name, Expr x) {
    step_.graph.set_name(x.value.node, name);
    return x;
  }
  /// Nodes appended from now on stand on this line of "model.cpp".
  void line(uint32_t line) { builder_.set_origin(step_.graph.origin_of({"model.cpp", line, 1})); }

  void output(const std::string& name, Expr x) {
    OutputDecl decl;
    decl.name = name;
    decl.type = x.type();
    step_.signature.outputs.push_back(decl);
    step_.outputs.push_back(x.value);
  }
  void update(Expr state, Expr value) {
    UpdateDecl decl;
    decl.state =
        static_cast<uint32_t>(step_.graph.attributes(state.value.node).integer(Attr::index));
    step_.signature.updates.push_back(decl);
    step_.updates.push_back(value.value);
  }

  GraphBuilder& builder() { return builder_; }
  const Step& step() const { return step_; }

private:
  Step step_;
  GraphBuilder builder_;
};

} // namespace gdjit::testing
