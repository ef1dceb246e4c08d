// Teams that meet, the pool while it is taken, and after a fork.
#include "gdjit/Runtime/ThreadPool.h"

#include <gtest/gtest.h>

#include <array>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <xmmintrin.h>

#ifdef __has_feature
#define GDJIT_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define GDJIT_THREAD_SANITIZER 0
#endif

namespace gdjit {
namespace {

constexpr int most = 8;

/// What members write before a barrier, all read behind it.
struct Rounds {
  std::array<int, most> written = {};
  std::array<int, most> seen = {}; ///< sums over all rounds
  std::atomic<int> members = 0;

  static void work(void* context, const TeamMember& member) {
    auto& self = *static_cast<Rounds*>(context);
    ++self.members;
    for (int round = 1; round <= 100; ++round) {
      self.written[static_cast<size_t>(member.thread)] = round;
      if (member.barrier)
        member.barrier->wait();
      for (int i = 0; i < member.threads; ++i)
        self.seen[static_cast<size_t>(member.thread)] += self.written[static_cast<size_t>(i)];
      if (member.barrier)
        member.barrier->wait();
    }
  }
};

TEST(ThreadPool, MembersSeeWhatAllWroteBeforeTheyMet) {
  for (int threads : {1, 2, 3, 8, 2, 1, 5}) {
    Rounds rounds;
    run_on_team(threads, Rounds::work, &rounds);
    ASSERT_EQ(rounds.members, threads);
    for (int i = 0; i < threads; ++i)
      EXPECT_EQ(rounds.seen[static_cast<size_t>(i)], 5050 * threads);
  }
}

TEST(ThreadPool, WorkersWakeFromSleep) {
  for (int i = 0; i < 3; ++i) {
    Rounds rounds;
    run_on_team(3, Rounds::work, &rounds);
    EXPECT_EQ(rounds.members, 3);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

TEST(ThreadPool, ATeamThatFindsItTakenIsItsCallerAlone) {
  auto outer = [](void* context, const TeamMember& member) {
    if (member.thread == 0)
      run_on_team(
          4,
          [](void* inner, const TeamMember& alone) {
            *static_cast<int*>(inner) = alone.threads * 10 + alone.thread;
          },
          context);
  };
  int inner = 0;
  run_on_team(2, outer, &inner);
  EXPECT_EQ(inner, 10);
}

TEST(ThreadPool, ManyCallersTakeTurns) {
  std::vector<std::thread> callers;
  std::array<Rounds, 4> rounds;
  for (Rounds& each : rounds)
    callers.emplace_back([&each] {
      for (int i = 0; i < 50; ++i) {
        each.seen = {};
        each.members = 0;
        run_on_team(3, Rounds::work, &each);
        for (int k = 0; k < each.members; ++k)
          ASSERT_EQ(each.seen[static_cast<size_t>(k)], 5050 * each.members);
      }
    });
  for (std::thread& caller : callers)
    caller.join();
}

TEST(ThreadPool, WorkersComputeInTheDefaultEnvironment) {
  const unsigned host = _mm_getcsr();
  _mm_setcsr(0x9fc0); // flush to zero: a thread started now has it from its parent
  std::array<unsigned, most> seen = {};
  run_on_team(
      most,
      [](void* context, const TeamMember& member) {
        (*static_cast<std::array<unsigned, most>*>(context))[static_cast<size_t>(member.thread)] =
            _mm_getcsr();
      },
      &seen);
  _mm_setcsr(host);
  for (size_t i = 1; i < most; ++i)
    EXPECT_EQ(seen[i] & ~0x3fu, 0x1f80u);
}

TEST(ThreadPool, AForkHasThreadsOfItsOwn) {
#if defined(__SANITIZE_THREAD__) || GDJIT_THREAD_SANITIZER
  GTEST_SKIP() << "the thread sanitizer knows no threads behind a fork";
#endif
  Rounds before;
  run_on_team(3, Rounds::work, &before);
  const pid_t child = fork();
  if (child == 0) {
    Rounds after;
    run_on_team(3, Rounds::work, &after);
    _exit(after.members == 3 && after.seen[2] == 5050 * 3 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

} // namespace
} // namespace gdjit
