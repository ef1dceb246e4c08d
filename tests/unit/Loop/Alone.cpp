// What a pass makes of a kernel alone comes to all that are the same.
#include "gdjit/Loop/Alone.h"
#include "TwoKernels.h"
#include "gdjit/Loop/Text.h"

#include <gtest/gtest.h>

namespace gdjit {
namespace {

using loop::Program;

TEST(Alone, WhatIsNotChangedIsWrittenBackAsItWas) {
  Program program = test::one_kernel_twice();
  const std::string before = loop::print(program);
  std::vector<std::string> remarks;
  const loop::Alone alone(program, program.kernels[0]);
  for (loop::Kernel& kernel : program.kernels)
    alone.write_back(program, kernel, remarks);
  EXPECT_EQ(loop::print(program), before);
}

TEST(Alone, BuffersOfAPassAreNamedAfterEachKernelsOwnAndRemarksAfterTheFirsts) {
  Program program = test::one_kernel_twice();
  std::vector<std::string> remarks;
  loop::Alone alone(program, program.kernels[0]);
  const loop::Buffer& first = alone.program().buffers[0];
  loop::Buffer packed;
  packed.name = loop::own_name(alone.program(), first.name, ".packed");
  packed.type = first.type;
  alone.remarks().push_back(alone.program().kernels[0].name + ": packs " + first.name);
  alone.program().buffers.push_back(packed);
  for (loop::Kernel& kernel : program.kernels)
    alone.write_back(program, kernel, remarks);
  ASSERT_EQ(program.buffers.size(), 6U);
  EXPECT_EQ(program.buffers[4].name, "a.packed4");
  EXPECT_EQ(program.buffers[5].name, "c.packed5");
  EXPECT_EQ(program.kernels[0].buffers, (std::vector<loop::BufferId>{0, 2, 4}));
  EXPECT_EQ(program.kernels[1].buffers, (std::vector<loop::BufferId>{1, 3, 5}));
  EXPECT_EQ(remarks, (std::vector<std::string>{"k0: packs a"}));
}

} // namespace
} // namespace gdjit
