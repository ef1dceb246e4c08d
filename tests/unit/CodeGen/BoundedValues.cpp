// scaleb of a NaN and an infinite exponent is a NaN, whatever is known of the exponent; where it is
// known to be bounded nothing tests for that.
#include "gdjit/CodeGen/CodeGen.h"
#include "unit/CodeGen/LoopBuilder.h"
#include "unit/CodeGen/RunEverywhere.h"

#include <functional>
#include <gtest/gtest.h>
#include <limits>

namespace gdjit::test {
namespace {

constexpr uint16_t lanes = 16;
constexpr ValueType vector{f32, lanes};
constexpr float infinity = std::numeric_limits<float>::infinity();

/// An exponent made of n, lane by lane.
class Exponent {
public:
  Exponent(LoopBuilder& b, ValueId n) : b_(b), n_(n) {}

  ValueId n() const { return n_; }
  ValueId number(double c) { return b_.constant(vector, c); }
  ValueId of(ScalarOp op, std::vector<ValueId> operands) {
    return b_.compute(op, vector, std::move(operands));
  }
  /// c where `x op c`, else x; `other` in the place of the first c.
  ValueId clamp(ScalarOp op, ValueId x, double c) { return clamp(op, x, c, c); }
  ValueId clamp(ScalarOp op, ValueId x, double c, double other) {
    const ValueId is = b_.compute(op, {boolean, lanes}, {x, number(c)});
    return b_.compute(ScalarOp::select, vector, {is, number(other), x});
  }
  ValueId between(double least, double greatest) {
    return clamp(ScalarOp::gt, clamp(ScalarOp::lt, n_, least), greatest);
  }

private:
  LoopBuilder& b_;
  ValueId n_;
};

/// The code of x * 2^exponent(n) for AVX-512; its bits are the interpreter's for every pair of
/// corner values.
std::string code(const std::function<ValueId(Exponent&)>& exponent) {
  const std::vector<float> corners = {std::numeric_limits<float>::quiet_NaN(),
                                      std::numeric_limits<float>::signaling_NaN(),
                                      infinity,
                                      -infinity,
                                      0,
                                      -0.0F,
                                      1,
                                      -2.5F,
                                      std::numeric_limits<float>::max(),
                                      std::numeric_limits<float>::denorm_min()};
  const auto count = static_cast<int64_t>(corners.size() * lanes);
  Array x({f32, {count}}), n({f32, {count}});
  for (size_t i = 0; i < corners.size(); ++i)
    for (size_t k = 0; k < lanes; ++k) {
      x.data<float>()[i * lanes + k] = corners[i];
      n.data<float>()[i * lanes + k] = corners[k % corners.size()];
    }
  LoopBuilder b;
  const BufferId from = b.input("x", x.type()), by = b.input("n", n.type()),
                 to = b.output("y", x.type());
  const LoopId i = b.begin(0, count, lanes);
  const ValueId loaded = b.load(from, {at(i, 1)}, lanes);
  Exponent of(b, b.load(by, {at(i, 1)}, lanes));
  b.store(to, {at(i, 1)}, b.compute(ScalarOp::scaleb, vector, {loaded, exponent(of)}), lanes);
  b.end();
  const loop::Program program = b.finish();
  run_everywhere(program, {{x, n}, {}, {}});
  return print_code(program, Stage::LLVM, {});
}

class BoundedValues : public ::testing::Test {
protected:
  void SetUp() override {
    if (!runs_here("x86-64-v4"))
      GTEST_SKIP() << "this machine has no scaleb";
  }
};

bool asks(const std::string& code) { return code.find("fcmp ord") != std::string::npos; }

TEST_F(BoundedValues, are_not_asked_for) {
  EXPECT_FALSE(asks(code([](Exponent& e) { return e.between(-104, 89); })));
  EXPECT_FALSE(asks(code([](Exponent& e) { // that of exp
    const ValueId magic = e.number(12583166);
    const ValueId shifted = e.of(ScalarOp::fma, {e.between(-104, 89), e.number(1.442695), magic});
    return e.of(ScalarOp::sub, {shifted, magic});
  })));
  EXPECT_FALSE(asks(code([](Exponent& e) {
    const ValueId x = e.between(-3, 3);
    return e.of(ScalarOp::neg, {e.of(ScalarOp::add, {e.of(ScalarOp::mul, {x, x}), e.number(2)})});
  })));
}

TEST_F(BoundedValues, others_are) {
  EXPECT_TRUE(asks(code([](Exponent& e) { return e.n(); })));
  EXPECT_TRUE(asks(code([](Exponent& e) { return e.clamp(ScalarOp::lt, e.n(), -104); })))
      << "infinite above";
  EXPECT_TRUE(asks(code([](Exponent& e) { return e.clamp(ScalarOp::gt, e.n(), 89); })))
      << "infinite below";
  EXPECT_TRUE(asks(code([](Exponent& e) { return e.between(-infinity, 89); })));
  EXPECT_TRUE(asks(code([](Exponent& e) { return e.between(-104, infinity); })));
  EXPECT_TRUE(asks(code([](Exponent& e) {
    return e.clamp(ScalarOp::gt, e.clamp(ScalarOp::lt, e.n(), -104, -infinity), 89);
  }))) << "another number than the compared one";
  EXPECT_TRUE(asks(code([](Exponent& e) {
    const ValueId x = e.between(-104, 89), large = e.number(3e38);
    return e.of(ScalarOp::mul, {x, large});
  }))) << "a product that overflows";
  EXPECT_TRUE(
      asks(code([](Exponent& e) { return e.of(ScalarOp::add, {e.between(-104, 89), e.n()}); })));
  EXPECT_TRUE(asks(code([](Exponent& e) {
    return e.of(ScalarOp::div, {e.number(1), e.between(-104, 89)});
  }))) << "a quotient";
}

} // namespace
} // namespace gdjit::test
