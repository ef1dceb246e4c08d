// Loops written by hand: native code touches no memory outside a buffer, whatever their indices.
#include "gdjit/Loop/Bounds.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gdjit {
namespace {

std::string text(const std::string& body) {
  return R"(gdir 1
stage planned
model m
step training
batch 0

input x : f32[4]
input rows : i64[4]
state w : f32[4] = zeros
output y : f32[4]
update w

buffer x : f32[4] = input x, in argument
buffer rows : i64[4] = input rows, in argument
buffer w : f32[4] = state w, in argument
buffer w.next : f32[4] = update w, same as w, in shared
buffer y : f32[4] = output y, in arena + 0
arena 64 bytes
note @1 far

kernel k0 "a" {
)" + body +
         "}\n\nend\n";
}

Work read(const std::string& body) {
  TextStep step = read_step(text(body), "t.gdir");
  return {.step = {}, .program = std::move(step.program), .stage = step.stage};
}

CallArguments arguments(const std::vector<double>& rows) {
  return {.inputs = {Array({DType::f32, {4}}, {1, 2, 3, 4}), Array({DType::i64, {4}}, rows)},
          .states = {Array({DType::f32, {4}}, {5, 6, 7, 8})},
          .scalars = {}};
}

/// Runs natively and by the interpreter what is compiled; both must agree.
CallResults run(const std::string& body, const std::vector<double>& rows, std::string& report) {
  Compilation c = compile(read(body));
  Diagnostics diagnostics;
  verify(c.work.program, diagnostics);
  diagnostics.throw_if_any(ErrorCode::graph);
  CallResults native = c.executable->call(arguments(rows));
  CallResults interpreted = interpret(c.work.program, arguments(rows));
  EXPECT_EQ(native.status.ok(), interpreted.status.ok());
  for (size_t i = 0; i < native.outputs.size(); ++i)
    EXPECT_TRUE(same_bits(native.outputs[i], interpreted.outputs[i]));
  EXPECT_TRUE(same_bits(native.updates[0], interpreted.updates[0]));
  report = "ok";
  if (const loop::Note* note = loop::find_note(c.work.program.notes, native.status.node);
      !native.status.ok()) {
    EXPECT_EQ(native.status.position, interpreted.status.position);
    report = (note ? note->name : "?") + " at " + std::to_string(native.status.position);
  }
  return native;
}

std::vector<double> values(const Array& array) {
  std::vector<double> all;
  for (int64_t i = 0; i < array.elements(); ++i)
    all.push_back(array.at(i));
  return all;
}

constexpr const char* gather = R"(  for i in 0..4 {                                       @1 far
    %0 = load rows[i]
    %1 = load x[%0]
    store y[i] = %1
    store w.next[i] = %1
  }
)";

TEST(Bounds, of_a_gather_without_a_check_are_kept_and_reported) {
  std::string report;
  EXPECT_EQ(values(run(gather, {3, 2, 1, 0}, report).outputs[0]),
            (std::vector<double>{4, 3, 2, 1}));
  EXPECT_EQ(report, "ok");
  CallResults far = run(gather, {0, 1e12, -1, 3}, report);
  EXPECT_EQ(values(far.outputs[0]), (std::vector<double>{1, 0, 0, 4}));
  EXPECT_EQ(report, "load of x, axis 0 at 1000000000000");
}

TEST(Bounds, of_masked_vectors_are_kept_where_the_mask_lets_too_much_through) {
  std::string report;
  const char* body = R"(  %0 = 0 : i64
  %1 = index lane : i64x8
  %2 = ge %1, %0
  %3 = 0 : f32
  %4 = load x[lane] if %2 else %3 : f32x8
  store y[lane] = %4 if %2
  store w.next[lane+2] = %4 if %2
)";
  CallResults results = run(body, {0, 0, 0, 0}, report);
  EXPECT_EQ(values(results.outputs[0]), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(values(results.updates[0]), (std::vector<double>{5, 6, 1, 2}));
  EXPECT_EQ(report, "load of x, axis 0 at 4");
}

TEST(Bounds, of_a_masked_tail_that_is_right_change_nothing) {
  std::string report;
  const char* body = R"(  %0 = 4 : i64
  %1 = index lane : i64x8
  %2 = lt %1, %0
  %3 = 0 : f32
  %4 = load x[lane] if %2 else %3 : f32x8
  store y[lane] = %4 if %2
  store w.next[lane] = %4 if %2
)";
  EXPECT_EQ(values(run(body, {0, 0, 0, 0}, report).updates[0]), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(report, "ok");
}

TEST(Bounds, are_checked_in_no_program_that_lowering_made_and_where_the_verifier_proves_them) {
  loop::Program program = read("  %0 = load x[3]\n  store y[0] = %0\n  store w.next[0] = %0\n").program;
  EXPECT_TRUE(program.from_text);
  EXPECT_EQ(print(with_bounds_checks(program)), print(program));
  EXPECT_NE(print(with_bounds_checks(read(gather).program)), print(read(gather).program));
}

TEST(Bounds, are_the_users_in_the_interpreter_too) {
  try {
    interpret(read(gather).program, arguments({0, 0, 0, 4}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::graph);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("load x: index 4 of axis 0 lies outside 0..4"));
  }
}

} // namespace
} // namespace gdjit
