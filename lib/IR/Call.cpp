// What a call reports, as the user's mistake that it is.
#include "gdjit/IR/Call.h"

#include "gdjit/Support/Error.h"

#include <fmt/format.h>

namespace gdjit {

void require_in_range(const CallStatus& status, std::string_view what,
                      const SourceLocation& location) {
  if (status.ok())
    return;
  throw Error(
      ErrorCode::data,
      fmt::format("{}: index out of range at position {} of its indices, counted from 0", what,
                  status.position),
      location,
      {{"an index (a class number, a row of a table) counts from 0 and is less than the number of "
        "classes or rows",
        {}}});
}

void require_in_range(const CallStatus& status, const Graph& graph) {
  if (status.ok())
    return;
  const std::string& named = graph.name(status.node);
  require_in_range(status, named.empty() ? name(graph.op(status.node)) : std::string_view(named),
                   graph.location(status.node));
}

} // namespace gdjit
