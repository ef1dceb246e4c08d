// Ctrl-C as a flag that loops look at, so that they end in order.
#pragma once

namespace gdjit::tool {

/// From here on the first Ctrl-C, SIGTERM or closed terminal sets a flag; a second one ends the
/// process at once.
void catch_interrupt();
bool interrupted();

/// A mapped file that is cut short while it is read ends the process with a message and exit
/// code 7.
void catch_truncation();

} // namespace gdjit::tool
