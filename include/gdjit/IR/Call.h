// One call of a step as plain data: what the interpreters take and give, and what the compiled step
// is compared with.
#pragma once

#include "gdjit/IR/Array.h"
#include "gdjit/IR/Graph.h"

#include <string_view>
#include <vector>

namespace gdjit {

/// What a call reports besides its results: the first index out of range.
struct CallStatus {
  NodeId node = no_node; ///< no_node where all is well
  int64_t position = 0;  ///< row-major position in the operand that holds the indices

  bool ok() const { return node == no_node; }
  bool operator==(const CallStatus&) const = default;
};

/// Throws Error(data) where `status` reports an index out of range; `what` is the op or the name of
/// its node, `location` the user's line.
void require_in_range(const CallStatus& status, std::string_view what,
                      const SourceLocation& location);
/// The same for a status whose node is one of `graph`.
void require_in_range(const CallStatus& status, const Graph& graph);

struct CallArguments {
  std::vector<Array> inputs;  ///< per Signature::inputs
  std::vector<Array> states;  ///< per Signature::states
  std::vector<Array> scalars; ///< per Signature::scalars, rank 0
};

struct CallResults {
  std::vector<Array> outputs; ///< per Signature::outputs
  std::vector<Array> updates; ///< per Signature::updates: the states' next values
  CallStatus status;
};

} // namespace gdjit
