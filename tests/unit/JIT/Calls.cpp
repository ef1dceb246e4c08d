// What a call may cost and touch: no allocation, no system call, the host's floating-point
// environment left as it was.
#include "unit/JIT/Allocations.h"
#include "unit/JIT/LinearStep.h"

#include "gdjit/Train/Epoch.h"

#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xmmintrin.h>

#if defined(__has_feature)
#define GDJIT_HAS_FEATURE(name) __has_feature(name)
#else
#define GDJIT_HAS_FEATURE(name) 0
#endif

namespace gdjit::test {
namespace {

const Array x6({DType::f64, {6, 1}}, {1, 2, 3, 4, 5, 6});
const Array y6({DType::f64, {6}}, {3, 5, 7, 9, 11, 13});
const Array x4({DType::f64, {4, 1}}, {1, 2, 3, 4});
const Array y4({DType::f64, {4}}, {3, 5, 7, 9});

/// Calls of every kind: bound and not, with and without scalars, of two batch sizes.
void call_often(StepFunction& train) {
  for (int i = 0; i < 100; ++i) {
    train({{"x", x6}, {"y", y6}}, {.lr = 0.01});
    train({{"x", x4}, {"y", y4}}, {.named = {{"lr", 0.02}}});
    train.bind({{"x", x4}, {"y", y4}});
    train.run();
    train.run({.lr = 0.01});
    train.rebatch(6);
  }
}

TEST(Call, allocates_nothing) {
#if defined(__SANITIZE_THREAD__) || GDJIT_HAS_FEATURE(thread_sanitizer)
  GTEST_SKIP() << "the sanitizer has an operator new of its own";
#endif
  State state = linear_state();
  StepFunction train(state, std::make_shared<LinearCompiler>(), 6);
  int64_t at_compile = allocations();
  EXPECT_GT(at_compile, 0); // the counter counts the library's allocations
  call_often(train);        // compiles the other variant
  int64_t before = allocations();
  EXPECT_GT(before, at_compile);
  call_often(train);
  EXPECT_EQ(allocations() - before, 0);
}

TEST(Call, of_an_epoch_allocates_its_sums_and_means) {
#if defined(__SANITIZE_THREAD__) || GDJIT_HAS_FEATURE(thread_sanitizer)
  GTEST_SKIP() << "the sanitizer has an operator new of its own";
#endif
  State state = linear_state();
  StepFunction train(state, std::make_shared<LinearCompiler>(), 4);
  Dataset rows({{"x", x6}, {"y", y6}});
  Loader shuffled(rows, {.batch = 4, .shuffle_seed = 0}), ordered(rows, {.batch = 2});
  for (Loader* loader : {&shuffled, &ordered}) {
    run_epoch(train, *loader, {.lr = 0.01}); // compiles
    const int64_t before = allocations();
    const EpochMeans means = run_epoch(train, *loader, {.lr = 0.01});
    EXPECT_EQ(allocations() - before, 2);
    EXPECT_EQ(means.rows, 6);
  }
}

/// Runs f in a child process that is killed at its first system call other than its exit; true if
/// it lived.
template <class F> bool lives_without_system_calls(F f) {
  pid_t child = fork();
  if (child == 0) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    sock_fprog program = {std::size(filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      _exit(77);
    f();
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    ADD_FAILURE() << "no child process: " << std::strerror(errno);
    return false;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
    ADD_FAILURE() << "this machine does not let a process watch its own system calls (seccomp)";
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Call, makes_no_system_call) {
#if defined(__SANITIZE_ADDRESS__) || GDJIT_HAS_FEATURE(address_sanitizer)
  GTEST_SKIP() << "the sanitizer makes system calls of its own";
#endif
  State state = linear_state();
  StepFunction train(state, std::make_shared<LinearCompiler>(), 6);
  call_often(train);
  EXPECT_TRUE(lives_without_system_calls([&] { call_often(train); }));
  EXPECT_FALSE(lives_without_system_calls([] { syscall(SYS_getppid); })); // the watch works
}

TEST(Call, keeps_subnormals_where_the_host_flushes_them_and_leaves_its_setting) {
  LoopBuilder b;
  BufferId in = b.state("in", {DType::f32, {16}});
  BufferId out = b.output("out", {DType::f32, {16}});
  LoopId i = b.begin(0, 16, 8);
  b.store(out, {at(i, 1)},
          b.compute(ScalarOp::mul, {DType::f32, 8},
                    {b.load(in, {at(i, 1)}, 8), b.constant({DType::f32, 1}, 0.5)}),
          8);
  class Compiler : public StepCompiler {
  public:
    explicit Compiler(loop::Program program) : program(std::move(program)) {}
    std::shared_ptr<const Executable> compile(int64_t) override {
      return Executable::compile(program);
    }
    loop::Program program;
  };
  Array least({DType::f32, {16}});
  for (int k = 0; k < 16; ++k)
    least.data<float>()[k] = std::numeric_limits<float>::min();
  State state({"in"}, {least});
  StepFunction halve(state, std::make_shared<Compiler>(b.finish()), 0);
  unsigned host = _mm_getcsr();
  for (unsigned setting : {0x9fc0u /* flush, zero */, 0x7f80u /* towards zero */, 0x1f80u}) {
    _mm_setcsr(setting);
    halve.run();
    unsigned after = _mm_getcsr();
    _mm_setcsr(host);
    EXPECT_EQ(after & ~0x3fu, setting);
    EXPECT_EQ(halve.output("out").as<float>()[11], 0x1p-127f);
  }
}

} // namespace
} // namespace gdjit::test
