// DebugInfo: leads from machine code back to the user's C++ lines, for gdb and perf.
#pragma once

#include "gdjit/Loop/Program.h"

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/Module.h>
#include <map>

namespace gdjit_llvm {

/// Debug metadata of one module; finish() before the module is used.
class DebugInfo {
public:
  DebugInfo(llvm::Module& module, const gdjit::loop::Program& program);

  /// Describes `function` as the code of `kernel`; later locations belong to it.
  void begin(llvm::Function* function, const gdjit::loop::Kernel& kernel);
  /// The user's line of a node; the kernel's own place (line 0) where it has none.
  llvm::DebugLoc location(gdjit::NodeId node);
  void finish() { builder_.finalize(); }

private:
  llvm::DIFile* file(const std::string& path);

  const gdjit::loop::Program& program_;
  llvm::DIBuilder builder_;
  llvm::DICompileUnit* unit_ = nullptr;
  llvm::DISubprogram* subprogram_ = nullptr;
  std::map<std::string, llvm::DIFile*> files_;
  std::map<llvm::DIFile*, llvm::DIScope*> scopes_; ///< of the current kernel, per file
};

} // namespace gdjit_llvm
