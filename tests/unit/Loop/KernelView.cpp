// Kernels that share their statements mean the same as kernels that have their own.
#include "gdjit/Loop/KernelView.h"
#include "TwoKernels.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"

#include <gtest/gtest.h>

namespace gdjit {
namespace {

using loop::Program;

std::string problems(const Program& program) {
  Diagnostics diagnostics;
  loop::verify(program, diagnostics);
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all())
    text += diagnostic.message + "\n";
  return text;
}

TEST(KernelView, IsPrintedAndRunAsIfItHadStatementsOfItsOwn) {
  const Program own = test::read_program(test::two_kernels), same = test::one_kernel_twice();
  EXPECT_EQ(loop::print(same), loop::print(own));
  EXPECT_EQ(loop::print(loop::written_out(same)), loop::print(own));
  EXPECT_EQ(problems(same), "");
  CallArguments arguments;
  for (int i = 0; i < 2; ++i) {
    Array& input =
        arguments.inputs.emplace_back(same.signature.inputs[static_cast<size_t>(i)].type);
    for (int64_t e = 0; e < input.elements(); ++e)
      input.set(e, static_cast<double>(e * (i + 1)) - 40);
  }
  const CallResults a = interpret(own, arguments), b = interpret(same, arguments);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_TRUE(same_bits(a.outputs[i], b.outputs[i])) << i;
}

TEST(KernelView, AKernelThatCannotBeTheSameIsRefused) {
  using Spoil = void (*)(Program&);
  const std::pair<Spoil, const char*> cases[] = {
      {[](Program& p) { p.kernels[1].same_as = 1; }, "no earlier kernel with statements"},
      {[](Program& p) { p.kernels[1].body = p.kernels[0].body; }, "has statements of its own"},
      {[](Program& p) { p.kernels[1].nodes.pop_back(); },
       "lists other numbers of buffers or nodes"},
      {[](Program& p) { p.kernels[0].buffers = {2, 0}; }, "whose lists do not ascend"},
      {[](Program& p) { p.kernels[1].buffers = {1, 7}; }, "lists a buffer that does not exist"},
      {[](Program& p) { p.kernels[1].buffers = {3, 1}; }, "stores to 'c'"},
      {[](Program& p) { p.kernels[0].nodes = {1, 3}; }, "names what it does not list"},
      {[](Program& p) { p.signature.outputs[1].type.shape = p.buffers[3].type.shape = {6, 17}; },
       "means 'd', f32[6,17], by 'b', f32[6,16]"},
  };
  for (const auto& [spoil, message] : cases) {
    Program program = test::one_kernel_twice();
    spoil(program);
    EXPECT_NE(problems(program).find(message), std::string::npos) << message << "\n"
                                                                  << problems(program);
  }
}

} // namespace
} // namespace gdjit
