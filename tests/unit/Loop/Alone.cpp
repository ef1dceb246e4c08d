// What a pass makes of a kernel is made once of all that are equal, and of no other.
#include "gdjit/Loop/Alone.h"
#include "TextMistake.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Loop/Text.h"

namespace gdjit {
namespace {

using loop::AloneResult;
using loop::Program;

/// Kernel k1 does with c and d what k0 does with a and b.
constexpr std::string_view two_kernels = R"gdir(gdir 1
stage loops
model two
step training
batch 6

input a : f32[6,16]
input c : f32[6,16]
output b : f32[6,16]
output d : f32[6,16]

buffer a : f32[6,16] = input a
buffer c : f32[6,16] = input c
buffer b : f32[6,16] = output b
buffer d : f32[6,16] = output d

kernel k0 "first" {
  for i in 0..6 {                                       @1 first
    for j in 0..8 {                                     @1 first
      tile t0 : f32 = -0.0                              @1 first
      %0 = load a[i, 2*j]                               @2 first
      %1 = 0.5 : f32                                    @1 first
      %2 = mul %0, %1                                   @1 first
      %3 = lt %0, %1                                    @1 first
      set t0 = %2                                       @1 first
      %4 = get t0                                       @1 first
      store b[i, 2*j] = %4 if %3                        @1 first
    }
  }
}

kernel k1 "second" {
  for i in 0..6 {                                       @5 second
    for j in 0..8 {                                     @5 second
      tile t0 : f32 = -0.0                              @5 second
      %0 = load c[i, 2*j]                               @8 second
      %1 = 0.5 : f32                                    @5 second
      %2 = mul %0, %1                                   @5 second
      %3 = lt %0, %1                                    @5 second
      set t0 = %2                                       @5 second
      %4 = get t0                                       @5 second
      store d[i, 2*j] = %4 if %3                        @5 second
    }
  }
}

end
)gdir";

Program read(std::string_view text) { return read_step(text, "t.gdir").program; }

/// The kernels for which `work` is asked, when it changes nothing.
int asked(Program& program, std::vector<std::string> known_of_them = {"", ""}) {
  int times = 0;
  loop::Alone alone(program);
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    alone.take(program.kernels[k]);
    const AloneResult& result =
        alone.result(program.kernels[k], known_of_them[k], [&](AloneResult&) { ++times; });
    alone.write_back(result, program.kernels[k]);
  }
  return times;
}

TEST(Alone, EqualKernelsAreOneAndStayWhatTheyAre) {
  Program program = read(two_kernels);
  const std::string before = loop::print(program);
  EXPECT_EQ(asked(program), 1);
  EXPECT_EQ(loop::print(program), before);
}

TEST(Alone, WhatThePassKnowsOfThemTellsThemApart) {
  Program program = read(two_kernels);
  EXPECT_EQ(asked(program, {"one thing", "another"}), 2);
}

struct Change {
  std::string from, to;
};
void PrintTo(const Change& c, std::ostream* out) { *out << c.from << " -> " << c.to; }

class AloneDifference : public ::testing::TestWithParam<Change> {};

TEST_P(AloneDifference, TellsKernelsApart) {
  const size_t second = two_kernels.find("kernel k1");
  const Change& c = GetParam();
  Program program = read(std::string(two_kernels.substr(0, second)) +
                         test::replaced(two_kernels.substr(second), c.from, c.to));
  const std::string before = loop::print(program);
  EXPECT_EQ(asked(program), 2);
  EXPECT_EQ(loop::print(program), before);
}

INSTANTIATE_TEST_SUITE_P(
    Statements, AloneDifference,
    ::testing::Values(Change{"for i in 0..6", "for i in 1..6"},
                      Change{"for i in 0..6", "for i in 0..5"},
                      Change{"for j in 0..8", "for j in 0..8 step 2"},
                      Change{"for i in 0..6", "parallel for i in 0..6"}, Change{"= -0.0", "= 0"},
                      Change{"c[i, 2*j]", "c[i, j]"}, Change{"c[i, 2*j]", "c[i, 2*j+1]"},
                      Change{"c[i, 2*j]", "c[i, 2*i]"}, Change{"load c[i, 2*j]", "load d[i, 2*j]"},
                      Change{"0.5 : f32", "0.25 : f32"}, Change{"mul %0, %1", "add %0, %1"},
                      Change{"mul %0, %1", "mul %1, %0"}, Change{" if %3", ""},
                      Change{"@8", "@5"}));

TEST(Alone, TypesAndViewsOfBuffersTellKernelsApart) {
  Program program = read(two_kernels);
  program.buffers[1].type.shape = {7, 16};
  EXPECT_EQ(asked(program), 2);
  program = read(two_kernels);
  program.buffers[1].type.dtype = DType::i32;
  EXPECT_EQ(asked(program), 2);
  program = read(two_kernels);
  program.buffers[1].same_as = 0;
  EXPECT_EQ(asked(program), 2);
}

TEST(Alone, BuffersAndRemarksOfAPassAreNamedAfterEachKernelsOwn) {
  Program program = read(two_kernels);
  std::vector<std::string> remarks;
  loop::Alone alone(program);
  for (loop::Kernel& kernel : program.kernels) {
    alone.take(kernel);
    const AloneResult& result = alone.result(kernel, "", [](AloneResult& made) {
      const loop::Buffer& first = made.program.buffers[0];
      loop::Buffer packed;
      packed.name = loop::own_name(made.program, first.name, ".packed");
      packed.type = first.type;
      made.remarks.push_back(made.program.kernels[0].name + ": packs " + first.name);
      made.program.buffers.push_back(packed);
    });
    alone.write_back(result, program, kernel, remarks);
  }
  ASSERT_EQ(program.buffers.size(), 6U);
  EXPECT_EQ(program.buffers[4].name, "a.packed4");
  EXPECT_EQ(program.buffers[5].name, "c.packed5");
  EXPECT_EQ(remarks, (std::vector<std::string>{"k0: packs a", "k1: packs c"}));
}

} // namespace
} // namespace gdjit
