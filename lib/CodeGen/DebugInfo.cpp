// Debug metadata: one compile unit per module, one subprogram per kernel, one lexical scope per
// file that a kernel's lines come from (a fused kernel may hold lines of several).
#include "DebugInfo.h"

#include <algorithm>
#include <llvm/BinaryFormat/Dwarf.h>

namespace gdjit_llvm {

DebugInfo::DebugInfo(llvm::Module& module, const gdjit::loop::Program& program)
    : program_(program), builder_(module) {
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  std::string first;
  for (const gdjit::loop::Note& note : program.notes)
    if (first.empty() && note.location.known())
      first = note.location.file;
  unit_ = builder_.createCompileUnit(llvm::dwarf::DW_LANG_C_plus_plus, file(first), "gdjit",
                                     /*isOptimized=*/true, "", 0);
}

llvm::DIFile* DebugInfo::file(const std::string& path) {
  llvm::DIFile*& known = files_[path];
  if (known == nullptr) {
    size_t slash = path.rfind('/');
    known = slash == std::string::npos
                ? builder_.createFile(path.empty() ? "unknown" : path, "")
                : builder_.createFile(path.substr(slash + 1), path.substr(0, slash));
  }
  return known;
}

void DebugInfo::begin(llvm::Function* function, const gdjit::loop::Kernel& kernel) {
  llvm::DISubroutineType* type = builder_.createSubroutineType(builder_.getOrCreateTypeArray({}));
  subprogram_ = builder_.createFunction(
      unit_, kernel.title.empty() ? kernel.name : kernel.title, function->getName(),
      unit_->getFile(), 0, type, 0, llvm::DINode::FlagZero,
      llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized);
  function->setSubprogram(subprogram_);
  scopes_.clear();
}

llvm::DebugLoc DebugInfo::location(gdjit::NodeId node) {
  auto note = std::lower_bound(program_.notes.begin(), program_.notes.end(), node,
                               [](const auto& n, gdjit::NodeId id) { return n.node < id; });
  llvm::LLVMContext& context = subprogram_->getContext();
  if (note == program_.notes.end() || note->node != node || !note->location.known())
    return llvm::DILocation::get(context, 0, 0, subprogram_);
  llvm::DIFile* source = file(note->location.file);
  llvm::DIScope*& scope = scopes_[source];
  if (scope == nullptr)
    scope = source == unit_->getFile() ? static_cast<llvm::DIScope*>(subprogram_)
                                       : builder_.createLexicalBlockFile(subprogram_, source);
  return llvm::DILocation::get(context, note->location.line, note->location.column, scope);
}

} // namespace gdjit_llvm
