// Ctrl-C as a flag that loops look at, so that they end in order.
#pragma once

namespace gdjit::tool {

/// From here on the first Ctrl-C sets a flag; a second one ends the process at once.
void catch_interrupt();
bool interrupted();

} // namespace gdjit::tool
