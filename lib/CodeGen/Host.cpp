// The machine by LLVM's detection.
#include "gdjit/CodeGen/Host.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/TargetParser/Host.h>

namespace gdjit {

HostInfo host_info() {
  HostInfo info;
  info.llvm = LLVM_VERSION_STRING;
  info.cpu = llvm::sys::getHostCPUName().str();
  auto features = llvm::sys::getHostCPUFeatures();
  for (const char* name : {"sse4.2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw",
                           "avx512dq", "avx512vl", "avx512bf16", "avx512fp16", "amx-tile"})
    if (features.lookup(name))
      info.features.emplace_back(name);
  return info;
}

} // namespace gdjit
