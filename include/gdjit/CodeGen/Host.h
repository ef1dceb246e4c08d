// What LLVM says of this machine and of itself, for `gdjit info`.
#pragma once

#include <string>
#include <vector>

namespace gdjit {

struct HostInfo {
  std::string llvm;                  ///< version of the LLVM inside libgdjit
  std::string cpu;                   ///< LLVM's name of the processor
  std::vector<std::string> features; ///< those that matter for our code, of what the processor has
};

HostInfo host_info();

} // namespace gdjit
