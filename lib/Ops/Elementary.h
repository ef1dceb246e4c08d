// Building blocks of the elementary functions: polynomials, unevaluated sums of two floats, the
// cores of exp and log. Each is a straight line of scalar operations, the same for f32 and f64.
//
// A Pair is hi + lo with |lo| at most about half an ulp of hi: 48 or 106 bits. The algorithms are
// Dekker's and Knuth's (Handbook of Floating-Point Arithmetic, chapter 4).
#pragma once

#include "gdjit/Loop/ScalarProgram.h"

#include <array>
#include <span>

namespace gdjit::elementary {

using loop::ScalarOp;
using loop::ScalarValue;

struct Pair {
  ScalarValue hi, lo;
};

/// a + b exactly, where |a| >= |b| or a = 0.
Pair fast_two_sum(ScalarValue a, ScalarValue b);
/// a + b exactly.
Pair two_sum(ScalarValue a, ScalarValue b);
/// a * b exactly, short of underflow.
Pair two_product(ScalarValue a, ScalarValue b);
/// a / b rounded almost correctly (error below 0.51 ulp where nothing underflows).
ScalarValue divide(Pair a, Pair b);

/// Sum of coefficients[i] * x^i by Estrin's scheme: short chains, so that few elements are fast
/// too.
ScalarValue polynomial(ScalarValue x, std::span<const double> coefficients);

/// What an element type's encoding is made of.
struct Format {
  DType integer;
  int mantissa; ///< stored bits of the significand
  int bias;     ///< of the exponent
};
Format format(DType type);

ScalarValue bits(ScalarValue x);      ///< as integer
ScalarValue from_bits(ScalarValue x); ///< of bits()
ScalarValue abs(ScalarValue x);
ScalarValue is_less(ScalarValue a, double b); ///< a < b, and so on
ScalarValue is_greater(ScalarValue a, double b);
ScalarValue is_equal(ScalarValue a, double b);
ScalarValue is_nan(ScalarValue x);
ScalarValue clamp(ScalarValue x, double low, double high); ///< a NaN stays
/// |magnitude| with the sign of `sign`.
ScalarValue copy_sign(ScalarValue magnitude, ScalarValue sign);

/// x = n ln 2 + r with |r| <= ln(2) / 2, for |x| in the range of exp.
struct Reduced {
  Pair parts;         ///< r: hi is exact
  ScalarValue r;      ///< rounded once
  ScalarValue n;      ///< as a float
  ScalarValue offset; ///< integer whose low bits are n + the offset that was asked for
};
Reduced reduce_exp(ScalarValue x, int offset);
/// (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2.
ScalarValue exp_tail(ScalarValue r);

/// exp(x) = (mantissa.hi + mantissa.lo) * scale[0] * scale[1]; `extra` is added to x in the tail.
struct Exponential {
  Pair mantissa;
  std::array<ScalarValue, 2> scale;
  ScalarValue value() const { return mantissa.hi * scale[0] * scale[1]; }
  ScalarValue rest() const { return mantissa.lo * scale[0] * scale[1]; }
};
Exponential exponential(ScalarValue x);
Exponential exponential(Pair x);
/// The same for x of at most 0.
Exponential exponential_of_negative(ScalarValue x);
/// exp(x) of an f32 alone: fewer operations, an error below 0.93 ulp.
ScalarValue exponential_of_single(ScalarValue x);

/// exp(x) - 1 for x that is at most 0 and not below -30 (f32) or -60 (f64).
Pair exp_minus_one_negative(ScalarValue x);

/// x = 2^k * m with m in [sqrt(1/2), sqrt(2)), for finite x > 0.
struct Split {
  ScalarValue k; ///< as a float
  ScalarValue m;
  ScalarValue f; ///< m - 1, exact
};
Split split_exponent(ScalarValue x);
/// log(x) for x > 0 and finite, by split_exponent.
ScalarValue log_positive(const Split& split);
/// The same plus `extra`, which is small against it.
ScalarValue log_positive(const Split& split, ScalarValue extra);

} // namespace gdjit::elementary
