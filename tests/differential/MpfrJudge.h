// The judge of elementary functions: MPFR with 300 bits, and samples that reach their corners.
#pragma once

#include "gdjit/Loop/ScalarProgram.h"
#include "gdjit/Ops/Op.h"

#include <vector>

namespace gdjit::testing {

/// Ops that MPFR can judge: every pointwise float function whose row has a bound and a value here.
bool has_judge(Opcode op);

/// |value - exact| in units in the last place of the exact result (of the smallest subnormal below
/// the normal range). Infinite where one is NaN and the other is not, or an infinity or a sign is
/// wrong.
double error_in_ulp(Opcode op, DType type, double value, const std::vector<double>& arguments);

/// Rows of arguments: random bit patterns, dense around 0 and 1, wide in magnitude, at the ends of
/// the range of results, and all pairs of special values.
std::vector<std::vector<double>> argument_samples(Opcode op, DType type, int64_t count,
                                                  uint64_t seed);

/// The result of a pointwise op's expansion for each row.
std::vector<double> run_expansion(Opcode op, DType type,
                                  const std::vector<std::vector<double>>& rows);

struct Worst {
  double error = 0;
  std::vector<double> arguments;
  double value = 0;
};
/// The largest error over `count` samples.
Worst worst_sampled(Opcode op, DType type, int64_t count, uint64_t seed);

} // namespace gdjit::testing
