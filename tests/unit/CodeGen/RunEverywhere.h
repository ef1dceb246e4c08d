// Runs a program of loops compiled at every level and target and compares with the Loop
// interpreter.
#pragma once

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Support/Error.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

namespace gdjit::test {

inline constexpr DType f32 = DType::f32, f64 = DType::f64, i32 = DType::i32, i64 = DType::i64,
                       boolean = DType::boolean;

inline Array numbers(TensorType type, uint64_t seed = 1) {
  Array a(type);
  std::mt19937_64 random(seed);
  for (int64_t i = 0; i < a.elements(); ++i)
    a.set(i, type.dtype == boolean ? static_cast<double>(random() % 2)
             : is_float(type.dtype)
                 ? static_cast<double>(static_cast<int64_t>(random() % 2001) - 1000) / 64
                 : static_cast<double>(static_cast<int64_t>(random() % 2001) - 1000));
  return a;
}

inline Array indices(int64_t count, int64_t below, uint64_t seed = 3) {
  Array a({i64, {count}});
  std::mt19937_64 random(seed);
  for (int64_t i = 0; i < count; ++i)
    a.data<int64_t>()[i] = static_cast<int64_t>(random() % static_cast<uint64_t>(below));
  return a;
}

inline void expect_equal(const std::vector<Array>& a, const std::vector<Array>& b,
                         const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(same_bits(a[i], b[i])) << what << " " << i;
    if (same_bits(a[i], b[i]))
      continue;
    for (int64_t k = 0, shown = 0; k < a[i].elements() && shown < 3; ++k)
      if (!(a[i].at(k) == b[i].at(k)))
        ADD_FAILURE() << fmt::format("{} {}, element {}: {}, expected {}", what, i, k, a[i].at(k),
                                     b[i].at(k)),
            ++shown;
  }
}

/// Runs at all levels and targets that this machine has; compares with the interpreter; returns its
/// results.
inline CallResults run_everywhere(const loop::Program& program, const CallArguments& arguments) {
  CallResults expected = interpret(program, arguments);
  for (const std::string& target : code_targets())
    for (int level : {0, 2, 3}) {
      ExecutableOptions options{
          .code = {.target = target, .level = level, .verify = true, .debug_info = level == 2}};
      try {
        check(options.code);
      } catch (const Error&) {
        continue; // this machine does not run the target
      }
      SCOPED_TRACE(fmt::format("{} at O{}", target, level));
      CallResults results = Executable::compile(program, options)->call(arguments);
      expect_equal(results.outputs, expected.outputs, "output");
      expect_equal(results.updates, expected.updates, "update");
      EXPECT_EQ(results.status, expected.status);
    }
  return expected;
}

} // namespace gdjit::test
