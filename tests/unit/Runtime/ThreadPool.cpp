// Teams that meet, several at once, and after a fork.
#include "RefuseThreads.h"

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

/// The number of threads of a team that asks for so many.
int threads_of(int asked) {
  std::atomic<int> threads = 0;
  run_on_team(
      asked, [](void* context, const TeamMember&) { ++*static_cast<std::atomic<int>*>(context); },
      &threads);
  return threads;
}

/// In each the pool has forgotten who was there in others.
class ThreadPool : public testing::Test {
protected:
  static void forget() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

  void SetUp() override { forget(); }
};

TEST_F(ThreadPool, MembersSeeWhatAllWroteBeforeTheyMet) {
  for (int threads : {1, 2, 3, 8, 2, 1, 5}) {
    Rounds rounds;
    run_on_team(threads, Rounds::work, &rounds);
    ASSERT_EQ(rounds.members, threads);
    for (int i = 0; i < threads; ++i)
      EXPECT_EQ(rounds.seen[static_cast<size_t>(i)], 5050 * threads);
  }
}

TEST_F(ThreadPool, WorkersWakeFromSleep) {
  for (int i = 0; i < 3; ++i) {
    Rounds rounds;
    run_on_team(3, Rounds::work, &rounds);
    EXPECT_EQ(rounds.members, 3);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

TEST_F(ThreadPool, ATeamWithinATeamIsItsCallerAlone) {
  std::array<int, 2> inner = {};
  auto outer = [](void* context, const TeamMember& member) {
    auto& each = (*static_cast<std::array<int, 2>*>(context))[static_cast<size_t>(member.thread)];
    run_on_team(
        4,
        [](void* own, const TeamMember& alone) {
          *static_cast<int*>(own) = alone.threads * 10 + alone.thread;
        },
        &each);
  };
  run_on_team(2, outer, &inner);
  EXPECT_EQ(inner, (std::array<int, 2>{10, 10}));
}

TEST_F(ThreadPool, StepsThatAreThereAtOnceShareTheThreads) {
  struct Other {
    std::atomic<int> members = 0;
    std::atomic<bool> may_end = false;
  } other;
  auto stay = [](void* context, const TeamMember&) {
    auto& self = *static_cast<Other*>(context);
    ++self.members;
    while (!self.may_end)
      std::this_thread::yield();
  };
  std::thread caller([&] { run_on_team(2, stay, &other); });
  while (other.members < 2)
    std::this_thread::yield();
  EXPECT_EQ(threads_of(2), 1) << "it has them all";
  EXPECT_EQ(threads_of(4), 2);
  EXPECT_EQ(threads_of(8), 4);
  other.may_end = true;
  caller.join();
  forget();
  EXPECT_EQ(threads_of(4), 4);
}

TEST_F(ThreadPool, ManyCallersTakeTurns) {
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

TEST_F(ThreadPool, WorkersComputeInTheDefaultEnvironment) {
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

TEST_F(ThreadPool, AForkHasThreadsOfItsOwn) {
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

TEST_F(ThreadPool, WhereTheSystemGivesNoThreadATeamIsItsCaller) {
#if defined(__SANITIZE_THREAD__) || GDJIT_THREAD_SANITIZER
  GTEST_SKIP() << "the thread sanitizer knows no threads behind a fork";
#endif
  EXPECT_EQ(start_team(3), 3);
  const pid_t child = fork();
  if (child == 0)
    _exit(!test::refuse_threads() ? 2 : start_team(3) == 1 && threads_of(3) == 1 ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

} // namespace
} // namespace gdjit
