// A step's team is on its caller's stack, and handed to each of its workers. They meet again at its
// end; nothing is allocated or locked on the way.
#include "gdjit/Runtime/ThreadPool.h"

#include "gdjit/Support/FloatEnvironment.h"

#include <algorithm>
#include <chrono>
#include <immintrin.h>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <system_error>
#include <thread>
#include <vector>

namespace gdjit {

namespace {

/// Turns of looking before a waiting thread offers its core to others, some 5 us: another thread of
/// its team may be there, where the system has no core for each.
constexpr int alone = 150;
/// Offers before it sleeps, some 50 us: longer than what lies between two steps of a training loop,
/// shorter than a person or a power meter notices.
constexpr int patience = 60;

using Clock = std::chrono::steady_clock;

/// So long the pool takes it that the callers of steps that ended come back: between two steps of a
/// training loop its caller is away.
constexpr std::chrono::microseconds away{1000};

/// Waits for `is_done`, awake; false where that took too long.
template <class IsDone> bool look(const IsDone& is_done) {
  for (int i = 0; i < alone; ++i) {
    if (is_done())
      return true;
    _mm_pause();
  }
  for (int i = 0; i < patience; ++i) {
    sched_yield();
    for (int k = 0; k < 10; ++k) {
      if (is_done())
        return true;
      _mm_pause();
    }
  }
  return false;
}

/// Returns when `number` is no longer `old`.
void wait_while(const std::atomic<uint32_t>& number, uint32_t old) {
  auto changed = [&] { return number.load(std::memory_order_acquire) != old; };
  if (!look(changed))
    while (!changed())
      number.wait(old, std::memory_order_acquire);
}

/// True on a thread that does its part of a step.
thread_local bool computes = false;

class ThreadPool {
public:
  ~ThreadPool() {
    for (const std::unique_ptr<Worker>& worker : workers_) {
      worker->stop = true;
      signal(worker->job);
      worker->thread.join();
    }
  }

  void run(int threads, void (*work)(void*, const TeamMember&), void* context) {
    // One thread takes nothing of the pool, and is not said to compute: a team that its work asks
    // for shares the threads as any other does. (A compiled step's work asks for none.)
    if (threads <= 1 || computes)
      return work(context, {});
    std::unique_lock<std::mutex> lock(mutex_);
    Team team(work, context, admit(threads));
    int members = 1;
    for (const std::unique_ptr<Worker>& worker : workers_) // in one order: caches stay warm
      if (members < team.threads && worker->team == nullptr) {
        worker->team = &team;
        worker->number = members++;
        signal(worker->job);
      }
    lock.unlock();
    computes = true;
    work(context, {0, members, members > 1 ? &team.barrier : nullptr});
    computes = false;
    while (!look([&] { return team.left.load(std::memory_order_acquire) == members - 1; }))
      ; // they have only to leave
    lock.lock();
    dismiss(team);
  }

  int start(int threads) {
    std::scoped_lock lock(mutex_);
    return 1 + hire(threads - 1);
  }

private:
  /// Those who do one step.
  struct Team {
    Team(void (*work)(void*, const TeamMember&), void* context, int threads)
        : work(work), context(context), threads(threads), barrier(threads) {}

    void (*const work)(void*, const TeamMember&);
    void* const context;
    const int threads;
    Barrier barrier;
    alignas(64) std::atomic<int> left = 0; ///< workers that have done their part
  };
  struct Worker {
    alignas(64) std::atomic<uint32_t> job = 0; ///< counts those handed over
    Team* team = nullptr;                      ///< null where it is free
    int number = 0;                            ///< in its team
    bool stop = false;
    std::thread thread;
  };

  static void signal(std::atomic<uint32_t>& number) {
    number.fetch_add(1, std::memory_order_release);
    number.notify_one();
  }

  /// The number of threads for a step that asks for so many: its part of those, or what others
  /// leave it, its caller in any case.
  int admit(int wanted) {
    most_ = there_ == 0 ? wanted : std::max(most_, wanted);
    ++there_;
    const Clock::time_point now = Clock::now();
    if (there_ >= crowd_ || now - crowded_ > away) {
      crowd_ = there_;
      crowded_ = now;
    }
    const int threads = 1 + hire(std::min({wanted, most_ / crowd_, most_ - computing_}) - 1);
    computing_ += threads;
    return threads;
  }

  void dismiss(const Team& team) {
    for (const std::unique_ptr<Worker>& worker : workers_)
      if (worker->team == &team)
        worker->team = nullptr;
    if (there_ >= crowd_)
      crowded_ = Clock::now();
    --there_;
    computing_ -= team.threads;
  }

  /// The number of free workers, at most `wanted`; new ones are started where there are too few.
  int hire(int wanted) {
    int free = 0;
    for (const std::unique_ptr<Worker>& worker : workers_)
      free += worker->team == nullptr ? 1 : 0;
    for (; free < wanted; ++free) {
      auto worker = std::make_unique<Worker>();
      Worker* w = worker.get();
      try {
        w->thread = std::thread([w] { serve(*w); });
      } catch (const std::system_error&) {
        break; // no further thread: those that are there do it
      }
      workers_.push_back(std::move(worker));
    }
    return std::clamp(wanted, 0, free);
  }

  static void serve(Worker& worker) {
    computes = true;
    for (uint32_t done = 0;; ++done) {
      wait_while(worker.job, done);
      if (worker.stop)
        return;
      Team& team = *worker.team;
      FloatEnvironment environment;
      team.work(team.context, {worker.number, team.threads, &team.barrier});
      team.left.fetch_add(1, std::memory_order_release);
    }
  }

  std::mutex mutex_; ///< for all that follows
  std::vector<std::unique_ptr<Worker>> workers_;
  int there_ = 0;             ///< steps
  int most_ = 0;              ///< threads that one of them asks for, since none was there
  int computing_ = 0;         ///< threads
  int crowd_ = 0;             ///< steps that were there at once, lately
  Clock::time_point crowded_; ///< when they last were
};

/// The pool of this process. A fork has none of its parent's workers: it gets a pool of its own,
/// and its copy of the parent's is left as it is.
ThreadPool& pool() {
  static struct Owner {
    ThreadPool* one = new ThreadPool;
    Owner() {
      static Owner* self = nullptr;
      self = this;
      pthread_atfork(nullptr, nullptr, [] { self->one = new ThreadPool; });
    }
    ~Owner() { delete one; }
  } owner;
  return *owner.one;
}

} // namespace

void Barrier::wait() {
  const uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    phase_.notify_all();
  } else {
    wait_while(phase_, phase);
  }
}

void run_on_team(int threads, void (*work)(void*, const TeamMember&), void* context) {
  pool().run(threads, work, context);
}

int start_team(int threads) { return pool().start(threads); }

} // namespace gdjit
