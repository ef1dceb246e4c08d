// compile: how far it goes, that it can go on from anywhere, and what it refuses.
#include "gdjit/Driver/Compile.h"

#include "StepBuilder.h"
#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <algorithm>
#include <gmock/gmock.h>

using namespace gdjit;
using gdjit::testing::StepBuilder;
using ::testing::HasSubstr;

namespace {

/// Logistic regression by hand, with dropout of the inputs in training.
Step sample() {
  StepBuilder b;
  b.line(1);
  Expr x = b.input("x", {DType::f32, {6, 2}}), y = b.input("y", {DType::f32, {6, 1}});
  Expr w = b.state("w", {DType::f32, {2, 1}}), bias = b.state("b", {DType::f32, {1}});
  Expr lr = b.scalar("lr", DType::f32, 1), training = b.scalar("training", DType::boolean);
  b.line(2);
  Expr kept = select(broadcast_to(training, x.shape()), x * 2, x);
  Expr p = apply(Opcode::Sigmoid, matmul(kept, w) + broadcast_to(bias, {6, 1}));
  Expr each = y * apply(Opcode::Log, p) + (1 - y) * apply(Opcode::Log, 1 - p);
  b.line(3);
  Expr loss = -(sum(each, {0, 1}, false) / 6);
  b.output("loss", loss);
  b.output("p", p);
  b.line(4);
  b.update(w, w - lr * b.gradient(loss, w));
  b.update(bias, bias - lr * b.gradient(loss, bias));
  return b.step();
}

constexpr Stage text_stages[] = {Stage::Declared, Stage::Differentiated, Stage::Simplified,
                                 Stage::Fused,    Stage::Loops,          Stage::Scheduled,
                                 Stage::Planned};

TEST(Compile, reaches_every_stage_and_prints_it) {
  for (int i = 0; i < stage_count; ++i) {
    Stage stage = static_cast<Stage>(i);
    Compilation c = compile(sample(), {.last = stage, .verify = true});
    EXPECT_EQ(c.work.stage, std::min(stage, Stage::Planned));
    EXPECT_EQ(c.executable != nullptr, stage == Stage::Object);
    std::string text = print(c);
    EXPECT_FALSE(text.empty());
    if (stage <= Stage::Planned)
      EXPECT_THAT(text, HasSubstr("stage " + std::string(name(stage))));
    if (stage == Stage::LLVM || stage == Stage::Optimized)
      EXPECT_THAT(text, HasSubstr("define "));
    if (stage == Stage::Object)
      EXPECT_THAT(text, HasSubstr(".text"));
  }
}

TEST(Compile, every_pass_keeps_the_bits_down_to_native_code) {
  for (bool training : {true, false}) {
    CompileOptions options{.training = training, .verify = true, .verify_values = true};
    EXPECT_NO_THROW(compile(sample(), options));
  }
}

TEST(Compile, the_text_of_each_stage_goes_on_to_the_same_bits) {
  Step step = sample();
  CallArguments arguments = random_arguments(step.signature, 11);
  CallResults expected = compile(step, {.verify = true}).executable->call(arguments);
  for (Stage stage : text_stages) {
    std::string text = print(compile(step, {.last = stage}));
    TextStep read = read_step(text, "step.gdir");
    EXPECT_EQ(read.stage, stage);
    Work work{.step = read.step, .program = read.program, .stage = read.stage};
    CallResults results = compile(std::move(work), {.verify = true}).executable->call(arguments);
    EXPECT_EQ(first_difference(step.signature, expected, results), "") << name(stage);
  }
}

TEST(Compile, training_and_evaluation_are_two_functions_of_one_graph) {
  Step step = sample();
  CallArguments arguments = random_arguments(step.signature, 2);
  Array p[2];
  for (bool training : {false, true})
    p[training] = compile(step, {.training = training}).executable->call(arguments).outputs[1];
  EXPECT_FALSE(same_bits(p[0], p[1]));
}

TEST(Compile, times_every_pass_and_phase_in_order) {
  Compilation c = compile(sample());
  std::vector<std::string> names;
  for (const PassRecord& record : c.times)
    names.push_back(record.name);
  ASSERT_GT(names.size(), passes().size());
  for (size_t i = 0; i < passes().size(); ++i)
    EXPECT_EQ(names[i], passes()[i].name);
  EXPECT_EQ(names.back(), "link");
}

TEST(Compile, gives_the_same_bits_with_any_optional_pass_left_out) {
  Step step = sample();
  CallArguments arguments = random_arguments(step.signature, 4);
  CallResults expected = compile(step).executable->call(arguments);
  for (const Pass& pass : passes())
    if (pass.need == Need::optional && pass.effect == Effect::exact && pass.name != "specialize") {
      CompileOptions options{.disabled = {std::string(pass.name)}, .verify = true};
      EXPECT_EQ(first_difference(step.signature, expected,
                                 compile(step, options).executable->call(arguments)),
                "")
          << pass.name;
    }
}

TEST(Compile, every_row_of_the_table_fits_to_the_next) {
  Stage stage = Stage::Declared;
  for (const Pass& pass : passes()) {
    EXPECT_EQ(pass.needs, stage) << pass.name;
    EXPECT_GE(pass.provides, pass.needs) << pass.name;
    EXPECT_EQ((pass.graph != nullptr) + (pass.lower != nullptr) + (pass.loops != nullptr), 1)
        << pass.name;
    EXPECT_FALSE(pass.summary.empty()) << pass.name;
    stage = pass.provides;
  }
  EXPECT_EQ(stage, Stage::Planned);
}

TEST(Compile, refuses_what_it_cannot_do_with_the_values_that_are_possible) {
  auto refused = [](Work work, const CompileOptions& options) -> std::string {
    try {
      compile(std::move(work), options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::usage);
      return e.what();
    }
    return "no error";
  };
  Work declared;
  declared.step = sample();
  EXPECT_THAT(refused(declared, {.target = "pentium"}), HasSubstr("pentium"));
  EXPECT_THAT(refused(declared, {.level = 9}), HasSubstr("9"));
  EXPECT_THAT(refused(declared, {.threads = 0}), HasSubstr("threads"));
  EXPECT_THAT(refused(declared, {.compile_threads = -1}), HasSubstr("-1 threads to compile with"));
  EXPECT_THAT(refused(declared, {.disabled = {"nonsense"}}), HasSubstr("nonsense"));
  Work fused = compile(sample(), {.last = Stage::Fused}).work;
  EXPECT_THAT(refused(fused, {.last = Stage::Simplified}), HasSubstr("back to simplified"));
}

} // namespace
