// Installation: where the running gdjit lies, in its build tree or installed, and what lies around
// it.
#pragma once

#include <string>

namespace gdjit {

struct Installation {
  std::string libgdjit; ///< the running libgdjit, links resolved
  std::string include;  ///< the folder that holds gdjit/gdjit.h, "" where there is none
  std::string examples; ///< the folder of the built examples, "" where there is none
};

/// Found from the place of the loaded library: <prefix>/lib*/libgdjit.so, <prefix>/include,
/// <prefix>/lib*/gdjit/examples. A build tree has the same form.
Installation find_installation();

/// $XDG_CACHE_HOME/gdjit or ~/.cache/gdjit; "" where neither variable is set.
std::string cache_directory();

} // namespace gdjit
