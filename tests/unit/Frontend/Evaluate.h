// Runs what a lambda declares, by the graph interpreter: the meaning of the frontend's functions
// without any compiler.
#pragma once

#include "gdjit/Autodiff/Differentiate.h"
#include "gdjit/Frontend/Model.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Transforms/Specialize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gdjit::test {

/// The results of a step on the model's rows, initial states and default scalars; `seed` and `step`
/// as given.
inline CallResults run(const Step& declared, bool training = true, int64_t seed = 0,
                       int64_t step = 0) {
  PassContext context;
  context.training = training;
  Step ready = differentiate(specialize(declared, context), context);
  CallArguments arguments;
  for (const InputDecl& input : ready.signature.inputs)
    arguments.inputs.emplace_back(input.type);
  for (const Rows& rows : ready.signature.data)
    arguments.inputs[rows.input] = *rows.values;
  arguments.states = initial_values(ready.signature, seed);
  for (const ScalarDecl& scalar : ready.signature.scalars) {
    double value = scalar.name == "seed"   ? static_cast<double>(seed)
                   : scalar.name == "step" ? static_cast<double>(step)
                                           : scalar.initial;
    arguments.scalars.push_back(Array({scalar.dtype, {}}, {value}));
  }
  return interpret(ready, arguments);
}

/// The value of the Tensor that `declare` returns, in f64.
template <class F> Array evaluate(F declare, DType dtype = DType::f64) {
  Model m({.dtype = dtype});
  m.output("result", declare(m));
  return run(m.evaluation().step(), false).outputs.front();
}

inline std::vector<double> elements(const Array& array) {
  std::vector<double> all;
  for (int64_t i = 0; i < array.elements(); ++i)
    all.push_back(array.at(i));
  return all;
}

/// Elements and type of what `declare` returns.
#define EXPECT_VALUE(declare, type_text, ...)                                                      \
  do {                                                                                             \
    ::gdjit::Array value_ = ::gdjit::test::evaluate([](Model& m) -> Tensor { return declare; });   \
    EXPECT_EQ(to_string(value_.type()), type_text);                                                \
    EXPECT_THAT(::gdjit::test::elements(value_),                                                   \
                testing::Pointwise(testing::NanSensitiveDoubleNear(1e-14),                         \
                                   std::vector<double> __VA_ARGS__));                              \
  } while (false)

} // namespace gdjit::test
