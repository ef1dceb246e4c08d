// The key of a kernel is one for all that are equal, and for no other.
#include "gdjit/Loop/KernelKey.h"
#include "TextMistake.h"
#include "TwoKernels.h"

namespace gdjit {
namespace {

using loop::Program;

/// Whether the key of both kernels is one.
bool are_equal(const Program& program,
               loop::KernelKey::Numbers numbers = loop::KernelKey::Numbers::written) {
  loop::KernelKey key(program, numbers);
  key.take(program.kernels[0]);
  const std::string first = key.bytes();
  key.take(program.kernels[1]);
  return key.bytes() == first;
}

TEST(KernelKey, IsOneForKernelsThatDifferInBuffersAndNodes) {
  const Program program = test::read_program(test::two_kernels);
  EXPECT_TRUE(are_equal(program));
  loop::KernelKey key(program);
  key.take(program.kernels[1]);
  EXPECT_EQ(key.buffers(), (std::vector<loop::BufferId>{1, 3}));
}

TEST(KernelKey, IsOneInWhateverOrderAProgramKnowsTheBuffers) {
  const std::string last = "buffer d : f32[6,16] = output d\n";
  std::string text = test::replaced(std::string(test::two_kernels), last, "");
  text = test::replaced(text, "buffer a :", last + "buffer a :");
  const Program program = test::read_program(text);
  EXPECT_TRUE(are_equal(program));
  loop::KernelKey key(program);
  key.take(program.kernels[1]);
  EXPECT_EQ(key.buffers(), (std::vector<loop::BufferId>{2, 0})) << "as they appear";
}

struct Change {
  std::string from, to;
};
void PrintTo(const Change& c, std::ostream* out) { *out << c.from << " -> " << c.to; }

/// The two kernels, the second of them changed.
Program changed(const Change& c) {
  const size_t second = test::two_kernels.find("kernel k1");
  return test::read_program(std::string(test::two_kernels.substr(0, second)) +
                            test::replaced(test::two_kernels.substr(second), c.from, c.to));
}

TEST(KernelKey, WithoutNumbersIsOneForKernelsThatDifferInThemOnly) {
  constexpr auto left_out = loop::KernelKey::Numbers::left_out;
  for (const Change& c : {Change{"for i in 0..6", "for i in 1..5"},
                          Change{"c[i, 2*j]", "c[i, j+1]"}, Change{"0.5 : f32", "0.25 : f32"}})
    EXPECT_TRUE(are_equal(changed(c), left_out)) << c.to;
  for (const Change& c : {Change{"for j in 0..8", "for j in 0..8 step 2"}, Change{"= -0.0", "= 0"},
                          Change{"c[i, 2*j]", "c[i, 2*i]"}, Change{"mul %0, %1", "add %0, %1"}})
    EXPECT_FALSE(are_equal(changed(c), left_out)) << c.to;
}

class KernelKeyDifference : public ::testing::TestWithParam<Change> {};

TEST_P(KernelKeyDifference, TellsKernelsApart) { EXPECT_FALSE(are_equal(changed(GetParam()))); }

INSTANTIATE_TEST_SUITE_P(
    Statements, KernelKeyDifference,
    ::testing::Values(Change{"for i in 0..6", "for i in 1..6"},
                      Change{"for i in 0..6", "for i in 0..5"},
                      Change{"for j in 0..8", "for j in 0..8 step 2"},
                      Change{"for i in 0..6", "parallel for i in 0..6"}, Change{"= -0.0", "= 0"},
                      Change{"c[i, 2*j]", "c[i, j]"}, Change{"c[i, 2*j]", "c[i, 2*j+1]"},
                      Change{"c[i, 2*j]", "c[i, 2*i]"}, Change{"load c[i, 2*j]", "load d[i, 2*j]"},
                      Change{"0.5 : f32", "0.25 : f32"}, Change{"mul %0, %1", "add %0, %1"},
                      Change{"mul %0, %1", "mul %1, %0"}, Change{" if %3", ""},
                      Change{"@8", "@5"}));

TEST(KernelKey, TypesAndViewsOfBuffersTellKernelsApart) {
  Program program = test::read_program(test::two_kernels);
  program.buffers[1].type.shape = {7, 16};
  EXPECT_FALSE(are_equal(program));
  program = test::read_program(test::two_kernels);
  program.buffers[1].type.dtype = DType::i32;
  EXPECT_FALSE(are_equal(program));
  program = test::read_program(test::two_kernels);
  program.kernels[1].body[0].body[0].body.back().streaming = true;
  EXPECT_FALSE(are_equal(program)) << "streaming";
  program = test::read_program(test::two_kernels);
  program.buffers[1].same_as = 0;
  EXPECT_FALSE(are_equal(program));
}

} // namespace
} // namespace gdjit
