// StepFunction: what a call checks before it runs.
//
// The path of a call: enter (no other call runs), scalars, inputs, the floating-point environment,
// Frame::run. All memory is there before the first call; messages are put together only where a
// call fails.
#include "StepFunctionImpl.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/FloatEnvironment.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace gdjit {

namespace {

bool is_learning_rate(std::string_view name) { return name == "lr" || name.ends_with("/lr"); }

/// One element as double, floats without a call.
double number(DType type, const void* element) {
  if (type == DType::f32)
    return *static_cast<const float*>(element);
  if (type == DType::f64)
    return *static_cast<const double*>(element);
  return loop::to_double(type, loop::load_bits(type, element));
}

/// Equal but for the number of rows.
bool fits(const InputDecl& decl, const TensorType& type) {
  if (decl.type.dtype != type.dtype || decl.type.shape.rank() != type.shape.rank())
    return false;
  for (int axis = 0; axis < type.shape.rank(); ++axis)
    if (axis != decl.batch_axis && decl.type.shape[axis] != type.shape[axis])
      return false;
  return true;
}

} // namespace

void StepFunction::Impl::require_bound() const {
  if (!current->bound && !current->signature().inputs.empty()) [[unlikely]]
    throw Error(ErrorCode::usage, "run needs bound inputs; call bind first");
}

// --- scalars ---

void check_scalar(const ScalarDecl& decl, double value) {
  bool fits = std::isfinite(value) &&
              (std::abs(value) <= std::numeric_limits<float>::max() || decl.dtype != DType::f32);
  if (is_learning_rate(decl.name) && !(fits && value >= 0)) [[unlikely]]
    throw Error(ErrorCode::usage,
                fmt::format("learning rate {} is {}; give a finite {} of at least 0", decl.name,
                            value, name(decl.dtype)));
}

/// A value that is checked.
void StepFunction::Impl::set(uint32_t row, double value) {
  if (static_cast<int>(row) == step_row)
    step_row = -1;
  else if (static_cast<int>(row) == seed_row)
    seed_row = -1;
  else if (!given[row])
    --missing;
  given[row] = 1;
  scalars[row] = value;
  current->frame.set_scalar(row, value);
}

void StepFunction::Impl::apply(const Scalars& call) {
  const std::vector<ScalarDecl>& decls = current->signature().scalars;
  if (call.lr.given) {
    bool any = false;
    for (uint32_t row = 0; row < decls.size(); ++row)
      if (is_learning_rate(decls[row].name)) {
        check_scalar(decls[row], call.lr.value);
        any = true;
      }
    if (!any) [[unlikely]]
      throw Error(ErrorCode::usage, fmt::format("step {} has no learning rate; its scalars are: {}",
                                                current->signature().step, names_of(decls)));
  }
  for (const NamedScalar& scalar : call.named) {
    int row = find_row(decls, scalar.name);
    if (row < 0) [[unlikely]]
      throw Error(ErrorCode::usage, fmt::format("no scalar is named {}; there are: {}", scalar.name,
                                                names_of(decls)));
    check_scalar(decls[static_cast<size_t>(row)], scalar.value);
  }
  // Nothing is refused any more, so nothing of a refused call stays.
  for (uint32_t row = 0; call.lr.given && row < decls.size(); ++row)
    if (is_learning_rate(decls[row].name))
      set(row, call.lr.value);
  for (const NamedScalar& scalar : call.named)
    set(static_cast<uint32_t>(find_row(decls, scalar.name)), scalar.value);
  if (missing > 0) [[unlikely]]
    fail_missing();
}

void StepFunction::Impl::fail_missing() const {
  const Signature& signature = current->signature();
  for (size_t row = 0; row < scalars.size(); ++row)
    if (!given[row] && static_cast<int>(row) != step_row && static_cast<int>(row) != seed_row)
      throw Error(ErrorCode::usage, fmt::format("scalar {} has no default and was never set",
                                                signature.scalars[row].name));
  throw InternalError("no scalar is missing");
}

// --- inputs ---

/// The number of rows of the inputs, all being there and of types that fit.
int64_t StepFunction::Impl::rows_of(std::span<const TensorView> inputs) const {
  const Signature& signature = current->signature();
  int64_t rows = -1;
  std::string_view first;
  for (size_t row = 0; row < signature.inputs.size(); ++row) {
    const InputDecl& decl = signature.inputs[row];
    const TensorView* input = find_input(inputs, row, decl.name);
    if (input == nullptr) [[unlikely]]
      throw Error(ErrorCode::data, fmt::format("step {} needs input {}; given are: {}",
                                               signature.step, decl.name, names_of(inputs)));
    if (!fits(decl, input->type)) [[unlikely]]
      throw Error(ErrorCode::data,
                  fmt::format("input {} is {}, step {} takes {}{}", decl.name,
                              to_string(input->type), signature.step, to_string(decl.type),
                              decl.batch_axis < 0 ? "" : " with any number of rows"));
    if (decl.batch_axis < 0)
      continue;
    int64_t here = input->type.shape[decl.batch_axis];
    if (here == 0) [[unlikely]]
      throw Error(ErrorCode::data, fmt::format("input {} has no rows", decl.name));
    if (rows >= 0 && here != rows) [[unlikely]]
      throw Error(ErrorCode::data,
                  fmt::format("inputs differ in their number of rows: {} has {}, {} "
                              "has {}",
                              first, rows, decl.name, here));
    rows = here;
    first = decl.name;
  }
  return rows < 0 ? current->batch : rows;
}

/// True where memory is neither the step's nor that of a State which it writes.
bool StepFunction::Impl::is_apart(const void* data, int64_t bytes) const {
  const auto* begin = static_cast<const char*>(data);
  auto overlaps = [&](const char* from, const char* to) {
    return begin < to && from < begin + bytes;
  };
  const WrittenRange& own = current->frame.written()[0];
  return !(writes && overlaps(state->memory, state->memory + state->bytes)) &&
         !overlaps(own.begin, own.end);
}

void StepFunction::Impl::require_apart(const TensorView& input) const {
  if (is_apart(input.data, input.type.bytes())) [[likely]]
    return;
  const auto* begin = static_cast<const char*>(input.data);
  for (const WrittenRange& range : current->frame.written())
    if (begin < range.end && range.begin < begin + input.type.bytes())
      throw Error(ErrorCode::data,
                  fmt::format("input {} overlaps {}, which the step writes; copy it "
                              "first",
                              input.name, range.name));
}

/// Afterwards run() may not read the inputs: they are the caller's memory again.
void StepFunction::Impl::set_inputs(std::span<const TensorView> inputs) {
  current->bound = false; // first: a refusal may leave some of the addresses changed
  const Signature& signature = current->signature();
  for (size_t row = 0; row < signature.inputs.size(); ++row) {
    const InputDecl& decl = signature.inputs[row];
    const TensorView& input = *find_input(inputs, row, decl.name);
    if (input.elements() > 0) {
      auto address = reinterpret_cast<uintptr_t>(input.data);
      if (address == 0 || address % static_cast<uintptr_t>(byte_size(input.type.dtype)) != 0)
          [[unlikely]]
        throw Error(ErrorCode::data,
                    fmt::format("input {} lies at address {:#x}; {} need one that is "
                                "divisible by {}",
                                decl.name, address, name(input.type.dtype),
                                byte_size(input.type.dtype)));
      require_apart(input);
    }
    current->frame.set_input(static_cast<uint32_t>(row), input.data);
  }
}

// --- calls ---

/// Where the caller has not: those of the State.
inline void StepFunction::Impl::set_step_and_seed() {
  Frame& frame = current->frame;
  if (step_row >= 0) {
    int64_t step = state->step + (writes ? 1 : 0);
    std::memcpy(frame.scalar(static_cast<uint32_t>(step_row)), &step, sizeof step);
  }
  if (seed_row >= 0)
    std::memcpy(frame.scalar(static_cast<uint32_t>(seed_row)), &state->seed, sizeof state->seed);
}

/// `run` sets `steps` to the number done.
template <class Run> inline double StepFunction::Impl::run_in_frame(Run run, const int64_t& steps) {
  set_step_and_seed();
  Frame& frame = current->frame;
  CallStatus status;
  {
    FloatEnvironment environment;
    status = run(frame);
  }
  if (writes)
    state->step += steps;
  if (!status.ok()) [[unlikely]]
    frame.executable().require_in_range(status);
  return loss_row >= 0 ? number(loss_type, frame.output(static_cast<uint32_t>(loss_row)))
                       : std::numeric_limits<double>::quiet_NaN();
}

double StepFunction::Impl::run() {
  return run_in_frame([](Frame& frame) { return frame.run(); }, 1);
}

/// True where several steps may be done within the frame: they count up there as those of the State
/// do, and nobody looks at each.
bool StepFunction::Impl::counts_steps() const {
  const bool reads_step = find_row(current->signature().scalars, "step") >= 0;
  return !checks_values && (!reads_step || (writes && step_row >= 0));
}

double StepFunction::Impl::run(int64_t steps) {
  if (!counts_steps()) {
    double loss = 0;
    for (int64_t i = 0; i < steps; ++i)
      loss = checks_values ? run_and_check_values() : run();
    return loss;
  }
  return run_in_frame([&](Frame& frame) { return frame.run(steps); }, steps);
}

void StepFunction::Impl::run(RowPass& pass, std::span<double> sums) {
  auto batches = [&](Frame& frame) {
    int64_t steps = pass.batches;
    const CallStatus status = frame.run(steps, pass.order, sums);
    pass.done = steps;
    return status;
  };
  run_in_frame(batches, pass.done);
}

double StepFunction::Impl::run_and_check_values() {
  set_step_and_seed();
  const CallArguments before = current->frame.arguments();
  const double loss = run();
  if (!all_finite())
    compiler->explain_non_finite(current->batch, before, state->step - (writes ? 1 : 0));
  return loss;
}

/// Everything that the step gives: its outputs, the loss among them, and its updates.
bool StepFunction::Impl::all_finite() const {
  const Signature& signature = current->signature();
  auto finite = [](const TensorType& type, const void* data) {
    const char* element = static_cast<const char*>(data);
    for (int64_t i = 0; is_float(type.dtype) && i < type.elements(); ++i)
      if (!std::isfinite(number(type.dtype, element + i * byte_size(type.dtype))))
        return false;
    return true;
  };
  for (uint32_t row = 0; row < signature.outputs.size(); ++row)
    if (!finite(signature.outputs[row].type, current->frame.output(row)))
      return false;
  for (const UpdateDecl& update : signature.updates) {
    const StateDecl& decl = signature.states[update.state];
    if (!finite(decl.type, state->entries[static_cast<size_t>(state->find(decl.name))].data))
      return false;
  }
  return true;
}

void StepCompiler::explain_non_finite(int64_t, const CallArguments&, int64_t step) {
  throw Error(ErrorCode::non_finite, fmt::format("step {} gives NaN or infinity", step));
}

StepFunction::StepFunction(State& state, std::shared_ptr<StepCompiler> compiler, int64_t batch)
    : impl_(std::make_unique<Impl>()) {
  impl_->state = state.storage();
  impl_->compiler = std::move(compiler);
  impl_->checks_values = impl_->compiler->checks_values();
  impl_->select(batch);
}

StepFunction::StepFunction(StepFunction&&) noexcept = default;
StepFunction& StepFunction::operator=(StepFunction&&) noexcept = default;
StepFunction::~StepFunction() = default;

double StepFunction::operator()(std::span<const TensorView> inputs, const Scalars& scalars) {
  Impl& impl = live(impl_);
  Entered entered(impl.busy, impl.writes ? &impl.state->busy : nullptr);
  impl.current->bound = false;
  impl.select(impl.rows_of(inputs));
  impl.set_inputs(inputs);
  impl.apply(scalars);
  return impl.checks_values ? impl.run_and_check_values() : impl.run();
}

double StepFunction::operator()(std::initializer_list<TensorView> inputs, const Scalars& scalars) {
  return (*this)(std::span(inputs.begin(), inputs.size()), scalars);
}

void StepFunction::bind(std::span<const TensorView> inputs) {
  Impl& impl = live(impl_);
  Entered entered(impl.busy, nullptr);
  impl.current->bound = false;
  int64_t rows = impl.rows_of(inputs);
  if (rows != impl.current->batch)
    throw Error(ErrorCode::data,
                fmt::format("inputs of {} rows are bound to a step compiled for {}; "
                            "call rebatch({}) first",
                            rows, impl.current->batch, rows));
  impl.set_inputs(inputs);
  impl.current->bound = true;
}

void StepFunction::bind(std::initializer_list<TensorView> inputs) {
  bind(std::span(inputs.begin(), inputs.size()));
}

double StepFunction::run(const Scalars& scalars) {
  Impl& impl = live(impl_);
  Entered entered(impl.busy, impl.writes ? &impl.state->busy : nullptr);
  impl.require_bound();
  impl.apply(scalars);
  return impl.checks_values ? impl.run_and_check_values() : impl.run();
}

double StepFunction::run_many(int64_t steps, const Scalars& scalars) {
  if (steps < 1)
    throw Error(ErrorCode::usage, fmt::format("run of {} steps; give at least 1", steps));
  Impl& impl = live(impl_);
  Entered entered(impl.busy, impl.writes ? &impl.state->busy : nullptr);
  impl.require_bound();
  impl.apply(scalars);
  return impl.run(steps);
}

void StepFunction::rebatch(int64_t batch) {
  Impl& impl = live(impl_);
  Entered entered(impl.busy, nullptr);
  impl.select(batch);
}

void StepFunction::set(std::string_view scalar, double value) {
  const std::vector<ScalarDecl>& decls = live(impl_).current->signature().scalars;
  int row = find_row(decls, scalar);
  if (row < 0)
    throw Error(ErrorCode::usage,
                fmt::format("no scalar is named {}; there are: {}", scalar, names_of(decls)));
  check_scalar(decls[static_cast<size_t>(row)], value);
  impl_->set(static_cast<uint32_t>(row), value);
}

int64_t StepFunction::batch() const { return live(impl_).current->batch; }

int StepFunction::outputs() const {
  return static_cast<int>(live(impl_).current->signature().outputs.size());
}

TensorView StepFunction::output(int i) const {
  if (i < 0 || i >= outputs())
    throw Error(ErrorCode::usage,
                fmt::format("no output {}: the step has {}, counted from 0: {}", i, outputs(),
                            names_of(impl_->current->signature().outputs)));
  const OutputDecl& decl = impl_->current->signature().outputs[static_cast<size_t>(i)];
  return {decl.name, decl.type, impl_->current->frame.output(static_cast<uint32_t>(i))};
}

TensorView StepFunction::output(std::string_view name) const {
  const std::vector<OutputDecl>& decls = live(impl_).current->signature().outputs;
  int row = find_row(decls, name);
  if (row < 0)
    throw Error(ErrorCode::usage,
                fmt::format("no output is named {}; there are: {}", name, names_of(decls)));
  return output(row);
}

const Executable& StepFunction::executable() const {
  return live(impl_).current->frame.executable();
}

} // namespace gdjit
