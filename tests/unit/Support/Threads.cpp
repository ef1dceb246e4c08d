// Tasks on threads: each once, exceptions passed on, no thread no harm.
#include "gdjit/Support/Threads.h"

#include <gtest/gtest.h>

#include <mutex>
#include <numeric>
#include <pthread.h>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace gdjit {
namespace {

/// Runs `count` tasks; how often each was run, and on how many threads.
struct Ran {
  std::vector<int> times;
  std::set<std::thread::id> threads;
};
Ran run(size_t threads, size_t count) {
  Ran ran{std::vector<int>(count), {}};
  std::mutex mutex;
  on_threads(threads, count, [&](Tasks& tasks) {
    {
      std::scoped_lock lock(mutex);
      ran.threads.insert(std::this_thread::get_id());
    }
    for (size_t i; tasks.take(i);)
      ++ran.times[i];
  });
  return ran;
}

TEST(Threads, EachTaskRunsOnce) {
  for (size_t threads : {0, 1, 2, 7})
    for (size_t count : {0, 1, 2, 1000})
      EXPECT_EQ(run(threads, count).times, std::vector<int>(count, 1)) << threads << " " << count;
  EXPECT_LE(run(100, 3).threads.size(), 3u) << "no more threads than tasks";
  EXPECT_EQ(run(7, 1000).threads.size(), 7u);
}

TEST(Threads, TheFirstExceptionStopsTheRestAndIsPassedOn) {
  std::atomic<size_t> ran = 0;
  auto work = [&](Tasks& tasks) {
    for (size_t i; tasks.take(i); ++ran)
      if (i == 3)
        throw std::runtime_error("three");
  };
  EXPECT_THROW(on_threads(1, 1000, work), std::runtime_error);
  EXPECT_EQ(ran, 3u);
  EXPECT_THROW(on_threads(4, 100'000'000, work), std::runtime_error);
  EXPECT_LT(ran, 100'000'000u);
}

TEST(Threads, WhereNoThreadCanBeStartedTheCallerDoesAll) {
  pthread_attr_t usual, huge;
  ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
  pthread_attr_init(&huge);
  ASSERT_EQ(pthread_attr_setstacksize(&huge, size_t{1} << 48), 0);
  ASSERT_EQ(pthread_setattr_default_np(&huge), 0);
  EXPECT_THROW(std::thread([] {}).join(), std::system_error) << "what the test is about";
  Ran ran = run(4, 100);
  pthread_setattr_default_np(&usual);
  EXPECT_EQ(ran.times, std::vector<int>(100, 1));
  EXPECT_EQ(ran.threads, std::set<std::thread::id>{std::this_thread::get_id()});
}

} // namespace
} // namespace gdjit
