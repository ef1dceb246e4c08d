// One map per process, written anew as code is added: perf reads it when a recording is shown. Code
// that was unloaded keeps its row, since samples may lie in it.
#include "PerfMap.h"

#include "gdjit/Support/AtomicFile.h"

#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <unistd.h>

namespace gdjit_llvm {

namespace {

/// Adds rows to the map. No exception leaves it, LLVM's frames being around it.
llvm::Error add_rows(const std::string& rows) {
  static std::mutex lock;
  static std::string all;
  std::scoped_lock hold(lock);
  all += rows;
  try {
    gdjit::write_file(fmt::format("/tmp/perf-{}.map", getpid()), all);
  } catch (const std::exception& error) {
    return llvm::createStringError(error.what());
  }
  return llvm::Error::success();
}

llvm::Error add_functions(llvm::jitlink::LinkGraph& graph) {
  std::string rows;
  for (llvm::jitlink::Symbol* symbol : graph.defined_symbols())
    if (symbol->isCallable() && symbol->hasName())
      rows += fmt::format("{:x} {:x} gdjit:{}\n", symbol->getAddress().getValue(),
                          symbol->getSize(), std::string_view(symbol->getName()));
  return add_rows(rows);
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
