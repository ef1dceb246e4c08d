// Two kernels, written as loops, compiled like any other.
#include "Limits.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Support/FloatEnvironment.h"

#include <chrono>
#include <fmt/format.h>
#include <memory>

namespace gdjit::tool {

namespace {

constexpr int64_t fma_turns = 20'000, chains = 12;
constexpr int64_t far_elements = int64_t{1} << 24; ///< 64 MiB: more than near caches hold

/// In place, all of an array.
std::string update_text(int64_t elements, int64_t times, int64_t lanes) {
  return fmt::format("gdir 1\nstage planned\nmodel limit\nstep training\nbatch 0\n\n"
                     "state x : f32[{0}] = zeros\nupdate x\n\n"
                     "buffer x : f32[{0}] = state x, in argument\n"
                     "buffer x.next : f32[{0}] = update x, same as x, in shared\n"
                     "arena 64 bytes\n\nkernel k0 \"limit\" {{\n  for n in 0..{3} {{\n"
                     "  for i in 0..{0} step {1} {{\n    unrolled for j in 0..8 {{\n"
                     "      store x.next[i+{2}*j+lane] = mul (load x[i+{2}*j+lane] : f32x{2}), "
                     "0.5\n    }}\n  }}\n  }}\n}}\n\nend\n",
                     elements, 8 * lanes, lanes, times);
}

std::string text_of(const std::string& declarations, const std::string& buffers,
                    const std::string& body) {
  return fmt::format("gdir 1\nstage planned\nmodel limit\nstep evaluation\nbatch 0\n\n{}"
                     "output y : f32[]\n\n{}buffer y : f32[] = output y, in arena + 0\n"
                     "arena 64 bytes\n\nkernel k0 \"limit\" {{\n{}}}\n\nend\n",
                     declarations, buffers, body);
}

/// A text of loops as a function to call; `array` is its only input, or its only state.
std::function<void()> compiled(const std::string& text, const CompileOptions& options,
                               const std::shared_ptr<Array>& array, bool updated = false) {
  Work work{.step = {}, .program = read_step(text, "limit.gdir").program, .stage = Stage::Planned};
  CompileOptions plain{.target = options.target, .level = 2};
  auto frame = std::make_shared<Frame>(compile(std::move(work), plain).executable);
  if (updated)
    frame->set_state(0, array->bytes());
  else if (array)
    frame->set_input(0, array->bytes());
  return [frame, array] {
    FloatEnvironment environment;
    frame->run();
  };
}

/// Of the fastest of several runs, what it does in a second.
double best_rate(const Yardstick& yardstick) {
  double best = 1e30;
  for (int i = 0; i < 20; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    yardstick.run();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return yardstick.amount / best;
}

/// Bytes of a sum over so many elements, `times` over.
Yardstick reads(int64_t elements, int64_t times, int64_t lanes, const CompileOptions& options) {
  const std::string text = text_of(
      fmt::format("input x : f32[{}]\n", elements),
      fmt::format("buffer x : f32[{}] = input x, in argument\n", elements),
      fmt::format("  tile t0[8] : f32x{0} = 0\n  for n in 0..{3} {{\n"
                  "  for i in 0..{1} step {2} {{\n    unrolled for j in 0..8 {{\n"
                  "      set t0[j] = add t0[j], (load x[i+{0}*j+lane] : f32x{0})\n    }}\n  }}\n"
                  "  }}\n  store y = (join add t0)\n",
                  lanes, elements, 8 * lanes, times));
  auto zeros = std::make_shared<Array>(TensorType{DType::f32, {elements}});
  return {compiled(text, options, zeros), 4.0 * static_cast<double>(elements * times)};
}

/// Bytes read and written by halving as many elements, `times` over.
Yardstick updates(int64_t elements, int64_t times, int64_t lanes, const CompileOptions& options) {
  auto zeros = std::make_shared<Array>(TensorType{DType::f32, {elements}});
  return {compiled(update_text(elements, times, lanes), options, zeros, /*updated=*/true),
          8.0 * static_cast<double>(elements * times)};
}

/// Of an array that a cache holds, or none.
Limits::Rates rates(const std::function<Yardstick(int64_t elements, int64_t times)>& moved,
                    int64_t near) {
  return {.memory = best_rate(moved(far_elements, 1)),
          .far_cache = best_rate(moved(Limits::far_bytes / 8, 2)),
          .cache = best_rate(moved(near, 16))};
}

} // namespace

Yardstick multiply_adds(const CompileOptions& options) {
  const int64_t lanes = machine_table(options.target).vector_bytes / 4;
  const std::string text =
      text_of("", "",
              fmt::format("  tile t0[{0}] : f32x{1} = 1\n  %0 = 0.999 : f32\n"
                          "  for i in 0..{2} {{\n    unrolled for j in 0..{0} {{\n"
                          "      set t0[j] = fma t0[j], %0, 0.001\n    }}\n  }}\n"
                          "  tile t1 : f32x{1} = 0\n  unrolled for j in 0..{0} {{\n"
                          "    set t1 = add t1, t0[j]\n  }}\n  store y = (join add t1)\n",
                          chains, lanes, fma_turns));
  return {compiled(text, options, nullptr), 2.0 * static_cast<double>(lanes * chains * fma_turns)};
}

Limits measure_limits(const CompileOptions& options) {
  const MachineTable machine = machine_table(options.target);
  const int64_t lanes = machine.vector_bytes / 4;
  const int64_t near = machine.l2_bytes / 8 / (8 * lanes) * (8 * lanes);
  return {.flops = best_rate(multiply_adds(options)),
          .reads = rates([&](int64_t n, int64_t times) { return reads(n, times, lanes, options); },
                         near),
          .updates = rates(
              [&](int64_t n, int64_t times) { return updates(n, times, lanes, options); }, near),
          .cache_bytes = machine.l2_bytes};
}

} // namespace gdjit::tool
