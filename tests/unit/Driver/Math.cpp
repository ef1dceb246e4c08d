// Formulas as one would write them.
#include "gdjit/Driver/Math.h"

#include "StepBuilder.h"

#include <gtest/gtest.h>

namespace gdjit {
namespace {

TEST(Math, AnFmaIsASumOfAProduct) {
  testing::StepBuilder b;
  const TensorType scalar{DType::f64, Shape{}};
  Expr w = b.state("w", scalar), g = b.input("g", scalar), lr = b.input("lr", scalar);
  b.output("down", apply(Opcode::Fma, g, -lr, w));
  b.output("up", apply(Opcode::Fma, g + lr, lr * g, w - g));
  b.output("number", apply(Opcode::Fma, g, b.constant(scalar, -0.5), w));
  EXPECT_EQ(print_math(b.step()), "down = w - lr * g\n"
                                  "up = w - g + lr * g * (g + lr)\n"
                                  "number = w - 0.5 * g\n");
}

} // namespace
} // namespace gdjit
