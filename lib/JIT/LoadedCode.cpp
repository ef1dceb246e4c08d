// LLVM's ORC as loader. Memory is mapped writable, filled, then made executable and no longer
// writable. What the code leaves open (libm's exact functions, which x86-64 without fma and SSE 4.1
// needs, and memcpy's family) is given here by address; nothing is looked up in the process.
#include "LoadedCode.h"

#include "PerfMap.h"

#include "gdjit/Support/Error.h"

#include <cmath>
#include <cstring>
#include <llvm/ExecutionEngine/Orc/DebugObjectManagerPlugin.h>
#include <llvm/ExecutionEngine/Orc/EPCDebugObjectRegistrar.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/Orc/TargetProcess/JITLoaderGDB.h>
#include <llvm/TargetParser/Host.h>

namespace gdjit_llvm {

namespace orc = llvm::orc;

namespace {

template <class T> T require(llvm::Expected<T> value, const char* what) {
  if (value)
    return std::move(*value);
  throw gdjit::Error(gdjit::ErrorCode::compile,
                     std::string(what) + ": " + llvm::toString(value.takeError()));
}

void require(llvm::Error error, const char* what) {
  if (error)
    throw gdjit::Error(gdjit::ErrorCode::compile,
                       std::string(what) + ": " + llvm::toString(std::move(error)));
}

struct Symbol {
  const char* name;
  void* address;
};

template <class F> void* address_of(F* function) { return reinterpret_cast<void*>(function); }

std::vector<Symbol> outside_functions() {
  using F32 = float(float);
  using F64 = double(double);
  return {
      {"fmaf", address_of<float(float, float, float)>(::fmaf)},
      {"fma", address_of<double(double, double, double)>(::fma)},
      {"floorf", address_of<F32>(::floorf)},
      {"floor", address_of<F64>(::floor)},
      {"ceilf", address_of<F32>(::ceilf)},
      {"ceil", address_of<F64>(::ceil)},
      {"truncf", address_of<F32>(::truncf)},
      {"trunc", address_of<F64>(::trunc)},
      {"roundevenf", address_of<F32>(::roundevenf)},
      {"roundeven", address_of<F64>(::roundeven)},
      {"memcpy", address_of<void*(void*, const void*, size_t)>(::memcpy)},
      {"memmove", address_of<void*(void*, const void*, size_t)>(::memmove)},
      {"memset", address_of<void*(void*, int, size_t)>(::memset)},
  };
}

std::unique_ptr<orc::ObjectLayer> make_linker(orc::ExecutionSession& session,
                                              const gdjit::ExecutableOptions& options) {
  auto layer = std::make_unique<orc::ObjectLinkingLayer>(session);
  if (options.gdb)
    layer->addPlugin(std::make_unique<orc::DebugObjectManagerPlugin>(
        session,
        std::make_unique<orc::EPCDebugObjectRegistrar>(
            session, orc::ExecutorAddr::fromPtr(&llvm_orc_registerJITLoaderGDBWrapper)),
        /*RequireDebugSections=*/false, /*AutoRegisterCode=*/true));
  if (options.perf)
    layer->addPlugin(std::make_unique<PerfMapPlugin>());
  return layer;
}

/// Objects come compiled; a module of IR never reaches the JIT.
class NoCompiler : public orc::IRCompileLayer::IRCompiler {
public:
  NoCompiler() : IRCompiler(orc::IRSymbolMapper::ManglingOptions()) {}
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> operator()(llvm::Module&) override {
    return llvm::createStringError("IR reached the loader");
  }
};

} // namespace

struct LoadedCode::Engine {
  std::string reported; ///< by the linker; what a look-up returns names the functions alone
  std::unique_ptr<orc::LLJIT> jit;
};

LoadedCode::LoadedCode(const gdjit::Code& code, const gdjit::ExecutableOptions& options)
    : engine_(std::make_unique<Engine>()) {
  orc::JITTargetMachineBuilder machine{llvm::Triple(llvm::sys::getProcessTriple())};
  engine_->jit = require(
      orc::LLJITBuilder()
          .setJITTargetMachineBuilder(std::move(machine))
          .setDataLayout(llvm::DataLayout("e-m:e")) // for the names of symbols
          .setCompileFunctionCreator(
              [](const orc::JITTargetMachineBuilder&)
                  -> llvm::Expected<std::unique_ptr<NoCompiler::IRCompiler>> {
                return std::make_unique<NoCompiler>();
              })
          .setObjectLinkingLayerCreator([&](orc::ExecutionSession& session, const llvm::Triple&)
                                            -> llvm::Expected<std::unique_ptr<orc::ObjectLayer>> {
            return make_linker(session, options);
          })
          .setPlatformSetUp(orc::setUpInactivePlatform)
          .setLinkProcessSymbolsByDefault(false)
          .create(),
      "cannot set up the loader");
  engine_->jit->getExecutionSession().setErrorReporter(
      [this](llvm::Error error) { engine_->reported += "; " + llvm::toString(std::move(error)); });
  orc::JITDylib& library = engine_->jit->getMainJITDylib();
  orc::SymbolMap outside;
  for (const Symbol& symbol : outside_functions())
    outside[engine_->jit->mangleAndIntern(symbol.name)] = {
        orc::ExecutorAddr::fromPtr(symbol.address), llvm::JITSymbolFlags::Exported};
  require(library.define(orc::absoluteSymbols(std::move(outside))),
          "cannot define libm's functions");
  for (const std::string& object : code.objects)
    require(engine_->jit->addObjectFile(llvm::MemoryBuffer::getMemBuffer(
                object, "gdjit", /*RequiresNullTerminator=*/false)),
            "cannot add object code");
  orc::SymbolLookupSet wanted; // all at once: looking up one by one costs a session each
  for (const std::string& name : code.functions)
    wanted.add(engine_->jit->mangleAndIntern(name));
  llvm::Expected<orc::SymbolMap> loaded = engine_->jit->getExecutionSession().lookup(
      {{&library, orc::JITDylibLookupFlags::MatchAllSymbols}}, std::move(wanted));
  std::string what = "cannot load object code" + engine_->reported;
  orc::SymbolMap found = require(std::move(loaded), what.c_str());
  for (const std::string& name : code.functions)
    functions_.push_back(
        found[engine_->jit->mangleAndIntern(name)].getAddress().toPtr<gdjit::KernelFunction>());
}

LoadedCode::~LoadedCode() = default;

} // namespace gdjit_llvm
