// Threads meet where memory asks for it, as early or as late as that lets them.
#include "gdjit/Memory/Meetings.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Memory/Plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gdjit {
namespace {

/// One letter per kernel: s where threads share it, a where one does it alone; behind it the
/// buffers that it reads, '>' and the one that it writes. A step's kernels, separated by blanks.
std::string kernel(size_t number, const std::string& what) {
  const size_t arrow = what.find('>');
  std::string loads;
  for (char read : what.substr(1, arrow - 1))
    loads += fmt::format("(load {}[{}]), ", read, what[0] == 's' ? "p" : "i");
  const char* loop = what[0] == 's' ? "parallel for p in 0..8" : "for i in 0..8";
  std::string sum = loads.empty() ? "" : loads.substr(0, loads.size() - 2);
  std::string value = what.substr(1, arrow - 1).size() == 1 ? fmt::format("neg {}", sum)
                                                            : fmt::format("add {}", sum);
  return fmt::format("kernel k{} \"\" {{\n  {} {{\n    store {}[{}] = {}\n  }}\n}}\n\n", number,
                     loop, what.substr(arrow + 1), what[0] == 's' ? "p" : "i", value);
}

/// For each kernel '|' where threads meet behind it, else '-'.
std::string meetings_of(const std::vector<std::string>& kernels) {
  std::string text = "gdir 1\nstage scheduled\nmodel m\nstep training\nbatch 0\n\n"
                     "input x : f32[8]\nstate w : f32[8] = zeros\noutput y : f32[8]\nupdate w\n\n"
                     "buffer x : f32[8] = input x\nbuffer w : f32[8] = state w\n"
                     "buffer a : f32[8] = temporary\nbuffer b : f32[8] = temporary\n"
                     "buffer c : f32[8] = temporary\nbuffer y : f32[8] = output y\n"
                     "buffer v : f32[8] = update w\n\n";
  for (size_t k = 0; k < kernels.size(); ++k)
    text += kernel(k, kernels[k]);
  PassContext context;
  const loop::Program program = plan(read_step(text + "end\n", "t.gdir").program, context);
  std::string meetings;
  for (bool meet : gdjit::meetings(program))
    meetings += meet ? '|' : '-';
  return meetings;
}

TEST(Meetings, AreNoneBetweenWhatOneThreadDoes) {
  EXPECT_EQ(meetings_of({"ax>a", "aa>y", "aw>v"}), "---");
}

TEST(Meetings, OfManyKernelsAreNoneWithoutASharedOne) {
  std::vector<std::string> kernels(200, "ax>a");
  kernels.insert(kernels.end(), {"ax>y", "aw>v"});
  EXPECT_EQ(meetings_of(kernels), std::string(kernels.size(), '-'));
  kernels.insert(kernels.begin(), "sx>y");
  kernels.erase(kernels.end() - 2);
  EXPECT_EQ(meetings_of(kernels).find('|'), 64u) << "looked at no further";
}

TEST(Meetings, StandBetweenAWriterAndItsReaderOfWhichOneIsShared) {
  EXPECT_EQ(meetings_of({"sx>a", "aa>y", "aw>v"}), "|--");
  EXPECT_EQ(meetings_of({"ax>a", "sa>y", "aw>v"}), "|--");
  EXPECT_EQ(meetings_of({"sx>a", "sa>y", "aw>v"}), "|--");
}

TEST(Meetings, AreNoneBetweenSharedKernelsThatTouchNothingInCommon) {
  EXPECT_EQ(meetings_of({"sx>y", "sw>v"}), "--");
}

TEST(Meetings, LetTheOthersBeginBeforeTheOneIsThere) {
  EXPECT_EQ(meetings_of({"ax>a", "ax>y", "swa>v"}), "|--") << "y is put out meanwhile";
}

TEST(Meetings, LetTheOneGoOnBeforeTheOthersAreThere) {
  EXPECT_EQ(meetings_of({"sx>a", "aw>v", "aa>y"}), "-|-");
}

TEST(Meetings, StandBetweenAReaderAndWhoWritesThereNext) {
  EXPECT_EQ(meetings_of({"sw>y", "aw>v"}), "|-") << "the update is in place";
  EXPECT_EQ(meetings_of({"ax>a", "sa>b", "ab>c", "scw>y", "aw>v"}), "||||-");
}

TEST(Meetings, StandWhereTemporariesShareMemory) {
  // No value goes from y's kernel to c's, but c is written where a was read.
  EXPECT_EQ(meetings_of({"sx>a", "aa>y", "sw>c", "ac>v"}), "|||-");
}

} // namespace
} // namespace gdjit
