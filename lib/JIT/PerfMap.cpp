// One map per process, which grows as code is added: perf reads it when a recording is shown. Code
// that was unloaded keeps its row, since samples may lie in it.
#include "PerfMap.h"

#include "gdjit/Support/AtomicFile.h"

#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <unistd.h>

namespace gdjit_llvm {

namespace {

/// Adds rows to the map; the first of a process takes away what an earlier one of that number left.
void add_rows(const std::string& rows) {
  static std::mutex lock;
  static bool fresh = false;
  std::scoped_lock hold(lock);
  std::string path = fmt::format("/tmp/perf-{}.map", getpid());
  if (!fresh)
    unlink(path.c_str());
  gdjit::append_to_file(path, rows);
  fresh = true;
}

/// No exception leaves it, LLVM's frames being around it.
llvm::Error add_functions(llvm::jitlink::LinkGraph& graph) noexcept {
  try {
    std::string rows;
    for (llvm::jitlink::Symbol* symbol : graph.defined_symbols())
      if (symbol->isCallable() && symbol->hasName())
        rows += fmt::format("{:x} {:x} gdjit:{}\n", symbol->getAddress().getValue(),
                            symbol->getSize(), std::string_view(symbol->getName()));
    add_rows(rows);
  } catch (const std::exception& error) {
    return llvm::createStringError(error.what());
  }
  return llvm::Error::success();
}

/// Kernels are local symbols, which the linker would forget.
llvm::Error keep_functions(llvm::jitlink::LinkGraph& graph) {
  for (llvm::jitlink::Symbol* symbol : graph.defined_symbols())
    if (symbol->isCallable() && symbol->hasName())
      symbol->setLive(true);
  return llvm::Error::success();
}

} // namespace

void PerfMapPlugin::modifyPassConfig(llvm::orc::MaterializationResponsibility&,
                                     llvm::jitlink::LinkGraph&,
                                     llvm::jitlink::PassConfiguration& passes) {
  passes.PrePrunePasses.emplace_back(keep_functions);
  passes.PostFixupPasses.emplace_back(add_functions);
}

} // namespace gdjit_llvm
