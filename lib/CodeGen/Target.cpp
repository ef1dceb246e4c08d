// Targets: names that a user may give, what the machine must offer for them, and LLVM's target
// machine.
//
// Fusing a multiplication and an addition is our decision, made in the graph: AllowFPOpFusion is
// Strict. No fast-math flag is ever set; "native" differs from x86-64-v3 in speed only.
#include "Target.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>
#include <mutex>
#include <unistd.h>

namespace gdjit {

namespace {

struct TargetRow {
  const char* name;
  bool (*runs_here)();
  int vector_bytes; ///< 0: of the widest target that runs here
  int vector_registers;
};

constexpr TargetRow rows[] = {
    {"native", [] { return true; }, 0, 0},
    {"x86-64-v4", [] { return __builtin_cpu_supports("x86-64-v4") != 0; }, 64, 32},
    {"x86-64-v3", [] { return __builtin_cpu_supports("x86-64-v3") != 0; }, 32, 16},
    {"x86-64", [] { return true; }, 16, 16},
};

const TargetRow& find_target(const std::string& name) {
  std::vector<const char*> possible;
  for (const TargetRow& row : rows)
    if (row.runs_here())
      possible.push_back(row.name);
  auto row = std::find_if(std::begin(rows), std::end(rows),
                          [&](const TargetRow& r) { return name == r.name; });
  if (row == std::end(rows))
    throw Error(ErrorCode::usage, fmt::format("unknown target {}; this machine has: {}", name,
                                              fmt::join(possible, ", ")));
  if (!row->runs_here())
    throw Error(ErrorCode::usage, fmt::format("this machine cannot run target {}; it has: {}", name,
                                              fmt::join(possible, ", ")));
  return *row;
}

int64_t cache_bytes(int name, int64_t otherwise) {
  long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

} // namespace

std::vector<std::string> code_targets() {
  std::vector<std::string> names;
  for (const TargetRow& row : rows)
    names.emplace_back(row.name);
  return names;
}

bool runs_here(const std::string& target) {
  return std::any_of(std::begin(rows), std::end(rows),
                     [&](const TargetRow& row) { return target == row.name && row.runs_here(); });
}

void check(const CodeGenOptions& options) {
  find_target(options.target);
  if (options.level != 0 && options.level != 2 && options.level != 3)
    throw Error(ErrorCode::usage,
                fmt::format("unknown optimization level {}; there are: 0, 2, 3", options.level));
  if (options.threads < 0)
    throw Error(ErrorCode::usage,
                fmt::format("{} threads to compile with; give 1 or more, or 0 for "
                            "one per core",
                            options.threads));
}

MachineTable machine_table(const std::string& target) {
  const TargetRow* row = &find_target(target);
  while (row->vector_bytes == 0 || !row->runs_here())
    ++row; // native: the widest that runs here
  MachineTable table;
  table.vector_bytes = row->vector_bytes;
  table.vector_registers = row->vector_registers;
  table.l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, table.l1_bytes);
  table.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, table.l2_bytes);
  return table;
}

} // namespace gdjit

namespace gdjit_llvm {

namespace {

llvm::CodeGenOptLevel code_level(int level) {
  return level == 0   ? llvm::CodeGenOptLevel::None
         : level == 2 ? llvm::CodeGenOptLevel::Less
                      : llvm::CodeGenOptLevel::Aggressive;
}

/// The machine of this process, asked for once: each question takes the processor 20 to 70 us under
/// a hypervisor.
struct Host {
  std::string name;
  std::string features; ///< in which it differs from what LLVM knows of its name: a long list takes
                        ///< 0.4 ms a target machine
};

const Host& host(const llvm::Target& target, const std::string& triple) {
  static const Host host = [&] {
    Host made{llvm::sys::getHostCPUName().str(), {}};
    std::unique_ptr<llvm::MCSubtargetInfo> named(
        target.createMCSubtargetInfo(triple, made.name, ""));
    const llvm::StringMap<bool> here = llvm::sys::getHostCPUFeatures();
    llvm::SubtargetFeatures features;
    for (const llvm::SubtargetFeatureKV& row : named->getAllProcessorFeatures())
      if (auto known = here.find(row.Key); known != here.end())
        if (known->second != named->getFeatureBits()[row.Value])
          features.AddFeature(row.Key, known->second);
    made.features = features.getString();
    return made;
  }();
  return host;
}

} // namespace

std::unique_ptr<llvm::TargetMachine> make_target_machine(const gdjit::CodeGenOptions& options) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
  std::string triple = llvm::sys::getProcessTriple();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (target == nullptr)
    throw gdjit::Error(gdjit::ErrorCode::compile, "no code generator for " + triple + ": " + error);
  llvm::TargetOptions settings;
  settings.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  settings.EnableFastISel = options.level == 0;
  const Host machine =
      options.target == "native" ? host(*target, triple) : Host{options.target, {}};
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, machine.name, machine.features, settings, llvm::Reloc::PIC_, llvm::CodeModel::Small,
      code_level(options.level), /*JIT=*/true));
}

/// Of 16 f32 on a Zen 5: mul and fma take a cycle on any numbers, 1.6 for a product that
/// underflows; div 5.3 instead of 2.4, sqrt 9.6 instead of 4.5.
bool slow_on_subnormals(const std::string& target) {
  return target != "native" || !__builtin_cpu_is("amd");
}

} // namespace gdjit_llvm
