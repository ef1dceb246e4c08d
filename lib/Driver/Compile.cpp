// The pipeline, from what a user declared to native code. This function is its table of contents:
// each block is a stage, and how far to go is a comparison of two stages. What a pass does stands
// in its header; the rows in Passes.def.
#include "gdjit/Driver/Compile.h"

#include "gdjit/JIT/Executable.h"
#include "gdjit/Loop/Bounds.h"
#include "gdjit/Loop/Text.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit {

namespace {

#ifdef NDEBUG
constexpr bool debug_build = false;
#else
constexpr bool debug_build = true;
#endif

CodeGenOptions code_options(const CompileOptions& options) {
  return {.target = options.target,
          .level = options.level,
          .verify = options.verify || debug_build,
          .debug_info = options.debug_info,
          .threads = options.compile_threads,
          .most_shapes = (options.machine ? *options.machine : MachineTable{}).most_shapes};
}

void check(Stage stage, const CompileOptions& options) {
  check(code_options(options));
  if (options.threads < 1 || options.threads > options.most_threads)
    throw Error(ErrorCode::usage, fmt::format("{} threads for a step: give 1 to {}",
                                              options.threads, options.most_threads));
  if (options.last < stage)
    throw Error(ErrorCode::usage,
                fmt::format("cannot go from stage {} back to {}", name(stage), name(options.last)));
}

/// Planned Loop IR to native code in memory.
void generate(Compilation& c, PassManager& manager) {
  c.executable = Executable::compile(c.work.program, {.code = code_options(c.options),
                                                      .perf = c.options.debug_info,
                                                      .gdb = c.options.debug_info,
                                                      .threads = c.options.threads});
  const CodeTimes& times = c.executable->times();
  c.times.push_back({.name = "emit", .seconds = times.emit / 1000, .changed = true});
  c.times.push_back({.name = "optimize", .seconds = times.optimize / 1000, .changed = true});
  c.times.push_back({.name = "select", .seconds = times.select / 1000, .changed = true});
  c.times.push_back({.name = "link", .seconds = times.link / 1000, .changed = true});
  if (c.options.verify_values)
    manager.check_values("code generation", c.work.signature(),
                         c.executable->call(manager.values_arguments(c.work)));
}

} // namespace

PassContext pass_context(const CompileOptions& options) {
  PassContext context;
  context.training = options.training;
  context.machine = options.machine ? *options.machine : machine_table(options.target);
  const MachineTable& m = context.machine;
  if (std::min<int64_t>({m.vector_bytes, m.vector_registers, m.l1_bytes, m.l2_bytes}) <= 0)
    throw Error(
        ErrorCode::usage,
        fmt::format("a machine with vectors of {} bytes in {} registers and caches of {} and "
                    "{} bytes: each must be 1 or more",
                    m.vector_bytes, m.vector_registers, m.l1_bytes, m.l2_bytes));
  context.threads = options.threads;
  return context;
}

PassOptions pass_options(const CompileOptions& options) {
  return {.disabled = options.disabled,
          .stop_after = options.stop_after,
          .verify = options.verify || debug_build,
          .verify_values = options.verify_values,
          .observer = options.observer};
}

Compilation compile(Work work, const CompileOptions& options) {
  check(work.stage, options);
  Compilation c;
  c.work = std::move(work);
  c.options = options;
  PassManager manager(passes(), pass_context(options), pass_options(options));
  auto reaches = [&](Stage stage) { return c.work.stage < stage && stage <= options.last; };
  auto run = [&](std::string_view pass) { manager.run(pass, c.work); };

  if (reaches(Stage::Differentiated)) {
    run("specialize");
    run("stabilize");
    run("differentiate");
    manager.verify(c.work);
  }
  if (reaches(Stage::Simplified)) {
    run("share_common_subexpressions");
    run("fold_constants");
    run("simplify");
    run("eliminate_dead_code");
    manager.verify(c.work);
  }
  if (reaches(Stage::Fused)) {
    run("fuse");
    manager.verify(c.work);
  }
  if (reaches(Stage::Loops)) {
    run("lower");
    manager.verify(c.work);
  }
  if (reaches(Stage::Scheduled)) {
    run("expand");
    run("schedule");
    manager.verify(c.work);
  }
  if (reaches(Stage::Planned)) {
    run("plan");
    manager.verify(c.work);
  }
  if (options.last > Stage::Planned && c.work.program.from_text)
    c.work.program = loop::with_bounds_checks(c.work.program);
  c.times = manager.records();
  c.remarks = manager.remarks();
  if (options.last == Stage::Object)
    generate(c, manager);
  return c;
}

Compilation compile(Step declared, const CompileOptions& options) {
  Stage stage = declared.stage;
  return compile(Work{.step = std::move(declared), .program = {}, .stage = stage}, options);
}

std::string print(const Compilation& c) {
  if (c.options.last > Stage::Planned)
    return print_code(c.work.program, c.options.last, code_options(c.options));
  return c.work.is_graph() ? print(c.work.step) : loop::print(c.work.program);
}

} // namespace gdjit
