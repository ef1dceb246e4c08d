// Which updates may be written straight into their state.
#pragma once

#include "gdjit/Loop/Program.h"

#include <string>

namespace gdjit::memory {

/// An update and why it may not be in place; empty where it may.
struct InPlaceDecision {
  loop::BufferId update = loop::none;
  loop::BufferId state =
      loop::none; ///< none where no buffer reads the state: nothing can be read too late
  std::string refusal;
};

/// One decision per update buffer. An update is in place where every read of the state's old value
/// is done before the element is overwritten: in an earlier loop nest, or in the same iteration
/// before the store.
std::vector<InPlaceDecision> decide_in_place(const loop::Program& program);

} // namespace gdjit::memory
