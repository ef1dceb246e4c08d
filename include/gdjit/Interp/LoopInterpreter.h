// The meaning of Loop IR, run, with every access checked against its buffer or tile.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/Loop/Program.h"

namespace gdjit {

/// Runs a program at Loops, Scheduled or Planned. At Planned, temporaries really share the arena,
/// and a slot whose live range has ended or not begun holds a poison pattern, so that a wrong plan
/// shows in the bits. An access out of bounds is an InternalError naming kernel, statement and
/// index.
CallResults interpret(const loop::Program& program, const CallArguments& arguments);

} // namespace gdjit
