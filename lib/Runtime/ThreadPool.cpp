// One job at a time, handed to each worker by a number of its own. Caller and workers meet again at
// the end of a job; nothing is allocated or locked on the way.
#include "gdjit/Runtime/ThreadPool.h"

#include "gdjit/Support/FloatEnvironment.h"

#include <algorithm>
#include <immintrin.h>
#include <memory>
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
    if (threads <= 1 || taken_.exchange(true, std::memory_order_acquire))
      return work(context, {});
    const int others = hire(threads - 1);
    if (others == 0) {
      work(context, {});
    } else {
      Barrier barrier(others + 1);
      job_ = {work, context, &barrier, others + 1};
      for (int i = 0; i < others; ++i)
        signal(workers_[static_cast<size_t>(i)]->job);
      work(context, {0, others + 1, &barrier});
      while (!look([&] { return left_.load(std::memory_order_acquire) == others; }))
        ; // they have only to leave
      left_.store(0, std::memory_order_relaxed);
    }
    taken_.store(false, std::memory_order_release);
  }

private:
  struct Job {
    void (*work)(void*, const TeamMember&) = nullptr;
    void* context = nullptr;
    Barrier* barrier = nullptr;
    int threads = 1;
  };
  struct Worker {
    alignas(64) std::atomic<uint32_t> job = 0; ///< counts those handed over
    bool stop = false;
    std::thread thread;
  };

  static void signal(std::atomic<uint32_t>& number) {
    number.fetch_add(1, std::memory_order_release);
    number.notify_one();
  }

  /// The number of workers, at most `wanted`; new ones are started where there are too few.
  int hire(int wanted) {
    while (static_cast<int>(workers_.size()) < wanted) {
      auto worker = std::make_unique<Worker>();
      Worker* w = worker.get();
      const int number = static_cast<int>(workers_.size()) + 1;
      try {
        w->thread = std::thread([this, w, number] { serve(*w, number); });
      } catch (const std::system_error&) {
        break; // no further thread: those that are there do it
      }
      workers_.push_back(std::move(worker));
    }
    return std::min(wanted, static_cast<int>(workers_.size()));
  }

  void serve(Worker& worker, int number) {
    for (uint32_t done = 0;; ++done) {
      wait_while(worker.job, done);
      if (worker.stop)
        return;
      FloatEnvironment environment;
      job_.work(job_.context, {number, job_.threads, job_.barrier});
      left_.fetch_add(1, std::memory_order_release);
    }
  }

  std::vector<std::unique_ptr<Worker>> workers_;
  Job job_;
  std::atomic<int> left_ = 0; ///< workers that have done their part of the job
  std::atomic<bool> taken_ = false;
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

} // namespace gdjit
