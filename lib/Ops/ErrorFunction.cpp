// The error function.
//
// Below 1 an odd polynomial; above, 1 - exp(log(erfc(x))) with the logarithm as a polynomial, whose
// error counts little because erfc is small there. f32 computes in f64.
#include "Elementary.h"
#include "Rules.h"
#include "gdjit/Ops/Vjp.h"

#include <cmath>

namespace gdjit {

using namespace elementary;

namespace {

ScalarValue near_zero(ScalarValue x, bool f32) {
  static constexpr double narrow[] = {
      0x1.20dd750428b1fp0,   -0x1.812746adb209ep-2,  0x1.ce2f20974e0dcp-4,
      -0x1.b82cb8f1df648p-6, 0x1.56586cda0677fp-8,   -0x1.bfdf58e28b82ep-11,
      0x1.f56be66f37f66p-14, -0x1.d25cfa53239bap-17, 0x1.1b8c52c0d0b62p-20}; // 2^-40.1
  static constexpr double wide[] = {
      0x1.20dd750429b6dp0,   -0x1.812746b0379cap-2,  0x1.ce2f21a041df3p-4,  -0x1.b82ce3125647ap-6,
      0x1.565bcd07fa605p-8,  -0x1.c02db2f9c2b97p-11, 0x1.f9a30b576b8ccp-14, -0x1.f4d05fc887746p-17,
      0x1.b9cd799776869p-20, -0x1.5e94fcc839228p-23, 0x1.f253bae72ebc3p-27, -0x1.290ef2aba0acfp-30,
      0x1.bcc7673e2f71dp-35}; // 2^-56.0
  ScalarValue z = x * x;
  if (f32)
    return x * polynomial(z, narrow);
  // The first term apart: its product is rounded with the sum.
  return fma(x, x.builder->constant(DType::f64, wide[0]),
             x * z * polynomial(z, std::span(wide).subspan(1)));
}

ScalarValue above_one(ScalarValue x, bool f32) {
  static constexpr double narrow[] = {
      0x1.06c21b056b686p-13,  -0x1.211380e981aa8p0,  -0x1.44b55afee9cfp-1,  -0x1.b61d3f422c7bp-4,
      0x1.868984df839acp-6,   -0x1.b86fb71005756p-9, 0x1.aacd162ffb842p-14, 0x1.0ddee81f5808bp-14,
      -0x1.a1d97ebac2689p-17, 0x1.a530941b2746ap-21}; // erfc on [1, 4]: 2^-37.8
  static constexpr double wide[] = {
      0x1.ca3f93fc149b3p-26, -0x1.20dd7abae0345p0,   -0x1.45f2c1e00f238p-1,  -0x1.a4fd12a1a6576p-4,
      0x1.39be56e454022p-6,  0x1.5e49fa4d9bcdap-13,  -0x1.ab4bae2599db5p-10, 0x1.09df8f5eea3e8p-11,
      0x1.eade98a576a44p-15, -0x1.1a5748f24ad44p-13, 0x1.44cdb21a8b63ap-14,  -0x1.f38c34aef30ffp-16,
      0x1.24ad1f8116ab4p-17, -0x1.0f8758ef81f82p-19, 0x1.925f3df25b70fp-22,  -0x1.d8e13b8ebad8cp-25,
      0x1.b01a2ad1d7e24p-28, -0x1.285bf7ae5c46dp-31, 0x1.1f2e44de58dbp-35,   -0x1.5e87a675f0162p-40,
      0x1.9522dba49bff5p-46}; // on [1, 6]
  double last = f32 ? 4 : 6;  // the result rounds to 1
  ScalarValue y = select(is_greater(x, last), x.builder->constant(DType::f64, last), x);
  ScalarValue log_erfc = f32 ? polynomial(y, narrow) : polynomial(y, wide);
  return 1.0 - exponential(log_erfc).value();
}

ScalarValue expand_erf(const Expansion& e) {
  bool f32 = e.type == DType::f32;
  ScalarValue size = convert(elementary::abs(e[0]), DType::f64);
  ScalarValue value = select(is_less(size, 1), near_zero(size, f32), above_one(size, f32));
  return copy_sign(convert(value, e.type), e[0]);
}

constexpr double two_over_sqrt_pi = 1.1283791670955125739;

} // namespace

constinit const OpBlock blocks::Erf = {
    .summary = "error function",
    .formula = "2 / sqrt(pi) * integral of e^(-t^2) from 0 to x",
    .infer = rules::float_pointwise,
    .vjp =
        [](Vjp& v) {
          Expr x = v.operand(0);
          v.add(0, v.g() * (apply(Opcode::Exp, -(x * x)) * two_over_sqrt_pi));
        },
    .expand = expand_erf,
    .reference = [](std::span<const double> x) { return std::erf(x[0]); },
};

} // namespace gdjit
