// The pass manager: what it leaves out, tells, verifies, and that verify-values names each planted
// fault.
#include "gdjit/Transforms/PassManager.h"

#include "StepBuilder.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Lowering/Expand.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Lowering/Lower.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Ops/Rebuild.h"
#include "gdjit/Schedule/Schedule.h"
#include "gdjit/Transforms/EliminateDeadCode.h"
#include "gdjit/Transforms/Simplify.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gmock/gmock.h>

using namespace gdjit;
using gdjit::testing::StepBuilder;
using ::testing::HasSubstr;

namespace {

constexpr TensorType matrix{DType::f32, {5, 7}};

// Faults, as passes.

/// x - y => y - x
Step swap_difference(Step step, PassContext& context) {
  Rebuild rebuild(step, Sharing::shared);
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    rebuild.stand_at(n);
    auto operands = rebuild.operands(n);
    if (step.graph.op(n) == Opcode::Subtract) {
      context.changed = true;
      rebuild.replace(n, rebuild.builder().append(Opcode::Subtract, {operands[1], operands[0]}));
    } else {
      rebuild.copy(n);
    }
  }
  return std::move(rebuild).finish();
}

/// (x + y) + z => x + (y + z): differs in the last bit alone.
Step reassociate(Step step, PassContext& context) {
  Rebuild rebuild(step, Sharing::shared);
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    rebuild.stand_at(n);
    Value left = step.graph.op(n) == Opcode::Add ? rebuild.operands(n)[0] : Value{};
    if (left.valid() && rebuild.graph().op(left.node) == Opcode::Add) {
      context.changed = true;
      Value x = rebuild.graph().operand(left.node, 0), y = rebuild.graph().operand(left.node, 1);
      Value inner = rebuild.builder().append(Opcode::Add, {y, rebuild.operands(n)[1]});
      rebuild.replace(n, rebuild.builder().append(Opcode::Add, {x, inner}));
    } else {
      rebuild.copy(n);
    }
  }
  return std::move(rebuild).finish();
}

Step lie_about_nothing(Step step, PassContext& context) {
  context.changed = true;
  return step;
}
Step lie_about_something(Step step, PassContext& context) {
  Step result = simplify(step, context);
  context.changed = false;
  return result;
}
/// An output of another type.
Step break_types(Step step, PassContext& context) {
  Step result = step;
  result.signature.outputs[0].type.dtype = DType::i64;
  context.changed = true;
  return result;
}

/// Applies `change` to the first statement for which `is` holds.
template <class Is, class Change>
bool plant(std::vector<loop::Statement>& body, Is is, Change change) {
  for (loop::Statement& s : body) {
    if (is(s)) {
      change(s);
      return true;
    }
    if (plant(s.body, is, change))
      return true;
  }
  return false;
}

loop::Program subtract_instead_of_add(loop::Program result, PassContext&) {
  for (loop::Kernel& kernel : result.kernels)
    if (plant(
            kernel.body,
            [](const loop::Statement& s) {
              return s.kind == loop::StatementKind::Compute && s.op == loop::ScalarOp::add &&
                     is_float(s.type.dtype);
            },
            [](loop::Statement& s) { s.op = loop::ScalarOp::sub; }))
      return result;
  return result;
}

/// The first loop stops one short.
loop::Program shorten_a_loop(loop::Program result, PassContext&) {
  for (loop::Kernel& kernel : result.kernels)
    if (plant(
            kernel.body,
            [](const loop::Statement& s) { return s.kind == loop::StatementKind::For; },
            [](loop::Statement& s) { s.end -= s.step; }))
      return result;
  return result;
}

/// All temporaries in one place, although they live at once.
loop::Program overlap(loop::Program program, PassContext& context) {
  loop::Program result = plan(std::move(program), context);
  for (loop::Buffer& buffer : result.buffers)
    if (buffer.place == loop::Place::arena)
      buffer.offset = 0;
  return result;
}

// Faults inside the passes that every step goes through.
Step wrong_fuse(Step step, PassContext& context) {
  return fuse(swap_difference(step, context), context);
}
loop::Program wrong_lower(Step step, PassContext& context) {
  return subtract_instead_of_add(lower(step, context), context);
}
loop::Program wrong_schedule(loop::Program program, PassContext& context) {
  return subtract_instead_of_add(schedule(std::move(program), context), context);
}

constexpr Pass rows[] = {
    {.name = "simplify",
     .needs = Stage::Differentiated,
     .provides = Stage::Differentiated,
     .graph = simplify},
    {.name = "swap_difference",
     .needs = Stage::Differentiated,
     .provides = Stage::Differentiated,
     .graph = swap_difference},
    {.name = "reassociate",
     .needs = Stage::Differentiated,
     .provides = Stage::Differentiated,
     .graph = reassociate},
    {.name = "improve",
     .needs = Stage::Differentiated,
     .provides = Stage::Differentiated,
     .effect = Effect::improves,
     .graph = reassociate},
    {.name = "lie_about_nothing",
     .needs = Stage::Differentiated,
     .provides = Stage::Differentiated,
     .graph = lie_about_nothing},
    {.name = "lie_about_something",
     .needs = Stage::Differentiated,
     .provides = Stage::Differentiated,
     .graph = lie_about_something},
    {.name = "break_types",
     .needs = Stage::Differentiated,
     .provides = Stage::Differentiated,
     .graph = break_types},
    {.name = "eliminate_dead_code",
     .needs = Stage::Differentiated,
     .provides = Stage::Simplified,
     .graph = eliminate_dead_code},
    {.name = "fuse",
     .needs = Stage::Simplified,
     .provides = Stage::Fused,
     .need = Need::required,
     .graph = fuse},
    {.name = "lower",
     .needs = Stage::Fused,
     .provides = Stage::Loops,
     .need = Need::required,
     .lower = lower},
    {.name = "subtract_instead_of_add",
     .needs = Stage::Loops,
     .provides = Stage::Loops,
     .loops = subtract_instead_of_add},
    {.name = "shorten_a_loop",
     .needs = Stage::Loops,
     .provides = Stage::Loops,
     .loops = shorten_a_loop},
    {.name = "expand",
     .needs = Stage::Loops,
     .provides = Stage::Loops,
     .need = Need::required,
     .loops = expand},
    {.name = "schedule", .needs = Stage::Loops, .provides = Stage::Scheduled, .loops = schedule},
    {.name = "late_subtract",
     .needs = Stage::Scheduled,
     .provides = Stage::Scheduled,
     .loops = subtract_instead_of_add},
    {.name = "plan",
     .needs = Stage::Scheduled,
     .provides = Stage::Planned,
     .need = Need::required,
     .loops = plan},
    {.name = "wrong_fuse",
     .needs = Stage::Simplified,
     .provides = Stage::Fused,
     .need = Need::required,
     .graph = wrong_fuse},
    {.name = "wrong_lower",
     .needs = Stage::Fused,
     .provides = Stage::Loops,
     .need = Need::required,
     .lower = wrong_lower},
    {.name = "wrong_schedule",
     .needs = Stage::Loops,
     .provides = Stage::Scheduled,
     .loops = wrong_schedule},
    {.name = "overlap",
     .needs = Stage::Scheduled,
     .provides = Stage::Planned,
     .need = Need::required,
     .loops = overlap},
};

Work sample() {
  StepBuilder b;
  Expr x = b.input("x", matrix), y = b.input("y", matrix);
  Expr z = ((x + y) + x * 3) - y * 1;
  Expr s = sum(z, {1}, true);
  b.output("z", z);
  b.output("t", apply(Opcode::Exp, s * 0.125));
  b.output("u", matmul(x, z, true, false));
  Work work;
  work.step = b.step();
  work.stage = work.step.stage = Stage::Differentiated;
  return work;
}

/// Runs the passes of these names; the message of what is thrown.
std::string run(const std::vector<std::string_view>& names, PassOptions options) {
  Work work = sample();
  PassManager manager(rows, {}, std::move(options));
  try {
    for (std::string_view name : names)
      manager.run(name, work);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

const std::vector<std::string_view> whole = {
    "simplify", "eliminate_dead_code", "fuse", "lower", "expand", "schedule", "plan"};

TEST(VerifyValues, finds_nothing_wrong_with_the_real_passes) {
  EXPECT_EQ(run(whole, {.verify = true, .verify_values = true}), "");
}

TEST(VerifyValues, names_the_planted_pass_at_each_level) {
  struct Fault {
    std::string name;
    std::vector<std::string_view> passes;
  };
  const Fault faults[] = {
      {"swap_difference", {"simplify", "swap_difference", "eliminate_dead_code", "fuse", "lower"}},
      {"reassociate", {"simplify", "reassociate", "eliminate_dead_code"}},
      {"subtract_instead_of_add",
       {"simplify", "eliminate_dead_code", "fuse", "lower", "subtract_instead_of_add", "expand",
        "schedule", "plan"}},
      {"shorten_a_loop",
       {"eliminate_dead_code", "fuse", "lower", "shorten_a_loop", "expand", "schedule"}},
      {"late_subtract",
       {"eliminate_dead_code", "fuse", "lower", "expand", "schedule", "late_subtract", "plan"}},
      {"wrong_fuse", {"eliminate_dead_code", "wrong_fuse", "lower"}},
      {"wrong_lower", {"eliminate_dead_code", "fuse", "wrong_lower", "expand", "schedule"}},
      {"wrong_schedule",
       {"eliminate_dead_code", "fuse", "lower", "expand", "wrong_schedule", "plan"}},
      {"overlap", {"eliminate_dead_code", "fuse", "lower", "expand", "schedule", "overlap"}},
  };
  for (const Fault& fault : faults)
    EXPECT_THAT(run(fault.passes, {.verify_values = true}),
                HasSubstr("pass " + fault.name + " changed a result"));
}

TEST(VerifyValues, names_code_generation_whose_code_gives_other_bits) {
  Work work = sample();
  PassManager manager(rows, {}, {.verify_values = true});
  for (std::string_view name : whole)
    manager.run(name, work);
  auto generated = [&](const loop::Program& program) -> std::string {
    try {
      manager.check_values("code generation", work.signature(),
                           Executable::compile(program)->call(manager.values_arguments(work)));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::check);
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(generated(work.program), "");
  PassContext context;
  EXPECT_THAT(generated(subtract_instead_of_add(work.program, context)),
              HasSubstr("pass code generation changed a result"));
}

TEST(VerifyValues, lets_a_pass_change_bits_that_has_the_right_to) {
  EXPECT_EQ(run({"improve", "eliminate_dead_code", "fuse", "lower"}, {.verify_values = true}), "");
}

TEST(VerifyValues, says_which_element_differs_and_how) {
  EXPECT_THAT(run({"swap_difference"}, {.verify_values = true}), HasSubstr("output z[0] is "));
}

TEST(VerifyValues, runs_what_does_not_depend_on_a_gradient_before_there_are_derivatives) {
  StepBuilder b;
  Expr x = b.input("x", matrix);
  Expr loss = sum(x * x, {0, 1}, false);
  b.output("loss", loss);
  b.output("g", b.gradient(loss, x));
  CallArguments arguments = random_arguments(b.step().signature, 3);
  CallResults results = interpret_forward(b.step(), arguments);
  EXPECT_EQ(results.outputs[0].type(), TensorType(DType::f32, {}));
  EXPECT_EQ(results.outputs[1].elements(), 0);
}

TEST(PassManager, catches_passes_that_lie) {
  EXPECT_THAT(run({"lie_about_nothing"}, {.verify = true}),
              HasSubstr("lie_about_nothing did not change"));
  EXPECT_THAT(run({"lie_about_something"}, {.verify = true}),
              HasSubstr("lie_about_something changed"));
}

TEST(PassManager, verifies_after_each_pass_and_names_it) {
  std::string text = run({"simplify", "break_types"}, {.verify = true});
  EXPECT_THAT(text, HasSubstr("broken at stage differentiated"));
}

TEST(PassManager, leaves_out_what_is_disabled_but_reaches_the_stage) {
  Work work = sample();
  PassManager manager(rows, {}, {.disabled = {"simplify", "schedule"}});
  for (std::string_view name : whole)
    manager.run(name, work);
  EXPECT_EQ(work.stage, Stage::Planned);
  ASSERT_EQ(manager.records().size(), whole.size());
  EXPECT_FALSE(manager.records()[0].ran);
  EXPECT_TRUE(manager.records()[1].ran);
  EXPECT_TRUE(manager.records()[4].ran);
  EXPECT_FALSE(manager.records()[5].ran);
}

TEST(PassManager, stops_optional_passes_after_the_nth) {
  Work work = sample();
  PassManager manager(rows, {}, {.stop_after = 1});
  for (std::string_view name : whole)
    manager.run(name, work);
  std::vector<bool> ran;
  for (const PassRecord& record : manager.records())
    ran.push_back(record.ran);
  EXPECT_EQ(ran, (std::vector<bool>{true, false, true, true, true, false, true}));
}

TEST(PassManager, refuses_unknown_and_required_passes_with_the_names_there_are) {
  auto message = [](std::string name) -> std::string {
    try {
      PassManager manager(rows, {}, {.disabled = {name}});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::usage);
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(message("simplfy"), HasSubstr("did you mean 'simplify'?"));
  EXPECT_THAT(message("lower"), HasSubstr("cannot be disabled"));
}

TEST(PassManager, tells_the_observer_each_pass) {
  struct Names : PassObserver {
    std::vector<std::string> names;
    void after_pass(const PassRecord& record, const Work& work) override {
      names.push_back(record.name + (record.changed ? "*" : "") + " " +
                      std::string(name(work.stage)));
    }
  } names;
  Work work = sample();
  PassManager manager(rows, {}, {.observer = &names});
  manager.run("simplify", work);
  manager.run("eliminate_dead_code", work);
  EXPECT_EQ(names.names, (std::vector<std::string>{"simplify* differentiated",
                                                   "eliminate_dead_code* simplified"}));
}

} // namespace
