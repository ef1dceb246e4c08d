// What the parameterized tests of the op table share: sample nodes of every op, and a graph to run
// them in.
#pragma once

#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Ops/GraphBuilder.h"
#include "gdjit/Ops/Op.h"
#include "gdjit/Ops/Vjp.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace gdjit::testing {

inline constexpr DType all_dtypes[] = {DType::f32, DType::f64, DType::i32, DType::i64,
                                       DType::boolean};

/// A node of an op: the types of its operands and its attributes.
struct Case {
  Opcode op;
  std::vector<TensorType> operands;
  Attributes attributes;
};

/// Nodes of `op` whose data operands are of `dtype`, over shapes of several ranks with extents 0
/// and 1 among them; those that the type rule refuses are left out.
std::vector<Case> cases(Opcode op, DType dtype);
std::string to_string(const Case& c);

/// The ops for which `holds`, as parameters of a test suite, and the suite's names.
template <class F> std::vector<Opcode> ops_where(F&& holds) {
  std::vector<Opcode> ops;
  for (int i = 0; i < opcode_count; ++i)
    if (holds(info(static_cast<Opcode>(i))))
      ops.push_back(static_cast<Opcode>(i));
  return ops;
}
inline std::string op_name(const ::testing::TestParamInfo<Opcode>& test) {
  return std::string(name(test.param));
}

/// A graph over inputs that are declared as they come, and a call of it.
class Bench {
public:
  Bench() : builder_(graph_, signature_, Sharing::verbatim) {}
  Bench(const Bench&) = delete;

  Value input(Array value);
  Expr expr(Array value) { return {&builder_, input(std::move(value))}; }
  GraphBuilder& builder() { return builder_; }
  Graph& graph() { return graph_; }
  const Signature& signature() const { return signature_; }
  CallArguments& arguments() { return arguments_; }
  /// Runs everything; a value of the result.
  Array run(Value v);
  const CallStatus& status() const { return status_; }

private:
  Graph graph_;
  Signature signature_;
  GraphBuilder builder_;
  CallArguments arguments_;
  CallStatus status_;
};

/// Random elements within the sample range of an op's operand.
Array sample(const OpInfo& op, int operand, const TensorType& type, std::mt19937_64& random);
/// Inputs of a case with random values, and the node.
struct Built {
  std::vector<Value> operands;
  Value result;
};
Built build(Bench& bench, const Case& c, std::mt19937_64& random);

/// An array of one row.
template <class T> Array row(std::vector<T> values) {
  Array array(TensorType{DTypeOf<T>::value, Shape{static_cast<int64_t>(values.size())}});
  for (size_t i = 0; i < values.size(); ++i)
    array.data<T>()[i] = values[i];
  return array;
}
template <class T> std::vector<T> elements(const Array& array) {
  EXPECT_EQ(array.type().dtype, DTypeOf<T>::value);
  return std::vector<T>(array.data<T>(), array.data<T>() + array.elements());
}

/// The text of the Error that `f` throws, "" if none.
template <class F> std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::graph);
    return error.what();
  }
  return "";
}

} // namespace gdjit::testing
