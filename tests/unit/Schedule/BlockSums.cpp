// Threads share the blocks of a contraction where they fetch less so, and no bit changes.
#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace gdjit {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// y = relu(x w) for each of `layers`; where `updated`, w becomes w - x^T y.
std::string network(int64_t rows, int64_t terms, int layers, bool updated, int columns = 64) {
  std::string head = fmt::format(
      "gdir 1\nstage declared\nmodel m\nstep training\nbatch 0\n\ninput x : f32[{},{}]\n", rows,
      terms);
  std::string outputs, updates, nodes = "\ngraph {\n  %x = input x\n", behind = "update:\n",
                                results;
  for (int l = 0; l < layers; ++l) {
    head += fmt::format("state w{} : f32[{},{}] = zeros\n", l, terms, columns);
    outputs += fmt::format("output y{} : f32[{},{}]\n", l, rows, columns);
    nodes +=
        fmt::format("  %w{0} = state w{0}\n  %p{0} = matmul %x, %w{0}\n  %y{0} = relu %p{0}\n", l);
    results += fmt::format("  output y{0} = %y{0}\n", l);
    if (!updated)
      continue;
    updates += fmt::format("update w{}\n", l);
    behind +=
        fmt::format("  %g{0} = matmul %x, %y{0} transpose_lhs\n  %v{0} = sub %w{0}, %g{0}\n", l);
    results += fmt::format("  update w{0} = %v{0}\n", l);
  }
  return head + outputs + updates + nodes + (updated ? behind : "") + results + "}\n";
}

Compilation planned(const std::string& text, int threads, MachineTable machine = {}) {
  machine.least_shared = 1000;
  CompileOptions options{.threads = threads, .machine = &machine};
  Work work{.step = read_step(text, "t.gdir").step, .program = {}, .stage = Stage::Declared};
  options.last = Stage::Loops;
  work = compile(std::move(work), options).work;
  const CallArguments arguments = random_arguments(work.signature(), 7, 1);
  const CallResults expected = interpret(work.program, arguments);
  options.last = Stage::Planned;
  Compilation compilation = compile(std::move(work), options);
  const CallResults results = interpret(compilation.work.program, arguments);
  for (size_t i = 0; i < expected.outputs.size(); ++i)
    EXPECT_TRUE(same_bits(expected.outputs[i], results.outputs[i])) << i;
  for (size_t i = 0; i < expected.updates.size(); ++i)
    EXPECT_TRUE(same_bits(expected.updates[i], results.updates[i])) << i;
  return compilation;
}

constexpr const char* blocks = "2 pieces of loop b for 2 threads, since a thread fetches ";

TEST(BlockSums, AreSharedWhereWhatAnotherThreadWroteIsMoreThanTheSums) {
  const Compilation c = planned(network(16, 512, 1, true), 2);
  EXPECT_THAT(c.remarks, Contains(HasSubstr(blocks)));
  const std::string text = loop::print(c.work.program);
  EXPECT_THAT(text, HasSubstr("buffer k0.sums"));
  EXPECT_THAT(text, HasSubstr(" : f32[2,16,64] = temporary"));
}

TEST(BlockSums, AreNotSharedWhereTheyAreMore) {
  EXPECT_THAT(planned(network(300, 512, 1, true, 16), 2).remarks, Not(Contains(HasSubstr(blocks))));
}

TEST(BlockSums, AreNotSharedWhereTheyDoNotFitTheSecondCache) {
  MachineTable machine;
  machine.l2_bytes = 8 << 10;
  EXPECT_THAT(planned(network(16, 512, 1, true), 2, machine).remarks,
              Not(Contains(HasSubstr(blocks))));
}

TEST(BlockSums, OfEachThreadComeFromPanelsOfItsTerms) {
  MachineTable machine;
  machine.l1_bytes = 512;
  const Compilation c = planned(network(112, 512, 1, true), 2, machine);
  EXPECT_THAT(c.remarks, Contains(HasSubstr(blocks)));
  EXPECT_THAT(loop::print(c.work.program), HasSubstr(" : f32[2,256,32] = temporary")) << "a panel";
}

/// Features are lanes, a tile several of their columns: a thread's one block is no row of it.
TEST(BlockSums, OfFewColumnsHaveTheTilesThatOneThreadHas) {
  MachineTable machine;
  machine.l2_bytes = 256 << 10;
  const Compilation c = planned(network(1024, 64, 1, true, 20), 2, machine);
  EXPECT_THAT(c.remarks, Contains(HasSubstr(blocks)));
  EXPECT_THAT(c.remarks, Contains(HasSubstr(" columns over loop j")));
  EXPECT_THAT(c.remarks, Not(Contains(HasSubstr("tile of 1 rows"))));
}

/// Exponentials that are stored and summed in one nest, which the blocks would come before.
TEST(BlockSums, AreNotSharedWhereTheirNestStoresWhatTheyRead) {
  planned("gdir 1\nstage declared\nmodel m\nstep training\nbatch 0\n\n"
          "input x : f32[3,1024]\noutput y : f32[3,1024]\n\ngraph {\n  %x = input x\n"
          "  %m = max %x axes=[1] keepdims\n  %b = broadcast %m : f32[3,1024]\n"
          "  %d = sub %x, %b\n  %e = exp %d\n"
          "  %s = sum %e axes=[1] keepdims order=f32:blocks(512,16)\n"
          "  %t = broadcast %s : f32[3,1024]\n  %y = div %e, %t\n  output y = %y\n}\n",
          2);
}

TEST(BlockSums, AreNotSharedWhereNothingIsFetched) {
  EXPECT_THAT(planned(network(16, 512, 1, false), 2).remarks, Not(Contains(HasSubstr(blocks))));
}

TEST(BlockSums, TwoAreNoPiecesForThreeThreads) {
  EXPECT_THAT(planned(network(16, 512, 1, true), 3).remarks,
              Not(Contains(HasSubstr("pieces of loop b "))));
}

TEST(BlockSums, KernelsThatAreTheSameHaveSumsOfTheirOwn) {
  const Compilation c = planned(network(16, 512, 3, true), 2);
  int same = 0, sums = 0;
  for (const loop::Kernel& kernel : c.work.program.kernels)
    same += kernel.same_as != loop::none;
  for (const loop::Buffer& buffer : c.work.program.buffers)
    sums += buffer.name.find(".sums") != std::string::npos;
  EXPECT_GT(same, 0);
  EXPECT_EQ(sums, 3);
}

} // namespace
} // namespace gdjit
