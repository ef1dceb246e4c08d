// StepFunction over rows: which passes native code does.
#include "StepFunctionImpl.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit {

/// Where not, calls do it: with the step in several kernels or shared by threads, with inputs that
/// are cut where the step has no batch, with rows that only a copy makes fit for the step.
bool StepFunction::Impl::passes_over(const RowPass& pass) const {
  if (!current->frame.executable().passes_over_rows() || pass.batches < 2)
    return false;
  const std::vector<InputDecl>& decls = current->signature().inputs;
  for (size_t row = 0; row < decls.size(); ++row) {
    const TensorView* view = find_input(pass.first, row, decls[row].name);
    const int64_t rows = pass.rows[static_cast<size_t>(view - pass.first.data())];
    if ((decls[row].batch_axis == 0) != (rows > 0))
      return false;
    const int64_t bytes =
        rows > 0 ? view->type.bytes() / view->type.shape[0] * rows : view->type.bytes();
    const auto alignment = static_cast<uintptr_t>(byte_size(view->type.dtype));
    if (reinterpret_cast<uintptr_t>(view->data) % alignment != 0 || !is_apart(view->data, bytes))
      return false;
  }
  return true;
}

void StepFunction::run(RowPass& pass, std::span<double> sums, const Scalars& scalars) {
  Impl& impl = live(impl_);
  Entered entered(impl.busy, impl.writes ? &impl.state->busy : nullptr);
  pass.done = 0;
  impl.current->bound = false;
  impl.select(impl.rows_of(pass.first));
  const auto singles =
      std::ranges::count_if(impl.current->signature().outputs,
                            [](const OutputDecl& output) { return output.type.shape.rank() == 0; });
  if (sums.size() != static_cast<size_t>(singles))
    throw Error(ErrorCode::usage,
                fmt::format("{} sums are given to a step with {} outputs that are single numbers",
                            sums.size(), singles));
  if (!impl.passes_over(pass))
    return;
  impl.set_inputs(pass.first);
  impl.apply(scalars);
  if (impl.counts_steps())
    impl.run(pass, sums);
}

} // namespace gdjit
