// Exact values by MPFR and the distance to them.
#include "MpfrJudge.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <mpfr.h>
#include <random>

namespace gdjit::testing {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A number of 300 bits.
class Number {
public:
  Number() { mpfr_init2(value_, 300); }
  explicit Number(double value) : Number() { mpfr_set_d(value_, value, MPFR_RNDN); }
  ~Number() { mpfr_clear(value_); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  mpfr_ptr get() { return value_; }

private:
  mpfr_t value_;
};

void sigmoid(mpfr_ptr out, mpfr_ptr x) {
  mpfr_neg(out, x, MPFR_RNDN);
  mpfr_exp(out, out, MPFR_RNDN);
  mpfr_add_ui(out, out, 1, MPFR_RNDN);
  mpfr_ui_div(out, 1, out, MPFR_RNDN);
}

void softplus(mpfr_ptr out, mpfr_ptr x) {
  if (mpfr_cmp_d(x, 1e6) > 0 && !mpfr_nan_p(x)) {
    mpfr_set(out, x, MPFR_RNDN); // e^-x is far below the last bit
    return;
  }
  mpfr_exp(out, x, MPFR_RNDN);
  mpfr_log1p(out, out, MPFR_RNDN);
}

/// IEEE 754's rSqrt(-0) is -inf; MPFR's is +inf.
void rsqrt(mpfr_ptr out, mpfr_ptr x) {
  mpfr_rec_sqrt(out, x, MPFR_RNDN);
  if (mpfr_zero_p(x))
    mpfr_setsign(out, out, mpfr_signbit(x), MPFR_RNDN);
}

struct Judge {
  Opcode op;
  void (*exact)(mpfr_ptr out, mpfr_ptr x, mpfr_ptr y);
};

const Judge judges[] = {
    {Opcode::Sqrt, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_sqrt(o, x, MPFR_RNDN); }},
    {Opcode::Rsqrt, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { rsqrt(o, x); }},
    {Opcode::Reciprocal, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_ui_div(o, 1, x, MPFR_RNDN); }},
    {Opcode::Square, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_sqr(o, x, MPFR_RNDN); }},
    {Opcode::Exp, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_exp(o, x, MPFR_RNDN); }},
    {Opcode::Expm1, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_expm1(o, x, MPFR_RNDN); }},
    {Opcode::Log, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_log(o, x, MPFR_RNDN); }},
    {Opcode::Log1p, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_log1p(o, x, MPFR_RNDN); }},
    {Opcode::Pow, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr y) { mpfr_pow(o, x, y, MPFR_RNDN); }},
    {Opcode::Tanh, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_tanh(o, x, MPFR_RNDN); }},
    {Opcode::Sigmoid, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { sigmoid(o, x); }},
    {Opcode::Softplus, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { softplus(o, x); }},
    {Opcode::Erf, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_erf(o, x, MPFR_RNDN); }},
    {Opcode::Sin, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_sin(o, x, MPFR_RNDN); }},
    {Opcode::Cos, [](mpfr_ptr o, mpfr_ptr x, mpfr_ptr) { mpfr_cos(o, x, MPFR_RNDN); }},
};

const Judge* judge(Opcode op) {
  const Judge* found = std::ranges::find(judges, op, &Judge::op);
  return found == std::end(judges) ? nullptr : found;
}

double rounded(DType type, double value) {
  return loop::to_double(type, loop::to_bits(type, value));
}

} // namespace

bool has_judge(Opcode op) { return judge(op) != nullptr; }

double error_in_ulp(Opcode op, DType type, double value, const std::vector<double>& arguments) {
  Number x(arguments[0]), y(arguments.back()), exact;
  judge(op)->exact(exact.get(), x.get(), y.get());
  if (mpfr_nan_p(exact.get()) || std::isnan(value))
    return mpfr_nan_p(exact.get()) && std::isnan(value) ? 0 : infinity;
  // MPFR's zeros have the signs of IEEE 754; a result that underflows keeps its sign too.
  if (std::signbit(value) != (mpfr_signbit(exact.get()) != 0))
    return infinity;
  int digits = type == DType::f32 ? 23 : 52;
  long largest = type == DType::f32 ? 127 : 1023;
  if (mpfr_zero_p(exact.get()))
    return value == 0 ? 0 : infinity;
  if (mpfr_inf_p(exact.get()))
    return std::isinf(value) ? 0 : infinity;
  long exponent = std::max(mpfr_get_exp(exact.get()) - 1, 1 - largest);
  if (exponent > largest)
    return std::isinf(value) ? 0 : infinity;
  Number difference(value);
  if (std::isinf(value)) { // where overflow begins
    mpfr_set_si_2exp(difference.get(), value < 0 ? -1 : 1, largest + 1, MPFR_RNDN);
  }
  mpfr_sub(difference.get(), difference.get(), exact.get(), MPFR_RNDN);
  mpfr_mul_2si(difference.get(), difference.get(), digits - exponent, MPFR_RNDN);
  return std::fabs(mpfr_get_d(difference.get(), MPFR_RNDN));
}

std::vector<std::vector<double>> argument_samples(Opcode op, DType type, int64_t count,
                                                  uint64_t seed) {
  std::mt19937_64 bits(seed);
  auto uniform = [&](double low, double high) {
    return low + (high - low) * (static_cast<double>(bits() >> 11) * 0x1p-53);
  };
  auto pattern = [&] {
    uint64_t b = bits();
    return type == DType::f32 ? std::bit_cast<float>(static_cast<uint32_t>(b))
                              : std::bit_cast<double>(b);
  };
  double range = type == DType::f32 ? 90 : 750; // of exp, a little more
  auto draw = [&](int kind) -> double {
    switch (kind % 8) {
    case 0:
      return pattern();
    case 1:
      return uniform(-1, 1);
    case 2:
      return uniform(-50, 50);
    case 3:
      return uniform(-1.2 * range, 1.2 * range);
    case 4:
      return std::exp(uniform(-range, range));
    case 5:
      return 1 + uniform(-1, 1) * std::exp(uniform(-36, 0));
    case 6:
      return uniform(-1, 1) * std::exp(uniform(-range, 0));
    default:
      return uniform(-3, 3);
    }
  };
  int operands = operand_count(op);
  std::vector<std::vector<double>> rows;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<double> row{draw(static_cast<int>(i))};
    if (operands == 2) {
      // Whole exponents, any, and those that put the result at an end of the range.
      double log = std::log(std::fabs(row[0]));
      int kind = static_cast<int>(bits() % 4);
      if (kind == 0)
        row.push_back(std::trunc(uniform(-20, 20)));
      else if (kind == 1 && std::isfinite(log) && log != 0)
        row = {std::fabs(row[0]), uniform(-1.1 * range, 1.1 * range) / log};
      else
        row.push_back(draw(static_cast<int>(bits() % 8)));
    }
    rows.push_back(std::move(row));
  }
  double tiny = type == DType::f32 ? 0x1p-149 : 0x1p-1074;
  double large = type == DType::f32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023;
  double next = type == DType::f32 ? 0x1p-23 : 0x1p-52;
  std::vector<double> special = {0,   1,    2,     3,        0.5,      1 + next, 1 - next / 2, tiny,
                                 1.5, 1e30, large, 1 / next, infinity, 2 / next, 2 / next + 1};
  for (size_t i = 0, n = special.size(); i < n; ++i)
    special.push_back(-special[i]);
  special.push_back(std::numeric_limits<double>::quiet_NaN());
  for (double a : special)
    for (double b : special)
      if (operands == 2 || b == 0)
        rows.push_back(operands == 2 ? std::vector{a, b} : std::vector{a});
  for (auto& row : rows)
    for (double& value : row)
      value = rounded(type, value);
  return rows;
}

std::vector<double> run_expansion(Opcode op, DType type,
                                  const std::vector<std::vector<double>>& rows) {
  size_t operands = static_cast<size_t>(operand_count(op));
  std::vector<std::vector<loop::Bits>> columns(operands + 1, std::vector<loop::Bits>(rows.size()));
  std::vector<const loop::Bits*> arguments;
  for (size_t k = 0; k < operands; ++k) {
    for (size_t i = 0; i < rows.size(); ++i)
      columns[k][i] = loop::to_bits(type, rows[i][k]);
    arguments.push_back(columns[k].data());
  }
  loop::Bits* out = columns.back().data();
  loop::run(expansion(op, type), arguments, {&out, 1}, static_cast<int64_t>(rows.size()));
  std::vector<double> results;
  for (loop::Bits bits : columns.back())
    results.push_back(loop::to_double(type, bits));
  return results;
}

Worst worst_sampled(Opcode op, DType type, int64_t count, uint64_t seed) {
  std::vector<std::vector<double>> rows = argument_samples(op, type, count, seed);
  std::vector<double> values = run_expansion(op, type, rows);
  Worst worst;
  for (size_t i = 0; i < rows.size(); ++i) {
    double error = error_in_ulp(op, type, values[i], rows[i]);
    if (error > worst.error)
      worst = {error, rows[i], values[i]};
  }
  return worst;
}

} // namespace gdjit::testing
