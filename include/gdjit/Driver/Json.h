// Steps and loop programs as JSON, for other programs to read: `gdjit dump --as json`.
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"

#include <string>

namespace gdjit {

/// {"stage", "signature", "nodes": [{"id", "op", "kind", "operands", "attributes", "type", "name",
/// "part", "at"}], "outputs", "updates", "kernels"}; members that would be empty are left out.
std::string print_json(const Step& step);

/// {"stage", "signature", "buffers", "kernels": [{"name", "title", "body": [statement]}],
/// "arena_bytes"}.
std::string print_json(const loop::Program& program);

} // namespace gdjit
