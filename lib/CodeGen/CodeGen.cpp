// From a planned program to object code: kernels that are one are found, the distinct ones shared
// out to modules, each module emitted, optimized and compiled on a thread of its own.
#include "gdjit/CodeGen/CodeGen.h"

#include "CompileCost.h"
#include "EmitKernel.h"
#include "KernelShape.h"
#include "Optimize.h"
#include "Target.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/Threads.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <fmt/format.h>
#include <llvm/IR/AssemblyAnnotationWriter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/FormattedStream.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <map>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

namespace gdjit_llvm {

namespace {

using namespace gdjit;
using codegen::KernelShape;

constexpr int64_t most_operations = 1'000'000; ///< of a kernel; lowering cuts far below

/// A kernel to be compiled: the first of those that are one.
struct Distinct {
  const loop::Kernel* kernel = nullptr;
  int64_t calls = 0; ///< of it in a step
  KernelShape shape;
  std::string name;
};

/// What is to be compiled, and what will be called.
struct Plan {
  std::deque<loop::Kernel> written_out; ///< that share statements with others, but no code
  std::vector<Distinct> kernels;
  std::vector<Launch> launches;
};

/// One thread's part: a context, a module, and the times it took.
struct Unit {
  Unit() : context(std::make_unique<llvm::LLVMContext>()) {}
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::vector<std::pair<const llvm::Function*, const Distinct*>> functions;
  CodeTimes times;
};

class Stopwatch {
public:
  explicit Stopwatch(double& milliseconds) : into_(milliseconds) {}
  ~Stopwatch() {
    into_ += std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  double& into_;
  Clock::time_point start_ = Clock::now();
};

void require_planned(const loop::Program& program) {
  GDJIT_CHECK(program.stage == Stage::Planned && !program.from_text);
  std::set<std::pair<loop::BufferRole, uint32_t>> arguments; // one buffer each, or types would lie
  for (const loop::Buffer& buffer : program.buffers) {
    GDJIT_CHECK(buffer.place != loop::Place::unplanned);
    if (buffer.place == loop::Place::argument)
      GDJIT_CHECK(arguments.emplace(buffer.role, buffer.number).second);
  }
}

/// The symbol of a kernel: its name where that is k and a number, else one that no function of
/// libm's has.
std::string symbol_of(const std::string& kernel) {
  bool plain = kernel.size() > 1 && kernel[0] == 'k' &&
               kernel.find_first_not_of("0123456789", 1) == std::string::npos;
  return plain ? kernel : "kernel." + kernel;
}

std::vector<loop::BufferId> memory_of(const std::vector<codegen::Parameter>& parameters) {
  std::vector<loop::BufferId> memory;
  for (const codegen::Parameter& p : parameters)
    memory.push_back(p.memory);
  return memory;
}

/// Kernels that are equal without their numbers, in order.
struct Form {
  std::vector<size_t> kernels;
  std::map<std::vector<loop::Bits>, std::vector<size_t>> by_numbers;
};

/// Finds the kernels that are one, and how each is called.
class Planner {
public:
  Planner(const loop::Program& program, const CodeGenOptions& options)
      : program_(program), options_(options), shapes_(program.kernels.size()) {}

  Plan run() {
    require_planned(program_);
    for (size_t k = 0; k < program_.kernels.size(); ++k)
      if (!call_for_same(program_.kernels[k]))
        add(k);
    choose_functions();
    for (size_t k = 0; k < plan_.launches.size(); ++k) {
      Launch& launch = plan_.launches[k];
      Distinct& called = plan_.kernels[launch.function];
      for (uint32_t i : called.shape.passed)
        launch.numbers.push_back(shapes_[statements_[k]].numbers[i].value);
      ++called.calls;
    }
    return std::move(plan_);
  }

private:
  /// The launch of a kernel that is the same as an earlier one; false where it has statements or
  /// differs from that one in which of its buffers overlap.
  bool call_for_same(const loop::Kernel& kernel) {
    if (kernel.same_as == loop::none)
      return false;
    const loop::KernelView view(program_, kernel);
    KernelShape& shape = shapes_[kernel.same_as];
    Launch launch = plan_.launches[kernel.same_as];
    launch.buffers = codegen::arguments_for(shape, program_, view);
    if (launch.buffers.size() != shape.parameters.size())
      return false;
    for (NodeId& node : launch.checks)
      node = view.node(node);
    plan_.launches.push_back(std::move(launch));
    statements_.push_back(kernel.same_as);
    return true;
  }

  void add(size_t k) {
    const loop::Kernel* kernel = &program_.kernels[k];
    if (kernel->same_as != loop::none)
      kernel = &plan_.written_out.emplace_back(loop::written_out(program_, *kernel));
    KernelShape shape = codegen::shape_of(program_, *kernel);
    if (shape.operations > most_operations)
      throw Error(
          ErrorCode::compile,
          fmt::format(
              "kernel {} has {} operations once its loops are unrolled, more than {}; unroll less",
              kernel->name, shape.operations, most_operations));
    Launch launch;
    launch.buffers = memory_of(shape.parameters);
    launch.checks = shape.checks;
    if (const loop::Statement* shared = loop::shared_loop(*kernel))
      launch.turns = loop::turns(*shared);
    launch.repeats = program_.kernels.size() == 1 && launch.turns == 0;
    if (launch.repeats)
      codegen::make_repeat(program_, shape);
    if (options_.row_pass) {
      GDJIT_CHECK(launch.repeats);
      codegen::make_row_pass(program_, shape);
      launch.batch_bytes = shape.row_pass.bytes;
    }
    std::vector<loop::Bits> fixed;
    for (const codegen::Number& number : shape.numbers)
      if (!number.free)
        fixed.push_back(number.value);
    Form& form = forms_[std::exchange(shape.structure, {})];
    form.by_numbers[std::move(fixed)].push_back(k);
    form.kernels.push_back(k);
    shapes_[k] = std::move(shape);
    kernels_.emplace(k, kernel);
    plan_.launches.push_back(std::move(launch));
    statements_.push_back(k);
  }

  /// One function for each form and its numbers, or for a form and any numbers.
  void choose_functions() {
    std::map<size_t, std::vector<size_t>> served; // by the first kernel
    for (auto& [structure, form] : forms_) {
      if (static_cast<int64_t>(form.by_numbers.size()) > options_.most_shapes)
        served[form.kernels[0]] = std::move(form.kernels);
      else
        for (auto& [numbers, kernels] : form.by_numbers)
          served[kernels[0]] = std::move(kernels);
    }
    std::vector<uint32_t> function(program_.kernels.size());
    for (const auto& [first, kernels] : served) {
      std::vector<const KernelShape*> others;
      for (size_t k : kernels) {
        others.push_back(&shapes_[k]);
        function[k] = static_cast<uint32_t>(plan_.kernels.size());
      }
      const loop::Kernel* kernel = kernels_.at(first);
      Distinct& distinct =
          plan_.kernels.emplace_back(kernel, 0, shapes_[first], free_name(symbol_of(kernel->name)));
      codegen::serve(distinct.shape, others);
    }
    for (size_t k = 0; k < plan_.launches.size(); ++k)
      plan_.launches[k].function = function[statements_[k]];
  }

  std::string free_name(std::string name) {
    auto is_taken = [&] {
      bool taken = !names_.insert(name).second;
      for (const char* suffix : {normal_suffix, gradual_suffix})
        taken |= !names_.insert(name + suffix).second;
      return taken;
    };
    for (std::string first = name; is_taken();)
      name = fmt::format("{}.{}", first, names_.size());
    return name;
  }

  const loop::Program& program_;
  const CodeGenOptions& options_;
  Plan plan_;
  std::vector<KernelShape> shapes_;                         ///< of kernels that have statements
  std::unordered_map<size_t, const loop::Kernel*> kernels_; ///< those, by number
  std::vector<size_t> statements_;              ///< per launch, the kernel whose statements it runs
  std::unordered_map<std::string, Form> forms_; ///< by structure
  std::set<std::string> names_;
};

void verify(const llvm::Module& module, const CodeGenOptions& options, const char* when) {
  if (!options.verify)
    return;
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::verifyModule(module, &stream))
    throw InternalError(fmt::format("LLVM IR {} is broken: {}", when, message));
}

void emit(Unit& unit, const loop::Program& program, std::span<const Distinct* const> kernels,
          const CodeGenOptions& options, bool names) {
  Stopwatch watch(unit.times.emit);
  unit.context->setDiscardValueNames(!names);
  unit.machine = make_target_machine(options);
  unit.module = std::make_unique<llvm::Module>(program.signature.name, *unit.context);
  unit.module->setTargetTriple(unit.machine->getTargetTriple().str());
  unit.module->setDataLayout(unit.machine->createDataLayout());
  std::unique_ptr<DebugInfo> debug;
  if (options.debug_info)
    debug = std::make_unique<DebugInfo>(*unit.module, program);
  for (const Distinct* distinct : kernels) {
    std::vector<llvm::Function*> functions =
        emit_kernel(*unit.module, program, *distinct->kernel, distinct->shape, distinct->name,
                    distinct->calls, debug.get(), options);
    unit.functions.emplace_back(functions[0], distinct);
    if (options.debug_info)
      for (llvm::Function* function : functions)
        function->addFnAttr("frame-pointer", "all");
  }
  if (debug != nullptr)
    debug->finish();
  verify(*unit.module, options, "as emitted");
}

void optimize_unit(Unit& unit, const CodeGenOptions& options) {
  Stopwatch watch(unit.times.optimize);
  optimize(*unit.module, *unit.machine, options);
  verify(*unit.module, options, "as optimized");
}

/// True unless most operations run a few times a call.
bool loops_turn_often(const Unit& unit) {
  constexpr int64_t often = 8;
  return std::ranges::any_of(unit.functions, [](const auto& function) {
    const KernelShape& shape = function.second->shape;
    return shape.executed > often * shape.operations;
  });
}

std::string machine_code(Unit& unit, const CodeGenOptions& options, llvm::CodeGenFileType type) {
  Stopwatch watch(unit.times.select);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  std::unique_ptr<llvm::legacy::PassManager> passes =
      machine_passes(options, loops_turn_often(unit));
  if (unit.machine->addPassesToEmitFile(*passes, stream, nullptr, type, /*DisableVerify=*/true))
    throw Error(ErrorCode::compile, "LLVM cannot write machine code for this target");
  passes->run(*unit.module);
  return std::string(bytes.begin(), bytes.end());
}

/// Shares kernels out to so many modules that each is worth a thread, the costliest first.
std::vector<std::vector<const Distinct*>> share_out(const loop::Program& program, const Plan& plan,
                                                    const CodeGenOptions& options) {
  constexpr int64_t worth_a_thread = 300; // of compile_cost(): some milliseconds
  int64_t total = 0;
  std::vector<std::pair<int64_t, const Distinct*>> order;
  for (const Distinct& kernel : plan.kernels) {
    order.emplace_back(codegen::compile_cost(program, *kernel.kernel), &kernel);
    total += order.back().first;
  }
  int64_t threads = options.threads > 0 ? options.threads
                                        : static_cast<int64_t>(std::thread::hardware_concurrency());
  size_t count = static_cast<size_t>(std::clamp<int64_t>(
      std::min({threads, total / worth_a_thread, static_cast<int64_t>(order.size())}), 1, 256));
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::vector<const Distinct*>> shares(count);
  std::vector<int64_t> load(count);
  for (const auto& [cost, kernel] : order) {
    auto least = static_cast<size_t>(std::min_element(load.begin(), load.end()) - load.begin());
    shares[least].push_back(kernel);
    load[least] += cost;
  }
  return shares;
}

/// Above each function, what it computes and for which of the user's lines.
class KernelComments : public llvm::AssemblyAnnotationWriter {
public:
  explicit KernelComments(const Unit& unit) : unit_(unit) {}

  void emitFunctionAnnot(const llvm::Function* function,
                         llvm::formatted_raw_ostream& stream) override {
    for (const auto& [emitted, distinct] : unit_.functions)
      if (emitted == function && !distinct->kernel->title.empty())
        stream << "; " << distinct->kernel->title << '\n';
  }

private:
  const Unit& unit_;
};

} // namespace

} // namespace gdjit_llvm

namespace gdjit {

using namespace gdjit_llvm;

Code generate_code(const loop::Program& program, const CodeGenOptions& options) {
  check(options);
  Plan plan = Planner(program, options).run();
  std::vector<std::vector<const Distinct*>> shares = share_out(program, plan, options);
  Code code;
  code.objects.resize(shares.size());
  std::vector<CodeTimes> times(shares.size());
  on_threads(shares.size(), shares.size(), [&](Tasks& tasks) {
    for (size_t i; tasks.take(i);) {
      Unit unit;
      emit(unit, program, shares[i], options, /*names=*/false);
      optimize_unit(unit, options);
      code.objects[i] = machine_code(unit, options, llvm::CodeGenFileType::ObjectFile);
      times[i] = unit.times;
    }
  });
  for (const CodeTimes& t : times) {
    code.times.emit += t.emit;
    code.times.optimize += t.optimize;
    code.times.select += t.select;
  }
  for (const Distinct& kernel : plan.kernels)
    code.functions.push_back(kernel.name);
  code.launches = std::move(plan.launches);
  return code;
}

std::string print_code(const loop::Program& program, Stage stage, const CodeGenOptions& options) {
  GDJIT_CHECK(stage >= Stage::LLVM && stage <= Stage::Object);
  check(options);
  Plan plan = Planner(program, options).run();
  std::vector<const Distinct*> kernels;
  for (const Distinct& kernel : plan.kernels)
    kernels.push_back(&kernel);
  Unit unit;
  emit(unit, program, kernels, options, /*names=*/true);
  if (stage >= Stage::Optimized)
    optimize_unit(unit, options);
  if (stage == Stage::Object)
    return machine_code(unit, options, llvm::CodeGenFileType::AssemblyFile);
  std::string text;
  llvm::raw_string_ostream stream(text);
  KernelComments comments(unit);
  unit.module->print(stream, &comments);
  return text;
}

} // namespace gdjit
