// gdjit_accuracy: the errors of the elementary functions, as a table in Markdown.
//
// Every f32 function of one argument over all 2^32 inputs, by compiled code (whose bits are the
// interpreter's); f64 functions and pow on samples against MPFR. The judge of all f32 is the op's
// reference in double precision, which is judged by MPFR first: it must be good to 4 ulp of an f64,
// that is 2^-27 ulp of an f32. MPFR has the last word on the worst input. By hand or nightly; takes
// minutes.
//
//     gdjit_accuracy [samples] [function...]   # 1000000 and all; prints lib/Ops/ACCURACY.md
#include "StepBuilder.h"
#include "differential/MpfrJudge.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace gdjit;
using namespace gdjit::testing;

constexpr int64_t piece = 1 << 16;

std::shared_ptr<const Executable> compile_function(Opcode op) {
  StepBuilder builder;
  Expr x = builder.input("x", {DType::f32, Shape{piece}});
  builder.output("y", apply(op, x));
  return compile(builder.step()).executable;
}

/// The distance of an f32 to the exact value in its units in the last place.
double distance_in_ulp(float value, double exact) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(exact) || std::isnan(value))
    return std::isnan(exact) && std::isnan(value) ? 0 : wrong;
  if (std::signbit(value) != std::signbit(exact))
    return wrong;
  if (std::isinf(exact) || std::fabs(exact) >= 0x1p128)
    return std::isinf(value) ? 0 : wrong;
  auto biased = static_cast<int>(std::bit_cast<uint64_t>(exact) >> 52 & 0x7ff);
  int exponent = std::max(biased, 897) - 1023;
  double unit = std::bit_cast<double>(static_cast<uint64_t>(exponent - 23 + 1023) << 52);
  double finite = std::isinf(value) ? std::copysign(0x1p128, value) : value;
  return std::fabs(finite - exact) / unit;
}

/// The largest error of the reference in double precision on f32 arguments, in ulp of an f64, where
/// the f32 result is no less than the smallest subnormal.
double reference_error(Opcode op, int64_t samples) {
  auto reference = info(op).block->reference;
  double worst = 0;
  for (const std::vector<double>& row : argument_samples(op, DType::f32, samples, 2))
    if (double value = reference(row); !(std::fabs(value) < 0x1p-150))
      worst = std::max(worst, error_in_ulp(op, DType::f64, value, row));
  return worst;
}

Worst worst_of_all(Opcode op, unsigned threads) {
  std::shared_ptr<const Executable> code = compile_function(op);
  auto reference = info(op).block->reference;
  std::vector<Worst> worst(threads);
  auto work = [&](unsigned thread) {
    Frame frame(code);
    Array x(TensorType{DType::f32, Shape{piece}});
    frame.set_input(0, x.bytes());
    for (uint64_t first = thread * piece; first < uint64_t{1} << 32; first += threads * piece) {
      for (int64_t i = 0; i < piece; ++i)
        x.data<float>()[i] = std::bit_cast<float>(static_cast<uint32_t>(first + i));
      frame.run();
      const float* y = static_cast<const float*>(frame.output(0));
      for (int64_t i = 0; i < piece; ++i) {
        double argument = x.data<float>()[i];
        double error = distance_in_ulp(y[i], reference({&argument, 1}));
        if (error > worst[thread].error)
          worst[thread] = {error, {argument}, y[i]};
      }
    }
  };
  std::vector<std::thread> pool;
  for (unsigned t = 0; t < threads; ++t)
    pool.emplace_back(work, t);
  for (std::thread& t : pool)
    t.join();
  Worst result = *std::ranges::max_element(worst, {}, &Worst::error);
  result.error = error_in_ulp(op, DType::f32, result.value, result.arguments);
  return result;
}

/// False where the error is above the bound.
bool print_row(Opcode op, DType type, const Worst& worst, const std::string& inputs) {
  double bound = type == DType::f32 ? info(op).f32_ulp : info(op).f64_ulp;
  std::string place;
  for (double x : worst.arguments)
    place += fmt::format("{}{:a}", place.empty() ? "" : ", ", x);
  fmt::print("| {} | {} | {} | {:.4f} | {} | {} |\n", name(op), name(type), bound, worst.error,
             place, inputs);
  std::fflush(stdout);
  return worst.error <= bound;
}

} // namespace

int main(int argc, char** argv) {
  int64_t samples = argc > 1 ? std::atoll(argv[1]) : 1000000;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  bool good = true;
  fmt::print(
      "# Errors of the elementary functions\n\n"
      "Largest error in units in the last place, as `gdjit_accuracy` (tests/benchmarks) measured "
      "it; its judge is MPFR. The bound is that of `IR/Ops.def`.\n\n"
      "| function | type | bound | error | at | inputs |\n|---|---|---|---|---|---|\n");
  for (int i = 0; i < opcode_count; ++i) {
    Opcode op = static_cast<Opcode>(i);
    bool wanted = argc < 3;
    for (int a = 2; a < argc; ++a)
      wanted = wanted || name(op) == argv[a];
    if (!has_judge(op) || !wanted)
      continue;
    if (operand_count(op) == 1) {
      if (double error = reference_error(op, samples); error > 4) {
        fmt::print(stderr, "the reference of {} is off by {} ulp of an f64\n", name(op), error);
        return 1;
      }
      good &= print_row(op, DType::f32, worst_of_all(op, threads), "all 2^32");
    } else {
      good &= print_row(op, DType::f32, worst_sampled(op, DType::f32, samples, 1),
                        fmt::format("{} samples", samples));
    }
    good &= print_row(op, DType::f64, worst_sampled(op, DType::f64, samples, 1),
                      fmt::format("{} samples", samples));
  }
  return good ? 0 : 1;
}
