// Variants of a step by number of rows, all bound to one State; what they must have in common.
#include "StepFunctionImpl.h"

#include "gdjit/Support/Error.h"

#include <fmt/format.h>

namespace gdjit {

namespace {

std::string text(const ScalarDecl& decl) {
  return fmt::format("{} : {}", decl.name, name(decl.dtype));
}
template <class Decl> std::string text(const Decl& decl) {
  return fmt::format("{} : {} of rank {}", decl.name, name(decl.type.dtype),
                     decl.type.shape.rank());
}

/// The rows as a call sees them, whatever the batch size.
template <class Rows> std::string signature_of(const Rows& rows) {
  std::string all;
  for (const auto& row : rows)
    all += (all.empty() ? "" : ", ") + text(row);
  return all.empty() ? "none" : all;
}

/// Variants of one step take the same inputs and scalars and give the same outputs.
void require_same(const StepVariant& a, const StepVariant& b) {
  const Signature &s = a.signature(), &t = b.signature();
  auto compare = [&](const char* what, const std::string& one, const std::string& other) {
    if (one != other)
      throw Error(ErrorCode::graph,
                  fmt::format("the {} of step {} change with the batch size", what, s.step), {},
                  {{fmt::format("for {} rows: {}", a.batch, one), {}},
                   {fmt::format("for {} rows: {}", b.batch, other), {}}});
  };
  compare("inputs", signature_of(s.inputs), signature_of(t.inputs));
  compare("scalars", signature_of(s.scalars), signature_of(t.scalars));
  compare("outputs", signature_of(s.outputs), signature_of(t.outputs));
  if (s.updates.empty() && !t.updates.empty())
    throw Error(ErrorCode::graph, fmt::format("step {} updates state for {} rows, none for {}",
                                              s.step, b.batch, a.batch));
}

} // namespace

void StepFunction::Impl::add_variant(int64_t batch) {
  auto variant = std::make_unique<StepVariant>(compiler->compile(batch), batch);
  const Signature& signature = variant->signature();
  if (variants.empty())
    take_signature(signature);
  else
    require_same(*variants.front(), *variant);
  bind_states(*variant);
  variants.push_back(std::move(variant));
}

void StepFunction::Impl::select(int64_t batch) {
  if (current != nullptr && current->batch == batch)
    return;
  size_t i = 0;
  while (i < variants.size() && variants[i]->batch != batch)
    ++i;
  if (i == variants.size())
    add_variant(batch);
  current = variants[i].get();
  for (uint32_t row = 0; row < scalars.size(); ++row)
    if (given[row])
      current->frame.set_scalar(row, scalars[row]);
}

void StepFunction::Impl::bind_states(StepVariant& variant) const {
  const Signature& signature = variant.signature();
  for (uint32_t row = 0; row < signature.states.size(); ++row) {
    const StateDecl& decl = signature.states[row];
    int i = state->find(decl.name);
    if (i < 0)
      throw Error(ErrorCode::graph,
                  fmt::format("step {} needs state {}, which the State does not "
                              "have; it has: {}",
                              signature.step, decl.name, names_of(state->entries)));
    const StateStorage::Entry& entry = state->entries[static_cast<size_t>(i)];
    if (!(entry.type == decl.type))
      throw Error(ErrorCode::graph,
                  fmt::format("step {} needs state {} as {}, the State has it as {}",
                              signature.step, decl.name, to_string(decl.type),
                              to_string(entry.type)));
    variant.frame.set_state(row, entry.data);
  }
}

void StepFunction::Impl::take_signature(const Signature& signature) {
  writes = !signature.updates.empty();
  loss_row = find_row(signature.outputs, "loss");
  if (loss_row >= 0)
    loss_type = signature.outputs[static_cast<size_t>(loss_row)].type.dtype;
  step_row = find_row(signature.scalars, "step");
  seed_row = find_row(signature.scalars, "seed");
  scalars.assign(signature.scalars.size(), 0);
  given.assign(signature.scalars.size(), 0);
  for (size_t row = 0; row < scalars.size(); ++row) {
    bool from_state = static_cast<int>(row) == step_row || static_cast<int>(row) == seed_row;
    if (signature.scalars[row].has_default && !from_state) {
      check_scalar(signature.scalars[row], signature.scalars[row].initial);
      scalars[row] = signature.scalars[row].initial;
      given[row] = 1;
    } else if (!from_state) {
      ++missing;
    }
  }
}

} // namespace gdjit
