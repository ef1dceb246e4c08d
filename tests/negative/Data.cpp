// Mistakes in the rows that a model carries.
#include "Mistakes.h"

using namespace gdjit;
using gdjit::test::message_of;

namespace {

std::string mistake(const std::vector<DataColumn>& columns) {
  return message_of([&] {
    Model m([&](Model& m) {
      Tensor x = m.input("x", {m.batch(), 2});
      Tensor y = m.input("y", {m.batch()}, DType::i64);
      Tensor fixed = m.input("fixed", {2});
      m.output("all", sum(x, 1) + cast(y, DType::f32) + sum(fixed));
      m.data(columns);
    });
  });
}

TEST(DataMistakes, inputs_that_do_not_exist) {
  EXPECT_MISTAKE(mistake({{"z", {{1, 2}}}}), "data: there is no input 'z'", "inputs: ");
  EXPECT_MISTAKE(mistake({{"x", {{1, 2}}}, {"x", {{1, 2}}}}), "data: rows of 'x' are given twice");
}

TEST(DataMistakes, rows_that_do_not_fit) {
  EXPECT_MISTAKE(mistake({{"x", {{1, 2, 3}}}}),
                 "data: a row of 'x' has 3 numbers, the input takes 2", "input x : f32[2,2]");
  EXPECT_MISTAKE(mistake({{"x", {{1, 2}, {1}}}}), "data: rows of 'x' differ in length");
  EXPECT_MISTAKE(mistake({{"x", 1}}), "data: 'x' is one number, not rows");
  EXPECT_MISTAKE(mistake({{"x", {{1, 2}, {3, 4}}}, {"y", {1}}}), "data: 'x' has 2 rows, 'y' has 1");
  EXPECT_MISTAKE(mistake({{"fixed", {1, 2, 3}}}), "data: 'fixed' takes 2 numbers, 3 are given",
                 "does not scale");
}

TEST(DataMistakes, numbers_of_another_type) {
  EXPECT_MISTAKE(mistake({{"y", {0, 1.5}}}), "data: 'y': 1.5 is no i64");
}

} // namespace
