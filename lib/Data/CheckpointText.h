// A Checkpoint as JSON, and back.
#pragma once

#include "gdjit/Data/Checkpoint.h"

namespace gdjit {

std::string checkpoint_text(const Checkpoint& checkpoint);
/// Error(data) naming `file`; only the version is looked at where it is newer than ours.
Checkpoint parse_checkpoint(const std::string& text, const std::string& file);

} // namespace gdjit
