// Native code in memory: its protection, what the library exports, and what profilers and debuggers
// are told.
#include "unit/JIT/LinearStep.h"

#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"

#include <cstdio>
#include <dlfcn.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace gdjit::test {
namespace {

using testing::HasSubstr;

TEST(LoadedCode, is_never_writable_and_executable_at_once) {
  auto executable = Executable::compile(linear_step(6));
  auto address =
      reinterpret_cast<uintptr_t>(executable->functions() > 0 ? executable.get() : nullptr);
  ASSERT_NE(address, 0u);
  std::ifstream maps("/proc/self/maps");
  int executable_anonymous = 0;
  for (std::string line; std::getline(maps, line);) {
    std::string permissions = line.substr(line.find(' ') + 1, 4);
    EXPECT_FALSE(permissions[1] == 'w' && permissions[2] == 'x') << line;
    executable_anonymous += permissions == "r-xp" && line.find('/') == std::string::npos &&
                            line.find('[') == std::string::npos;
  }
  EXPECT_GE(executable_anonymous, 1); // the code itself was seen
}

/// Lines that a command prints.
std::vector<std::string> lines_of(const std::string& command) {
  std::vector<std::string> lines;
  FILE* pipe = popen(command.c_str(), "r");
  char* line = nullptr;
  size_t size = 0;
  while (pipe != nullptr && getline(&line, &size, pipe) > 0)
    lines.emplace_back(line);
  free(line);
  if (pipe != nullptr)
    pclose(pipe);
  return lines;
}

TEST(Library, exports_gdjit_and_no_symbol_of_llvm) {
  Dl_info info;
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&code_targets), &info), 0);
  std::vector<std::string> symbols =
      lines_of(std::string("nm -D -C --defined-only '") + info.dli_fname + "'");
  ASSERT_GT(symbols.size(), 100u);
  int classes = 0;
  for (const std::string& symbol : symbols) {
    EXPECT_EQ(symbol.find("llvm"), std::string::npos) << symbol;
    EXPECT_EQ(symbol.find("LLVM"), std::string::npos) << symbol;
    EXPECT_NE(symbol.find("gdjit"), std::string::npos) << symbol;
    classes += symbol.find("typeinfo for gdjit::Error") != std::string::npos;
  }
  EXPECT_EQ(classes, 1); // exceptions are caught across the library's border
}

TEST(LoadedCode, is_told_to_perf_on_request) {
  auto executable = Executable::compile(linear_step(6), {.perf = true});
  std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  std::string first = read_file(path);
  EXPECT_THAT(first, HasSubstr(" gdjit:k0\n"));
  auto second = Executable::compile(linear_step(3), {.perf = true});
  EXPECT_THAT(read_file(path), ::testing::StartsWith(first));
  EXPECT_GT(read_file(path).size(), first.size()) << "rows are added";
  unlink(path.c_str());
}

TEST(LoadedCode, that_perf_cannot_be_told_of_is_an_error) {
  // In a process of its own, whose map is a folder from the start.
  auto compile = [] {
    std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
    int code = mkdir(path.c_str(), 0700) == 0 ? 1 : 2;
    try {
      Executable::compile(linear_step(6), {.perf = true});
    } catch (const Error& error) {
      code = std::string(error.what()).find("perf-") == std::string::npos ? 3 : 0;
    }
    rmdir(path.c_str());
    std::_Exit(code);
  };
  EXPECT_EXIT(compile(), ::testing::ExitedWithCode(0), "");
}

TEST(LoadedCode, runs_while_gdb_is_told_of_it) {
  auto executable = Executable::compile(linear_step(2), {.gdb = true});
  Array x({DType::f64, {2, 1}}, {1, 2}), y({DType::f64, {2}}, {1, 2}), zero({DType::f64, {1}});
  CallResults results = executable->call(
      {{x, y},
       {zero, zero},
       {Array({DType::f64, {}}), Array({DType::i64, {}}), Array({DType::i64, {}})}});
  EXPECT_EQ(results.outputs[0].at(0), 2.5);
}

TEST(Options, that_are_unknown_are_refused_with_those_that_exist) {
  auto message_of = [](const CodeGenOptions& options) {
    try {
      generate_code(linear_step(2), options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message_of({.target = "sparc"}),
              HasSubstr("unknown target sparc; this machine has: native, "));
  EXPECT_THAT(message_of({.level = 1}),
              HasSubstr("unknown optimization level 1; there are: 0, 2, 3"));
  EXPECT_THAT(message_of({.threads = -1}), HasSubstr("-1 threads"));
}

} // namespace
} // namespace gdjit::test
