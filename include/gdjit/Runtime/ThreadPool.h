// ThreadPool: the threads of this process that steps are shared out to, and the barrier at which
// they meet.
//
// There is one pool, and steps that run at once share its threads in equal parts: together they
// compute on no more than one of them asks for, or on their callers' alone where those are more. A
// step that comes while others have all of that runs on its caller, and the next of each leaves the
// others their part. Bits do not depend on it. A worker that waits looks for work for some
// microseconds and then sleeps in the kernel.
#pragma once

#include <atomic>
#include <cstdint>

namespace gdjit {

/// Where the threads of a team wait for each other.
class Barrier {
public:
  explicit Barrier(int threads) : threads_(threads) {}
  Barrier(const Barrier&) = delete;

  /// Returns when all threads of the team have arrived; what they wrote before is then seen.
  void wait();

private:
  const int threads_;
  alignas(64) std::atomic<int> arrived_ = 0;
  alignas(64) std::atomic<uint32_t> phase_ = 0;
};

/// The part of one thread of a team: `thread` is 0 on the caller's.
struct TeamMember {
  int thread = 0;
  int threads = 1;
  Barrier* barrier = nullptr; ///< null where there is but one
};

/// Runs work(context, member) on up to `threads` threads at once, the caller's among them, in the
/// default floating-point environment, and returns when all have. Fewer where other steps run or
/// the system gives no more; the caller's alone within the work of a team. `work` must not throw.
void run_on_team(int threads, void (*work)(void* context, const TeamMember& member), void* context);

/// Starts what is missing of a team of `threads` while no other step runs, and returns how many it
/// would have: fewer where the system gives no more, for who wants to say so.
int start_team(int threads);

} // namespace gdjit
