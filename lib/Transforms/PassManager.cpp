// PassManager: one pass at a time, with the checks around it.
#include "gdjit/Transforms/PassManager.h"

#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Ops/Verifier.h"
#include "gdjit/Support/Suggest.h"
#include "gdjit/Transforms/StructuralHash.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

namespace gdjit {

namespace {

uint64_t hash_of(const Work& work) {
  return work.is_graph() ? structural_hash(work.step) : structural_hash(work.program);
}

/// Loop IR does not say what an index selects from; 0 is always in range of what is not empty.
int64_t index_bound(const Work& work) { return work.is_graph() ? index_bound(work.step.graph) : 1; }

CallResults run_work(const Work& work, const CallArguments& arguments) {
  return work.is_graph() ? interpret_forward(work.step, arguments)
                         : interpret(work.program, arguments);
}

/// What was known stays the measure; what was unknown is from now on what `now` says.
void learn(std::vector<Array>& expected, std::vector<Array>&& now) {
  for (size_t i = 0; i < expected.size(); ++i)
    if (expected[i].type() != now[i].type())
      expected[i] = std::move(now[i]);
}

} // namespace

PassManager::PassManager(std::span<const Pass> passes, PassContext context, PassOptions options)
    : passes_(passes), context_(std::move(context)), options_(std::move(options)) {
  for (const std::string& name : options_.disabled) {
    auto at =
        std::find_if(passes.begin(), passes.end(), [&](const Pass& p) { return p.name == name; });
    std::vector<std::string> optional;
    for (const Pass& p : passes)
      if (p.need == Need::optional)
        optional.emplace_back(p.name);
    if (at == passes.end())
      throw Error(ErrorCode::usage,
                  fmt::format("unknown pass '{}'{}", name, did_you_mean(name, optional)), {},
                  {{fmt::format("passes: {}", fmt::join(optional, ", ")), {}}});
    if (at->need == Need::required)
      throw Error(ErrorCode::usage,
                  fmt::format("pass '{}' cannot be disabled: it makes stage {}", name,
                              gdjit::name(at->provides)),
                  {}, {{fmt::format("optional passes: {}", fmt::join(optional, ", ")), {}}});
  }
}

const Pass& PassManager::find(std::string_view name) const {
  auto at =
      std::find_if(passes_.begin(), passes_.end(), [&](const Pass& p) { return p.name == name; });
  if (at == passes_.end())
    throw InternalError(fmt::format("no pass is called '{}'", name));
  return *at;
}

bool PassManager::left_out(const Pass& pass) {
  if (pass.need == Need::required)
    return false;
  const std::vector<std::string>& off = options_.disabled;
  if (std::find(off.begin(), off.end(), pass.name) != off.end())
    return true;
  return options_.stop_after >= 0 && optional_run_++ >= options_.stop_after;
}

void PassManager::run(std::string_view name, Work& work) {
  const Pass& pass = find(name);
  if (work.stage != pass.needs)
    throw InternalError(fmt::format("pass {} needs stage {}, the step is at {}", name,
                                    gdjit::name(pass.needs), gdjit::name(work.stage)));
  if (options_.verify_values)
    values_arguments(work);

  PassRecord record{.name = std::string(name), .ran = !left_out(pass)};
  if (record.ran) {
    uint64_t before = options_.verify ? hash_of(work) : 0;
    context_.changed = false;
    auto start = std::chrono::steady_clock::now();
    apply(pass, work);
    record.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    // Rewrites of the graph say whether they found anything; a pass that makes a stage always does.
    bool says = pass.graph && pass.need == Need::optional;
    record.changed = context_.changed || !says;
    if (options_.verify) {
      verify(work);
      bool differs = hash_of(work) != before;
      if (says && differs != record.changed)
        throw InternalError(fmt::format("pass {} {} the step and says it {}", name,
                                        differs ? "changed" : "did not change",
                                        record.changed ? "did" : "did not"));
    }
    if (options_.verify_values)
      compare_values(pass, work);
  }
  work.stage = pass.provides;
  (work.is_graph() ? work.step.stage : work.program.stage) = pass.provides;
  records_.push_back(record);
  if (options_.observer)
    options_.observer->after_pass(record, work);
}

void PassManager::apply(const Pass& pass, Work& work) {
  if (pass.graph)
    work.step = pass.graph(std::move(work.step), context_);
  else if (pass.lower)
    work.program = pass.lower(std::move(work.step), context_);
  else
    work.program = pass.loops(std::move(work.program), context_);
  work.stage = pass.provides;
  (work.is_graph() ? work.step.stage : work.program.stage) = pass.provides;
}

void PassManager::verify(const Work& work) {
  Diagnostics diagnostics;
  if (work.is_graph()) {
    const bool known = signature_verified_ && !options_.verify;
    gdjit::verify(work.step, diagnostics, known ? StepPart::body : StepPart::all);
    signature_verified_ = true;
  } else {
    loop::verify(work.program, diagnostics);
  }
  if (diagnostics.empty())
    return;
  std::string text = fmt::format("the step is broken at stage {}{}", name(work.stage),
                                 records_.empty() ? "" : ", after pass " + records_.back().name);
  for (const Diagnostic& d : diagnostics.all())
    text += "\n" + to_string(d);
  throw InternalError(text);
}

const CallArguments& PassManager::values_arguments(const Work& work) {
  if (!expected_known_) {
    arguments_ = random_arguments(work.signature(), options_.values_seed, index_bound(work));
    const std::vector<ScalarDecl>& scalars = work.signature().scalars;
    for (size_t i = 0; i < scalars.size(); ++i) // what specialize makes of it
      if (scalars[i].name == "training" && scalars[i].dtype == DType::boolean)
        arguments_.scalars[i].set(0, context_.training);
    expected_ = run_work(work, arguments_);
    expected_known_ = true;
  }
  return arguments_;
}

void PassManager::compare_values(const Pass& pass, const Work& work) {
  CallResults now = run_work(work, arguments_);
  if (pass.effect == Effect::exact)
    check_values(pass.name, work.signature(), now);
  else
    expected_ = now;
  learn(expected_.outputs, std::move(now.outputs));
  learn(expected_.updates, std::move(now.updates));
}

void PassManager::check_values(std::string_view who, const Signature& signature,
                               const CallResults& results) const {
  std::string difference = first_difference(signature, expected_, results);
  if (!difference.empty())
    throw Error(
        ErrorCode::check,
        fmt::format("verify-values: pass {} changed a result: {}", who, difference), {},
        {{fmt::format("inputs drawn from seed {}; a bug in gdjit", options_.values_seed), {}}});
}

} // namespace gdjit
