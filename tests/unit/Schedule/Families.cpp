// Kernels that are equal, or differ in numbers only: scheduled once, with no bit changed.
#include "ScheduledLoops.h"

#include "gdjit/Loop/KernelKey.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"

#include <gmock/gmock.h>
#include <regex>
#include <set>

namespace gdjit {
namespace {

using testing::HasSubstr;

/// The text of a kernel, the numbers of buffers that the schedule made left out.
std::string text_of(const loop::Program& program, const std::string& kernel) {
  const std::string text = loop::print(program);
  const size_t begin = text.find("\nkernel " + kernel + " ");
  return std::regex_replace(text.substr(begin, text.find("\n} ", begin) - begin),
                            std::regex("(packed|panel|rows)[0-9]+"), "$1");
}

TEST(Schedule, EqualKernelsBecomeWhatEachBecomesByItself) {
  const Shape w = {128, 128};
  Built b = build(DType::f32, {Shape{64, 128}, w, w, w, w}, [](std::span<const Expr> x) {
    Expr y = x[0];
    for (size_t i = 1; i < x.size(); ++i)
      y = apply(Opcode::Relu, matmul(y, x[i], false, true));
    return y;
  });
  for (int threads : {1, 2}) {
    PassContext context;
    context.threads = threads;
    context.machine.least_shared = 1;
    const loop::Program together = schedule(b.loops, context);
    ASSERT_EQ(together.kernels.size(), 4u);
    EXPECT_NE(together.kernels[3].same_as, loop::none);
    EXPECT_EQ(together.buffers.size(), b.loops.buffers.size() + 4) << "a packed operand each";
    for (const loop::Kernel& kernel : b.loops.kernels) {
      loop::Program one = b.loops;
      one.kernels = {written_out(b.loops, kernel)};
      PassContext alone;
      alone.threads = threads;
      alone.machine.least_shared = 1;
      EXPECT_EQ(text_of(together, kernel.name), text_of(schedule(one, alone), kernel.name));
      if (kernel.same_as != loop::none)
        continue; // what is said of the first holds for all
      for (const std::string& remark : alone.remarks)
        EXPECT_THAT(context.remarks, testing::Contains(testing::StartsWith(remark)))
            << "the reason for an axis is the whole step's";
    }
    std::set<std::string> names;
    for (const loop::Buffer& buffer : together.buffers)
      EXPECT_TRUE(names.insert(buffer.name).second) << buffer.name;
  }
}

/// Four products, each with enough work for a kernel of its own, over other widths each.
Built chain_of_widths(bool transposed) {
  const std::vector<int64_t> widths = {100, 121, 137, 96, 90};
  std::vector<Shape> shapes = {Shape{40, 100}};
  for (size_t i = 0; i + 1 < widths.size(); ++i)
    shapes.push_back(transposed ? Shape{widths[i + 1], widths[i]}
                                : Shape{widths[i], widths[i + 1]});
  return build(DType::f32, shapes, [=](std::span<const Expr> x) {
    Expr h = x[0];
    for (size_t i = 1; i < x.size(); ++i)
      h = matmul(h, x[i], false, transposed);
    return h;
  });
}

TEST(Schedule, KernelsThatDifferInNumbersOnlyGetLoopsForAnyExtents) {
  for (bool transposed : {false, true}) {
    const Built b = chain_of_widths(transposed);
    ASSERT_EQ(b.loops.kernels.size(), 4u);
    const CallResults expected = interpret(b.loops, b.arguments);
    for (MachineTable machine : machines()) {
      machine.most_shapes = 3;
      PassContext context;
      context.machine = machine;
      const loop::Program scheduled = schedule(b.loops, context);
      EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("k3: for any extents")));
      expect_output(scheduled, b.arguments, expected.outputs[0]);
      loop::KernelKey key(scheduled, loop::KernelKey::Numbers::left_out);
      std::set<std::string> structures;
      for (const loop::Kernel& kernel : scheduled.kernels) {
        key.take(kernel);
        structures.insert(key.bytes());
      }
      EXPECT_EQ(structures.size(), 1u) << loop::print(scheduled);
      context.machine.least_shared = 1000; // pieces of rows or columns: masks end with a piece
      context.threads = 3;
      const loop::Program shared = schedule(b.loops, context);
      expect_output(shared, b.arguments, expected.outputs[0]);
      context.threads = 1;
      const auto none = testing::Each(testing::Not(HasSubstr("for any extents")));
      context.machine.least_shared = 1; // all are large
      context.remarks.clear();
      schedule(b.loops, context);
      EXPECT_THAT(context.remarks, none);
      context.machine.least_shared = MachineTable().least_shared;
      context.machine.most_shapes = 4;
      context.remarks.clear();
      schedule(b.loops, context);
      EXPECT_THAT(context.remarks, none);
      context.machine.most_shapes = 3;
      context.machine.stack_bytes = 1;
      context.remarks.clear();
      schedule(b.loops, context);
      EXPECT_THAT(context.remarks, testing::IsSupersetOf({HasSubstr("k3: for any extents"),
                                                          HasSubstr("k3: as it is")}))
          << "code is for any extents, too";
    }
  }
}

} // namespace
} // namespace gdjit
