// Every scalar operation at every type, number of lanes, level and target gives the bits of
// loop::evaluate, for all pairs of corner values; with the operands in memory, and as constants
// that LLVM folds.
#include "unit/CodeGen/LoopBuilder.h"

#include "gdjit/JIT/Executable.h"
#include "gdjit/Support/Error.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace gdjit::test {
namespace {

struct Case {
  ScalarOp op;
  DType result;
  std::vector<DType> operands;
  std::string name;
};

template <class T> void add_float_corners(std::vector<T>& v) {
  using L = std::numeric_limits<T>;
  for (T x : {T(0),
              L::denorm_min(),
              L::min(),
              L::min() / 2,
              T(0.5),
              T(1),
              T(1.5),
              T(2.5),
              T(3),
              T(1e-30),
              T(0x1p23) + T(0.5),
              T(0x1p31),
              T(0x1p31) - T(1),
              T(0x1p52) + T(0.5),
              T(0x1p63),
              T(1e30),
              L::max(),
              L::infinity(),
              std::nextafter(T(0.5), T(0)),
              std::nextafter(T(0x1p63), T(0))}) {
    v.push_back(x);
    v.push_back(-x);
  }
  v.push_back(L::quiet_NaN());
  v.push_back(-L::quiet_NaN());
  v.push_back(L::signaling_NaN());
}

template <class T> void add_integer_corners(std::vector<T>& v) {
  using L = std::numeric_limits<T>;
  for (T x : {T(0),           T(1),           T(-1),    T(2),     T(-2),
              T(3),           T(7),           T(-7),    T(31),    T(32),
              T(33),          T(63),          T(64),    T(100),   T(-1000),
              T(0x55555555),  T(-0x7ffffff0), L::max(), L::min(), T(L::max() - 1),
              T(L::min() + 1)})
    v.push_back(x);
  if constexpr (sizeof(T) == 8)
    for (T x : {T(1) << 31, (T(1) << 31) - 1, -(T(1) << 31), -(T(1) << 31) - 1, T(1) << 53,
                (T(1) << 53) + 1, (T(1) << 24) + 1, (T(1) << 60) + 129, -(T(1) << 60) - 129,
                T(0x7fffff4000000001)})
      v.push_back(x);
  else
    for (T x : {T((1 << 24) + 1), T((1 << 24) + 3), T(-(1 << 24) - 1)})
      v.push_back(x);
}

/// Corner values of a type and some random ones, as bits.
std::vector<loop::Bits> values(DType type) {
  std::vector<loop::Bits> bits;
  auto take = [&](auto element) {
    using T = decltype(element);
    std::vector<T> corners;
    if constexpr (std::is_same_v<T, bool>)
      return bits.assign({0, 1});
    else if constexpr (std::is_floating_point_v<T>)
      add_float_corners(corners);
    else
      add_integer_corners(corners);
    for (T x : corners)
      bits.push_back(loop::load_bits(type, &x));
    std::mt19937_64 random(7);
    for (int i = 0; i < 14; ++i) {
      loop::Bits r = random();
      bits.push_back(sizeof(T) == 4 ? r & 0xffffffff : r);
    }
  };
  switch (type) {
  case DType::f32:
    take(float{});
    break;
  case DType::f64:
    take(double{});
    break;
  case DType::i32:
    take(int32_t{});
    break;
  case DType::i64:
    take(int64_t{});
    break;
  case DType::boolean:
    take(bool{});
    break;
  }
  return bits;
}

constexpr DType all_types[] = {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  auto row = [&](ScalarOp op, DType result, std::vector<DType> operands) {
    cases.push_back({op, result, operands,
                     fmt::format("{}.{}.{}", loop::name(op), name(result), name(operands.back()))});
  };
  for (DType t : all_types) {
    bool number = t != DType::boolean;
    using enum ScalarOp;
    for (ScalarOp op : {add, sub, mul, div})
      if (number)
        row(op, t, {t, t});
    for (ScalarOp op : {neg, abs})
      if (number)
        row(op, t, {t});
    for (ScalarOp op : {min, max})
      row(op, t, {t, t});
    for (ScalarOp op : {eq, ne, lt, le, gt, ge})
      row(op, DType::boolean, {t, t});
    row(select, t, {DType::boolean, t, t});
    if (is_float(t)) {
      row(fma, t, {t, t, t});
      if (t == DType::f32)
        row(scaleb, t, {t, t});
      for (ScalarOp op :
           {ScalarOp::sqrt, ScalarOp::floor, ScalarOp::ceil, ScalarOp::trunc, ScalarOp::round})
        row(op, t, {t});
    } else {
      for (ScalarOp op : {bit_and, bit_or, bit_xor})
        row(op, t, {t, t});
      row(bit_not, t, {t});
    }
    if (is_integer(t))
      for (ScalarOp op : {ScalarOp::rem, shl, ashr, lshr})
        row(op, t, {t, t});
    for (DType to : all_types)
      row(convert, to, {t});
  }
  row(ScalarOp::bitcast, DType::i32, {DType::f32});
  row(ScalarOp::bitcast, DType::f32, {DType::i32});
  row(ScalarOp::bitcast, DType::i64, {DType::f64});
  row(ScalarOp::bitcast, DType::f64, {DType::i64});
  row(ScalarOp::low32, DType::i32, {DType::i64});
  row(ScalarOp::zext, DType::i64, {DType::i32});
  return cases;
}

/// All pairs of values of a case's operands, a third operand running through its values beside
/// them.
std::vector<std::vector<loop::Bits>> columns(const Case& c, int64_t multiple) {
  std::vector<std::vector<loop::Bits>> v;
  for (DType t : c.operands)
    v.push_back(values(t));
  std::vector<std::vector<loop::Bits>> columns(c.operands.size());
  size_t second = v.size() > 1 ? v[1].size() : 1;
  for (size_t i = 0, k = 0; i < v[0].size(); ++i)
    for (size_t j = 0; j < second; ++j)
      for (size_t times = v.size() > 2 ? 5 : 1; times-- > 0; ++k) {
        columns[0].push_back(v[0][i]);
        if (v.size() > 1)
          columns[1].push_back(v[1][j]);
        if (v.size() > 2)
          columns[2].push_back(v[2][k * 7 % v[2].size()]);
      }
  while (static_cast<int64_t>(columns[0].size()) % multiple != 0)
    for (auto& column : columns)
      column.push_back(column[column.size() / 2]);
  return columns;
}

Array to_array(DType type, const std::vector<loop::Bits>& column) {
  Array array({type, {static_cast<int64_t>(column.size())}});
  for (size_t i = 0; i < column.size(); ++i)
    loop::store_bits(type,
                     static_cast<char*>(array.bytes()) + static_cast<int64_t>(i) * byte_size(type),
                     column[i]);
  return array;
}

loop::Bits bits_at(const Array& array, int64_t i) {
  return loop::load_bits(array.type().dtype, static_cast<const char*>(array.bytes()) +
                                                 i * byte_size(array.type().dtype));
}

/// Counts and prints elements of `output` that differ from evaluate().
int64_t differences(const Case& c, const std::vector<std::vector<loop::Bits>>& operands,
                    const Array& output) {
  int64_t bad = 0;
  for (int64_t i = 0; i < output.elements(); ++i) {
    std::vector<loop::Bits> x;
    for (const auto& column : operands)
      x.push_back(column[static_cast<size_t>(i)]);
    // The bits of a NaN are open, so a cast of one to an integer is as well.
    if (c.op == ScalarOp::bitcast && is_float(c.operands[0]) &&
        std::isnan(loop::to_double(c.operands[0], x[0])))
      continue;
    loop::Bits expected = loop::evaluate(c.op, c.result, c.operands.back(), x);
    if (loop::same_bits(c.result, expected, bits_at(output, i)))
      continue;
    if (++bad <= 3)
      ADD_FAILURE() << c.name
                    << fmt::format(" of {:#x}: {:#x}, expected {:#x}", fmt::join(x, ", "),
                                   bits_at(output, i), expected);
  }
  return bad;
}

struct Setting {
  std::string target;
  int level;
  uint16_t lanes;
};

class ScalarOps : public testing::TestWithParam<Setting> {};

TEST_P(ScalarOps, give_the_bits_of_evaluate_on_all_pairs_of_corner_values) {
  const Setting& setting = GetParam();
  ExecutableOptions options{
      .code = {.target = setting.target, .level = setting.level, .verify = true}};
  try {
    check(options.code);
  } catch (const Error&) {
    GTEST_SKIP() << "this machine does not run " << setting.target;
  }
  std::vector<Case> cases = all_cases();
  LoopBuilder b;
  CallArguments arguments;
  std::vector<std::vector<std::vector<loop::Bits>>> operands;
  for (const Case& c : cases) {
    b.kernel(c.name);
    operands.push_back(columns(c, setting.lanes));
    auto count = static_cast<int64_t>(operands.back()[0].size());
    std::vector<BufferId> inputs;
    for (size_t i = 0; i < c.operands.size(); ++i) {
      inputs.push_back(b.input(fmt::format("{}.{}", c.name, i), {c.operands[i], {count}}));
      arguments.inputs.push_back(to_array(c.operands[i], operands.back()[i]));
    }
    BufferId out = b.output(c.name, {c.result, {count}});
    LoopId i = b.begin(0, count, setting.lanes);
    std::vector<ValueId> x;
    for (BufferId input : inputs)
      x.push_back(b.load(input, {at(i, 1)}, setting.lanes));
    b.store(out, {at(i, 1)}, b.compute(c.op, {c.result, setting.lanes}, x), setting.lanes);
    b.end();
  }
  CallResults results = Executable::compile(b.finish(), options)->call(arguments);
  for (size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(differences(cases[i], operands[i], results.outputs[i]), 0) << cases[i].name;
}

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const std::string& target : code_targets())
    for (int level : {0, 2, 3})
      for (uint16_t lanes : {1, 3, 4, 8, 16, 24})
        if (level == 2 || lanes == 1 || lanes == 8 || (level == 0 && lanes % 3 != 0))
          all.push_back({target, level, lanes});
  return all;
}

INSTANTIATE_TEST_SUITE_P(everywhere, ScalarOps, testing::ValuesIn(settings()),
                         [](const auto& info) {
                           std::string name = fmt::format("{}_O{}_lanes{}", info.param.target,
                                                          info.param.level, info.param.lanes);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ConstantOperands, fold_to_the_bits_of_evaluate) {
  for (const Case& c : all_cases()) {
    std::vector<std::vector<loop::Bits>> all = columns(c, 1);
    std::vector<std::vector<loop::Bits>> some(all.size());
    for (size_t k = 0; k < all[0].size(); k += std::max<size_t>(1, all[0].size() / 60))
      for (size_t i = 0; i < all.size(); ++i)
        some[i].push_back(all[i][k]);
    auto count = static_cast<int64_t>(some[0].size());
    LoopBuilder b;
    BufferId out = b.output(c.name, {c.result, {count}});
    for (int64_t k = 0; k < count; ++k) {
      std::vector<ValueId> x;
      for (size_t i = 0; i < some.size(); ++i)
        x.push_back(b.bits({c.operands[i], 1}, some[i][static_cast<size_t>(k)]));
      b.store(out, {fixed(k)}, b.compute(c.op, {c.result, 1}, x));
    }
    ExecutableOptions options{.code = {.verify = true}};
    CallResults results = Executable::compile(b.finish(), options)->call({});
    EXPECT_EQ(differences(c, some, results.outputs[0]), 0) << c.name;
  }
}

} // namespace
} // namespace gdjit::test
