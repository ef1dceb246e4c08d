// Step: one training (or evaluation, or prediction) step at a Graph IR stage, and the signature
// that opens the text of every stage. Plain data.
#pragma once

#include "gdjit/IR/Graph.h"
#include "gdjit/IR/Stage.h"

#include <memory>

namespace gdjit {

/// Data of a call: one row per example along the batch axis.
struct InputDecl {
  std::string name;
  TensorType type;
  int batch_axis = -1; ///< axis that scales with the batch, -1 for none
  Origin origin;       ///< into Signature::initial.files()
};

/// A buffer that outlives the step: parameter, optimizer state, running statistic, step counter.
struct StateDecl {
  std::string name; ///< scoped path, "block1/w"
  TensorType type;
  Value initial; ///< its first value, a node of Signature::initial
  Origin origin;
};

/// A number given at each call: learning rate, hyperparameter, step (i64), seed (i64), training
/// (bool).
struct ScalarDecl {
  std::string name;
  DType dtype = DType::f32;
  double initial = 0;       ///< default value
  bool has_default = false; ///< otherwise each call must give it
  Origin origin;
};

/// What is wrong with a scalar of one of the names above; "" for nothing.
std::string scalar_problem(const ScalarDecl& scalar);

/// What is wrong with the batch axis (-1 for none) of an input or output in a step for `batch`
/// rows; "" for nothing.
std::string batch_axis_problem(const TensorType& type, int batch_axis, int64_t batch);

/// A result of a call that the program can read.
struct OutputDecl {
  std::string name;
  TensorType type;
  int batch_axis = -1;
  Origin origin;
};

/// state <- new value; all updates of a step happen at once, behind every read.
struct UpdateDecl {
  uint32_t state = 0; ///< row of Signature::states
  Origin origin;
};

/// Rows that a model carries: for one input, either values or a reference to a file beside the
/// text.
struct Rows {
  uint32_t input = 0; ///< row of Signature::inputs
  std::shared_ptr<const Array> values;
  std::string file; ///< where values are null
};

/// What the outside sees of a step; the same at every stage.
struct Signature {
  std::string name;  ///< of the model
  std::string step;  ///< "training", "evaluation", "prediction" or a name of the user's
  int64_t batch = 0; ///< 0 where the model has no batch
  std::vector<InputDecl> inputs;
  std::vector<StateDecl> states;
  std::vector<ScalarDecl> scalars;
  std::vector<OutputDecl> outputs; ///< the loss is the output named "loss"
  std::vector<UpdateDecl> updates;
  std::vector<Rows> data;     ///< training rows
  std::vector<Rows> examples; ///< rows shown after training
  Graph initial; ///< initial values of states; reads no input, state or scalar but seed and step
};

/// A kernel of a fused graph.
struct KernelGroup {
  std::string name;   ///< "k0"
  std::string title;  ///< "x·w+b, sigmoid, loss"
  std::string reason; ///< why it ends where it ends
};

/// Assignment of nodes to kernels; kernels run in order.
struct Partition {
  std::vector<KernelGroup> kernels;
  std::vector<uint32_t> kernel_of; ///< per node; no_kernel for sources that need no code
  static constexpr uint32_t no_kernel = ~0u;
};

struct Step {
  Signature signature;
  Stage stage = Stage::Declared;
  Graph graph;
  std::vector<Value> outputs; ///< per Signature::outputs
  std::vector<Value> updates; ///< per Signature::updates
  Partition partition;        ///< from Stage::Fused on
};

/// The name in the signature of the row that an input, state or scalar node reads; null for any
/// other node, and where there is no such row (in a broken graph).
const std::string* row_name(const Signature& signature, const Graph& graph, NodeId n);

} // namespace gdjit
