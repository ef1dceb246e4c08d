// Threads that may not be had, and exceptions that may not leave them.
#include "gdjit/Support/Threads.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace gdjit {

void on_threads(size_t threads, size_t count, const std::function<void(Tasks&)>& work) {
  Tasks tasks(count);
  std::exception_ptr thrown;
  std::mutex mutex;
  auto run = [&] {
    try {
      work(tasks);
    } catch (...) {
      std::scoped_lock lock(mutex);
      if (!thrown)
        thrown = std::current_exception();
      tasks.stop();
    }
  };
  {
    std::vector<std::jthread> others; // joined at the end of the block
    others.reserve(threads);
    for (size_t wanted = std::min(threads, count); others.size() + 1 < wanted;) {
      try {
        others.emplace_back(run);
      } catch (const std::system_error&) {
        wanted = 0; // no further thread: those that are there do it
      }
    }
    run();
  }
  if (thrown)
    std::rethrow_exception(thrown);
}

} // namespace gdjit
