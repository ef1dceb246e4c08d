// The plan of the lessons and of what is timed: as small as live ranges allow, and all of it used.
#include "ArenaBound.h"

#include "benchmarks/Prepared.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Memory/LivePeak.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

namespace gdjit::testing {

namespace {

/// Bytes of the arena up to the last that a call changes, whatever stood there before.
int64_t touched_bytes(const std::shared_ptr<const Executable>& executable,
                      CallArguments arguments) {
  Frame frame(executable);
  for (uint32_t i = 0; i < arguments.inputs.size(); ++i)
    frame.set_input(i, arguments.inputs[i].bytes());
  for (uint32_t i = 0; i < arguments.states.size(); ++i)
    frame.set_state(i, arguments.states[i].bytes());
  for (uint32_t i = 0; i < arguments.scalars.size(); ++i)
    std::memcpy(frame.scalar(i), arguments.scalars[i].bytes(),
                static_cast<size_t>(byte_size(arguments.scalars[i].type().dtype)));
  const WrittenRange arena = frame.written()[0];
  int64_t touched = 0;
  for (const int paint : {0x5a, 0xa5}) {
    std::memset(const_cast<char*>(arena.begin), paint,
                static_cast<size_t>(arena.end - arena.begin));
    frame.run();
    int64_t last = arena.end - arena.begin;
    while (last > 0 && arena.begin[last - 1] == static_cast<char>(paint))
      --last;
    touched = std::max(touched, last);
  }
  return touched;
}

class Timed : public ::testing::TestWithParam<const ModelRow*> {};

TEST_P(Timed, steps_take_little_more_memory_than_is_live_at_once) {
  Model m(GetParam()->function, {.name = GetParam()->name});
  for (bool training : {true, false})
    expect_tight_arena((training ? m.training() : m.evaluation()).step(), training);
}

INSTANTIATE_TEST_SUITE_P(All, Timed, ::testing::ValuesIn(benchmarks::workloads()),
                         [](const auto& info) { return std::string(info.param->name); });

} // namespace

void expect_tight_arena(const Step& declared, bool training) {
  for (int threads : {1, 2}) {
    SCOPED_TRACE(threads);
    Compilation c = compile(declared, {.threads = threads, .training = training});
    const int64_t arena = c.work.program.arena_bytes, live = live_peak(c.work.program).bytes;
    EXPECT_EQ(arena, c.executable->arena_bytes());
    EXPECT_GE(arena, live);
    EXPECT_LE(static_cast<double>(arena), 1.1 * static_cast<double>(live));
    const int64_t touched = touched_bytes(
        c.executable, random_arguments(declared.signature, 3, index_bound(declared.graph)));
    EXPECT_GT(touched, arena - 64);
  }
}

} // namespace gdjit::testing
