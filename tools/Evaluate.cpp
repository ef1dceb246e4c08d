// Work is estimated from the graph: terms per element, summed over its nodes.
#include "Evaluate.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Loop/ScalarOp.h"
#include "gdjit/Ops/Op.h"

#include <algorithm>

namespace gdjit::tool {

namespace {

constexpr int64_t quick =
    200'000; // terms: below, interpreting takes less time than LLVM needs to start

int64_t terms(const Step& step) {
  int64_t total = 0;
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    OpKind k = kind(step.graph.op(n));
    bool reduces = k == OpKind::Reduction || k == OpKind::Contraction;
    int64_t per_element =
        reduces ? std::max<int64_t>(1, accesses(step.graph, n).reduced.elements()) : 1;
    total += 1 + step.graph.type(n).elements() * per_element;
    if (total > quick)
      break;
  }
  return total;
}

CallResults call(const Executable& code, const CallArguments& arguments) {
  CallResults results = code.call(arguments);
  code.require_in_range(results.status);
  return results;
}

} // namespace

CallArguments call_arguments(const Signature& signature, const State& state,
                             std::vector<Array> inputs, const ScalarValues& scalars) {
  CallArguments arguments;
  arguments.inputs = std::move(inputs);
  for (const StateDecl& d : signature.states)
    arguments.states.push_back(state.view(d.name).copy());
  for (const ScalarDecl& d : signature.scalars) {
    Array value(TensorType{d.dtype, {}});
    auto given = scalars.find(d.name);
    if (given != scalars.end())
      value.set(0, given->second);
    else if (d.name == "step")
      value.data<int64_t>()[0] = state.step();
    else if (d.name == "seed")
      value.data<int64_t>()[0] = state.seed();
    else if (d.has_default || d.name == "training")
      value.set(0, d.initial);
    else
      throw Error(ErrorCode::usage,
                  fmt::format("the scalar '{}' has no value; give --lr {}=VALUE", d.name, d.name),
                  signature.initial.location(d.origin));
    arguments.scalars.push_back(std::move(value));
  }
  return arguments;
}

CallResults call(const Work& work, const CallArguments& arguments, const CompileOptions& options) {
  if (!work.is_graph()) {
    CallResults results = interpret(work.program, arguments);
    require_in_range(results.status, work.program.notes);
    return results;
  }
  CompileOptions graph_only = options;
  graph_only.last = std::max(Stage::Simplified, work.stage);
  Compilation simplified = compile(work, graph_only);
  if (terms(simplified.work.step) <= quick) {
    CallResults results = interpret(simplified.work.step, arguments);
    require_in_range(results.status, simplified.work.step.graph);
    return results;
  }
  return call(*compile(simplified.work, options).executable, arguments);
}

std::vector<std::pair<std::string, Array>> evaluate(const Subject& subject, StepKind kind,
                                                    const State& state, const RowSet& rows,
                                                    int64_t batch, const ScalarValues& scalars,
                                                    const CompileOptions& options) {
  CompileOptions evaluation = options;
  evaluation.training = false;
  Work work = subject.work(kind, batch);
  Batches batches(work.signature(), rows);
  std::vector<std::pair<std::string, Array>> results;
  std::vector<double> sums(work.signature().outputs.size());
  // Batches of one size share their code; only the last can differ.
  std::shared_ptr<const Executable> code;
  int64_t code_rows = -1;
  for (int64_t i = 0; i < batches.count(); ++i) {
    Work variant =
        batches.size(i) == work.signature().batch ? work : subject.work(kind, batches.size(i));
    CallArguments arguments =
        call_arguments(variant.signature(), state, batches.arrays(i), scalars);
    CallResults r;
    if (batches.count() == 1 || !variant.is_graph()) {
      r = call(variant, arguments, evaluation);
    } else {
      if (code_rows != batches.size(i))
        code = compile(variant, evaluation).executable;
      code_rows = batches.size(i);
      r = call(*code, arguments);
    }
    for (size_t k = 0; k < r.outputs.size(); ++k) {
      const OutputDecl& output = variant.signature().outputs[k];
      if (output.type.shape.rank() == 0)
        sums[k] += r.outputs[k].at(0) * static_cast<double>(std::max<int64_t>(1, batches.size(i)));
      if (batches.count() == 1)
        results.emplace_back(output.name, r.outputs[k]);
    }
  }
  if (batches.count() > 1)
    for (size_t k = 0; k < sums.size(); ++k)
      if (const OutputDecl& output = work.signature().outputs[k]; output.type.shape.rank() == 0) {
        DType type = is_float(output.type.dtype) ? output.type.dtype : DType::f64;
        Array mean(TensorType{type, {}});
        mean.set(0, sums[k] / static_cast<double>(batches.rows()));
        results.emplace_back(output.name, std::move(mean));
      }
  return results;
}

} // namespace gdjit::tool
