// Work is estimated from the graph, terms per element, summed over its nodes; of a text of loops
// from its statements, each as often as its loops turn.
#include "Evaluate.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Ops/Op.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <thread>

namespace gdjit::tool {

int64_t row_width(const TensorType& type) {
  return type.shape.rank() == 0 || type.shape[0] == 0 ? 0 : type.elements() / type.shape[0];
}

namespace {

/// Terms below which interpreting takes less time than compiling: a term of a graph takes 2 to 8
/// ns, one of a text of loops 30, and what has so many is compiled in 6 to 30 ms.
constexpr int64_t few_graph_terms = 1'000'000, few_loop_terms = 200'000;

int64_t terms(const Step& step) {
  int64_t total = 0;
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    OpKind k = kind(step.graph.op(n));
    bool reduces = k == OpKind::Reduction || k == OpKind::Contraction;
    int64_t per_element =
        reduces ? std::max<int64_t>(1, accesses(step.graph, n).reduced.elements()) : 1;
    total += 1 + step.graph.type(n).elements() * per_element;
    if (total > few_graph_terms)
      break;
  }
  return total;
}

double terms(const std::vector<loop::Statement>& statements) {
  double total = 0;
  for (const loop::Statement& s : statements)
    total += s.kind == loop::StatementKind::For
                 ? static_cast<double>(loop::turns(s)) * terms(s.body)
                 : s.type.lanes;
  return total;
}

bool is_small(const Work& work) {
  if (work.is_graph())
    return terms(work.step) <= few_graph_terms;
  double total = 0;
  for (const loop::Kernel& kernel : work.program.kernels)
    total += terms(loop::KernelView(work.program, kernel).body());
  return total <= few_loop_terms;
}

/// How an output of rank 0 is put together from batches.
class Joined {
public:
  explicit Joined(const std::string& name, bool watched) {
    if (watched)
      how_ = name.ends_with("/min")         ? How::least
             : name.ends_with("/max")       ? How::greatest
             : name.ends_with("/nonfinite") ? How::sum
                                            : How::mean;
  }

  void add(double value, int64_t rows) {
    if (how_ == How::mean)
      sum_ += value * static_cast<double>(rows);
    else if (how_ == How::sum || rows_ == 0)
      sum_ += value;
    else if (value != value || sum_ != sum_)
      sum_ += value; // NaN stays
    else
      sum_ = how_ == How::least ? std::min(sum_, value) : std::max(sum_, value);
    rows_ += rows;
  }

  Array value(DType type) const {
    Array value(TensorType{type, {}});
    value.set(0, how_ == How::mean ? sum_ / static_cast<double>(rows_) : sum_);
    return value;
  }
  bool is_mean() const { return how_ == How::mean; }

private:
  enum class How { mean, least, greatest, sum };
  How how_ = How::mean;
  double sum_ = 0;
  int64_t rows_ = 0;
};

} // namespace

bool is_watched(const std::string& name, const std::function<bool(const std::string&)>& is_output) {
  size_t slash = name.rfind('/');
  return slash != std::string::npos && is_output(name.substr(0, slash) + "/nonfinite");
}

Evaluator::Evaluator(const Subject& subject, StepKind kind, State& state, ScalarValues scalars,
                     const CompileOptions& options, Outputs outputs)
    : subject_(subject), kind_(kind), state_(state), scalars_(std::move(scalars)),
      options_(options), outputs_(std::move(outputs)), work_(subject.work(kind, 0, outputs_)) {
  options_.training = false;
}

Work Evaluator::work_for(int64_t rows) const {
  return subject_.is_text() || rows == work_.signature().batch
             ? work_
             : subject_.work(kind_, rows, outputs_);
}

int64_t Evaluator::at_once(const Dataset& rows, int64_t batch) const {
  if (!scales_with_rows(work_.signature()))
    return work_.signature().batch;
  return batch > 0 ? std::min(batch, rows.rows()) : rows.rows();
}

std::vector<Array> Evaluator::interpret_batch(const Batch& batch, const Work& work) const {
  std::vector<Array> inputs;
  for (const InputDecl& input : work.signature().inputs)
    for (const TensorView& view : batch.views())
      if (view.name == input.name)
        inputs.push_back(view.copy());
  CallArguments arguments = call_arguments(work.signature(), state_, std::move(inputs), scalars_);
  CallResults results =
      work.is_graph() ? interpret(work.step, arguments) : interpret(work.program, arguments);
  if (work.is_graph())
    require_in_range(results.status, work.step.graph);
  else
    require_in_range(results.status, work.program.notes);
  return std::move(results.outputs);
}

void Evaluator::begin(const Dataset& rows, int64_t batch) {
  if (std::thread::hardware_concurrency() < 2 || !work_.signature().updates.empty() ||
      begun_.valid() || rows.rows() == 0)
    return;
  const int64_t at_once = this->at_once(rows, batch);
  // The model is declared for these rows here, so that what its function throws is told at once.
  if (const bool one_batch = rows.rows() <= std::max<int64_t>(at_once, 1);
      is_small(work_for(at_once)) && one_batch)
    return;
  try {
    begun_ = std::async(std::launch::async, [this, at_once] {
      return subject_.compile(kind_, state_, options_, at_once, outputs_);
    });
  } catch (const std::system_error&) {
    begun_ = {}; // no thread: compiled when it is wanted
  }
}

StepFunction& Evaluator::compiled(int64_t rows) {
  if (!function_) {
    if (!work_.signature().updates.empty())
      apart_ = state_.clone();
    function_ = begun_.valid()
                    ? begun_.get()
                    : subject_.compile(kind_, apart_ ? *apart_ : state_, options_, rows, outputs_);
    set_scalars(*function_, work_.signature(), scalars_);
  }
  return *function_;
}

void Evaluator::call(StepFunction& function, const Batch& batch) {
  if (apart_) {
    for (int i = 0; i < state_.size(); ++i)
      apart_->set(i, state_.view(i).copy());
    apart_->set_step(state_.step() - 1); // a call that updates counts it first
  }
  function(batch);
}

OutputValues Evaluator::run(const Dataset& rows, int64_t batch,
                            const std::function<void(const SeenBatch&)>& see) {
  const std::vector<OutputDecl>& decls = work_.signature().outputs;
  bool scales = scales_with_rows(work_.signature());
  if (scales)
    subject_.require_rows(std::array{rows.rows()});
  const int64_t at_once = this->at_once(rows, batch);
  Loader loader(rows, {.batch = scales ? at_once : 0});
  Work once;
  bool interpreted = false;
  if (!options_.check_nan && !begun_.valid() && runs_ == 0 && loader.batches() == 1) {
    CompileOptions graph_only = options_;
    graph_only.last = std::max(Stage::Simplified, work_.stage);
    once = work_.is_graph() ? compile(work_for(at_once), graph_only).work : work_;
    interpreted = is_small(once);
  }
  ++runs_;
  StepFunction* function = interpreted ? nullptr : &compiled(at_once);
  std::vector<Joined> joined;
  auto is_output = [&](const std::string& name) {
    return std::ranges::find(decls, name, &OutputDecl::name) != decls.end();
  };
  for (const OutputDecl& d : decls)
    joined.emplace_back(d.name, is_watched(d.name, is_output));
  std::vector<Array> first(decls.size());
  for (const Batch& b : loader) {
    std::vector<Array> values;
    std::vector<TensorView> views;
    if (function)
      call(*function, b);
    else
      values = interpret_batch(b, once);
    for (size_t k = 0; k < decls.size(); ++k)
      views.push_back(function ? function->output(static_cast<int>(k))
                               : TensorView(decls[k].name, values[k]));
    for (size_t k = 0; k < decls.size(); ++k) {
      if (views[k].type.shape.rank() == 0)
        joined[k].add(views[k].at(0), b.rows());
      if (decls[k].batch_axis < 0 && b.index() == 0)
        first[k] = views[k].copy();
    }
    if (see)
      see({b.views(), views});
  }
  OutputValues results;
  for (size_t k = 0; k < decls.size(); ++k) {
    if (decls[k].batch_axis >= 0)
      continue;
    if (decls[k].type.shape.rank() == 0 && loader.batches() > 1) {
      DType type = decls[k].type.dtype;
      first[k] = joined[k].value(is_float(type) || !joined[k].is_mean() ? type : DType::f64);
    }
    results.emplace_back(decls[k].name, std::move(first[k]));
  }
  return results;
}

} // namespace gdjit::tool
