// LoadedCode: object code in memory that can be executed, kept as long as this object lives. No
// LLVM type in sight.
#pragma once

#include "gdjit/JIT/Executable.h"

#include <memory>
#include <vector>

namespace gdjit_llvm {

class LoadedCode {
public:
  /// Links and loads `code`; throws gdjit::Error(compile) where the linker refuses.
  LoadedCode(const gdjit::Code& code, const gdjit::ExecutableOptions& options);
  ~LoadedCode();

  /// Per Code::functions.
  const std::vector<gdjit::KernelFunction>& functions() const { return functions_; }

private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
  std::vector<gdjit::KernelFunction> functions_;
};

} // namespace gdjit_llvm
