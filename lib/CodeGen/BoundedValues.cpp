// Ranges of values, from constants on, in the order of statements.
#include "BoundedValues.h"

#include "gdjit/Loop/Rewrite.h"

#include <algorithm>
#include <limits>

namespace gdjit_llvm {

using gdjit::loop::ScalarOp;
using gdjit::loop::Statement;
using gdjit::loop::StatementKind;
using gdjit::loop::ValueId;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double far = 1e30; ///< from infinity: no rounding leads from below it to f32's

/// Of what a value is where it is no NaN.
struct Range {
  double least = -infinity, greatest = infinity;

  bool bounded() const { return least > -far && greatest < far; }
};

Range sum(Range a, Range b) { return {a.least + b.least, a.greatest + b.greatest}; }
Range negative(Range a) { return {-a.greatest, -a.least}; }

Range product(Range a, Range b) {
  if (!a.bounded() || !b.bounded())
    return {};
  auto [least, greatest] = std::minmax(
      {a.least * b.least, a.least * b.greatest, a.greatest * b.least, a.greatest * b.greatest});
  return {least, greatest};
}

class Ranges {
public:
  Ranges(const gdjit::loop::Kernel& kernel, const gdjit::codegen::KernelShape& shape)
      : shape_(shape), ranges_(kernel.values), comparisons_(kernel.values) {
    gdjit::loop::for_each(kernel.body, [&](const Statement& s) {
      if (s.kind != StatementKind::Compute)
        return;
      if (s.op == ScalarOp::lt || s.op == ScalarOp::gt)
        comparisons_[s.result] = &s;
      else if (gdjit::is_float(s.type.dtype))
        ranges_[s.result] = of(s);
    });
  }

  std::vector<bool> bounded() const {
    std::vector<bool> all;
    all.reserve(ranges_.size());
    for (const Range& range : ranges_)
      all.push_back(range.bounded());
    return all;
  }

private:
  Range of(const Statement& s) const {
    const auto x = [&](size_t i) { return ranges_[s.operands[i]]; };
    switch (s.op) {
    case ScalarOp::constant: {
      const double c = gdjit::to_double(s.type.dtype, s.bits);
      return shape_.slots.contains(&s.bits) ? Range{} : Range{c, c};
    }
    case ScalarOp::neg:
      return negative(x(0));
    case ScalarOp::add:
      return sum(x(0), x(1));
    case ScalarOp::sub:
      return sum(x(0), negative(x(1)));
    case ScalarOp::mul:
      return product(x(0), x(1));
    case ScalarOp::fma:
      return sum(product(x(0), x(1)), x(2));
    case ScalarOp::select:
      return clamped(s);
    default:
      return {};
    }
  }

  /// x < c ? y : x, or x > c ? y : x.
  Range clamped(const Statement& s) const {
    const Statement* comparison = comparisons_[s.operands[0]];
    if (comparison == nullptr || comparison->operands[0] != s.operands[2])
      return {};
    const Range c = ranges_[comparison->operands[1]], y = ranges_[s.operands[1]];
    Range x = ranges_[s.operands[2]];
    if (comparison->op == ScalarOp::lt)
      x.least = std::max(x.least, c.least);
    else
      x.greatest = std::min(x.greatest, c.greatest);
    return {std::min(x.least, y.least), std::max(x.greatest, y.greatest)};
  }

  const gdjit::codegen::KernelShape& shape_;
  std::vector<Range> ranges_;                 ///< by value
  std::vector<const Statement*> comparisons_; ///< by value: the lt or gt that gives it
};

} // namespace

std::vector<bool> bounded_values(const gdjit::loop::Kernel& kernel,
                                 const gdjit::codegen::KernelShape& shape) {
  return Ranges(kernel, shape).bounded();
}

} // namespace gdjit_llvm
