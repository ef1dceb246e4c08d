// What a program remembers of the graph it came from.
#include "gdjit/Loop/Program.h"

#include <algorithm>

namespace gdjit::loop {

const Note* find_note(std::span<const Note> notes, NodeId node) {
  auto at = std::lower_bound(notes.begin(), notes.end(), node,
                             [](const Note& n, NodeId id) { return n.node < id; });
  return at != notes.end() && at->node == node ? &*at : nullptr;
}

void require_in_range(const CallStatus& status, std::span<const Note> notes) {
  const Note* note = find_note(notes, status.node);
  gdjit::require_in_range(status, note ? note->name : "node " + std::to_string(status.node),
                          note ? note->location : SourceLocation{});
}

} // namespace gdjit::loop
