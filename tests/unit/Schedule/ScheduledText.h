// A text of loops, scheduled.
#pragma once

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Schedule/Schedule.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gtest/gtest.h>
#include <string>

namespace gdjit {

/// Schedules the program of `text` for vectors of 64 bytes, expects its bits, and gives its loops.
inline std::string scheduled_text(const std::string& text) {
  const TextStep read = read_step(text, "t.gdir");
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  const loop::Program program = schedule(read.program, context);
  Diagnostics diagnostics;
  verify(program, diagnostics);
  diagnostics.throw_if_any(ErrorCode::internal);
  const CallArguments arguments = random_arguments(read.program.signature, 7, 1);
  const CallResults expected = interpret(read.program, arguments);
  const CallResults got = interpret(program, arguments);
  for (size_t i = 0; i < expected.outputs.size(); ++i)
    EXPECT_TRUE(same_bits(expected.outputs[i], got.outputs[i])) << i;
  return loop::print(program);
}

} // namespace gdjit
