// A number of independent tasks on several threads, for the compiler and the readers of files (a
// compiled step has threads of its own).
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace gdjit {

/// Hands out 0, 1, … count - 1, each to one thread.
class Tasks {
public:
  explicit Tasks(size_t count) : count_(count) {}
  /// False where none is left.
  bool take(size_t& task) { return (task = next_++) < count_; }
  /// Hands out no further one.
  void stop() { next_ = count_; }

private:
  std::atomic<size_t> next_ = 0;
  const size_t count_;
};

/// Runs work(tasks) on up to `threads` threads, the caller's among them, and returns when all have;
/// `work` takes tasks until there is none. Where the system gives fewer threads, these do it all.
/// An exception of `work` stops the others at their next task and is passed on, the first of them.
void on_threads(size_t threads, size_t count, const std::function<void(Tasks&)>& work);

} // namespace gdjit
