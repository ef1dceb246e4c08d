// Mistakes with tensors: shapes, types, axes, empty ones, two models.
#include "Mistakes.h"

using namespace gdjit;
using gdjit::test::message_of;

namespace {

// clang-format off: GDJIT_LINE stands on the line that it names

TEST(TensorMistakes, shapes_that_do_not_broadcast) {
  Model m;
  Tensor x = m.input("x", {2, 3}); GDJIT_LINE(x_line);
  Tensor y = m.input("y", {4}); GDJIT_LINE(y_line);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)(x + y); }), here + ":",
                 "add: shapes [2,3] and [4] do not broadcast", "lhs x : f32[2,3]", "rhs y : f32[4]", x_line, y_line,
                 "extents must be equal or 1");
}

TEST(TensorMistakes, types_that_differ) {
  Model m;
  Tensor x = m.input("x", {2});
  Tensor i = m.input("i", {2}, DType::i64);
  EXPECT_MISTAKE(message_of([&] { (void)(x * i); }), "mul: element types differ, f32 and i64", "lhs x : f32[2]",
                 "rhs i : i64[2]", "cast");
  EXPECT_MISTAKE(message_of([&] { (void)matmul(m.input("a", {2, 2}), m.input("b", {2, 2}, DType::f64)); }),
                 "matmul: element types differ, f32 and f64", "cast");
}

TEST(TensorMistakes, a_float_with_an_integer_tensor) {
  Model m;
  Tensor i = m.input("i", {2}, DType::i32);
  EXPECT_MISTAKE(message_of([&] { (void)(i + 0.5); }), "add: the float 0.5 with an i32 tensor", "lhs i : i32[2]", "cast");
  EXPECT_MISTAKE(message_of([&] { (void)(int64_t{1} << 40 > i); }), "gt: 1099511627776 does not fit i32", "cast");
  EXPECT_MISTAKE(message_of([&] { (void)(cast(i, DType::i64) + 18446744073709551615ULL); }), "does not fit i64", "i64 is the widest integer");
  EXPECT_MISTAKE(message_of([&] { (void)(m.input("b", {2}, DType::boolean) + 1); }), "add: the number 1 with a bool tensor",
                 "cast");
}

TEST(TensorMistakes, inner_dimensions) {
  Model m;
  Tensor x = m.input("x", {64, 784}); GDJIT_LINE(x_line);
  Parameter w = m.parameter("w1", zeros({780, 128})); GDJIT_LINE(w_line);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)matmul(x, w); }), here + ":",
                 "error: matmul: inner dimensions differ, 784 and 780", "lhs x  : f32[64,784]", "rhs w1 : f32[780,128]",
                 x_line, w_line);
}

TEST(TensorMistakes, axes_out_of_range) {
  Model m;
  Tensor x = m.input("x", {2, 3});
  EXPECT_MISTAKE(message_of([&] { (void)sum(x, 2); }), "sum: axis 2 is out of range for rank 2", "operand x : f32[2,3]");
  EXPECT_MISTAKE(message_of([&] { (void)sum(x, {0, 0}); }), "sum: axis 0 is given twice");
  EXPECT_MISTAKE(message_of([&] { (void)argmax(x, {0, 1}); }), "argmax: takes one axis, 2 given");
  EXPECT_MISTAKE(message_of([&] { (void)reshape(x, {5}); }), "reshape", "operand x : f32[2,3]");
  EXPECT_MISTAKE(message_of([&] { (void)reshape(x, {-1, 4}); }), "reshape: no extent in place of -1 makes 6 elements of [2,3]; choose extents whose product divides 6");
  EXPECT_MISTAKE(message_of([&] { (void)reshape(x, {-1, -1}); }), "reshape: two extents are -1; one at most is left to be found");
  EXPECT_MISTAKE(message_of([&] { (void)concat(std::vector<Tensor>(), 0); }), "concat: no operand; give one Tensor or more");
  constexpr int64_t half = int64_t{1} << 32; // twice makes 2^64, which is 0
  EXPECT_MISTAKE(message_of([&] { (void)reshape(x, {half, half, -1}); }), "reshape: the extents multiply to more than 2^40 elements");
  EXPECT_MISTAKE(message_of([&] { (void)reshape(x, {-1, -2}); }), "reshape: extent -2 is negative; extents are 0 or more");
  EXPECT_MISTAKE(message_of([&] { (void)reshape(x, {1, 1, 1, 1, 1, 1, 1, 2, 3}); }), "reshape: rank 9 is above 8");
  EXPECT_MISTAKE(message_of([&] { (void)squeeze(x, 1); }), "squeeze: axis 1 has extent 3");
  EXPECT_MISTAKE(message_of([&] { (void)slice(x, 3, 0, 1); }), "slice: axis 3 is out of range");
  EXPECT_MISTAKE(message_of([&] { (void)slice(x, 1, 2, 9); }), "slice");
  EXPECT_MISTAKE(message_of([&] { (void)transpose(x, {0, 0}); }), "transpose");
  EXPECT_MISTAKE(message_of([&] { (void)concat({x, m.input("y", {2, 4})}); }), "concat");
  EXPECT_MISTAKE(message_of([&] { (void)softmax(x, 5); }), "axis 5 is out of range");
  EXPECT_MISTAKE(message_of([&] { (void)x.extent(2); }), "extent: axis 2 is out of range for f32[2,3]");
}

TEST(TensorMistakes, an_empty_tensor) {
  Model m;
  Tensor x = m.input("x", {2}), empty;
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)(x + empty); }), here + ":",
                 "add: operand 2 is an empty Tensor");
  EXPECT_MISTAKE(message_of([&] { (void)exp(empty); }), "exp: its operand is an empty Tensor");
  EXPECT_MISTAKE(message_of([&] { (void)empty.shape(); }), "the Tensor is empty");
  EXPECT_MISTAKE(message_of([&] { m.output("y", empty); }), "output: its operand is an empty Tensor");
  EXPECT_MISTAKE(message_of([&] { (void)mse_loss(x, empty); }), "mse_loss: operand 2 is an empty Tensor");
  EXPECT_MISTAKE(message_of([&] { (void)concat({}); }), "concat: no operand");
}

TEST(TensorMistakes, two_models) {
  Model first({.name = "first"}), second({.name = "second"});
  Tensor x = first.input("x", {2}); GDJIT_LINE(x_line);
  Tensor y = second.input("y", {2}); GDJIT_LINE(y_line);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)(x - y); }), here + ":",
                 "sub: operands belong to two models, 'first' and 'second'", x_line, y_line, "declare both within one function");
  EXPECT_MISTAKE(message_of([&] { (void)matmul(x, y); }), "matmul: operands belong to two models");
  EXPECT_MISTAKE(message_of([&] { (void)mse_loss(x, y); }), "mse_loss: operands belong to two models");
  EXPECT_MISTAKE(message_of([&] { second.minimize(sum(x), SGD{}); }), "minimize: the value belongs to model 'first', not to 'second'");
  EXPECT_MISTAKE(message_of([&] { second.output("x", x); }), "output: the value belongs to model 'first', not to 'second'", x_line);
  Variable v = first.variable("v", zeros({2}));
  EXPECT_MISTAKE(message_of([&] { second.update(v, v + 1); }), "update: the value belongs to model 'first'");
  EXPECT_MISTAKE(message_of([&] { first.update(v, y); }), "update: operands belong to two models");
}

TEST(TensorMistakes, a_tensor_that_outlives_its_models_function) {
  static Tensor kept;
  auto function = [](Model& m) {
    Tensor x = m.input("x", {m.batch()});
    m.output("y", kept.empty() ? x : x + kept);
    kept = x;
  };
  EXPECT_MISTAKE(message_of([&] { Model m(function, {.batch = 3}); (void)m.evaluation().step(5); }),
                 "two runs of the model 'model', for 5 and 3 rows");
  kept = Tensor();
}

TEST(TensorMistakes, gradients_of_nothing) {
  Model m;
  Tensor x = m.input("x", {2}); GDJIT_LINE(x_line);
  Parameter w = m.parameter("w", zeros({2})); GDJIT_LINE(w_line);
  Tensor loss = sum(x); GDJIT_LINE(loss_line);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)gradient(loss, w); }), here + ":",
                 "gradient: the loss does not depend on w", loss_line, w_line);
  EXPECT_MISTAKE(message_of([&] { (void)gradient(x, x); }), "gradient: the loss has shape [2], not []", "mean or sum",
                 x_line);
  EXPECT_MISTAKE(message_of([&] { (void)gradient(sum(cast(x, DType::i32)), x); }), "gradient: the loss is i64, not a float",
                 "cast");
  EXPECT_MISTAKE(message_of([&] { (void)jacobian_vector(m.input("f", {3}), x, x); }),
                 "jacobian_vector: f does not depend on ", "its product with v is zeros");
  EXPECT_MISTAKE(message_of([&] { (void)hessian_vector(sum(x * x), x, m.input("v", {3})); }),
                 "hessian_vector: v has type f32[3], x has f32[2]");
}

// clang-format on

} // namespace
