// Runs build/bin/gdjit as a user would and keeps what came out: both streams, exit code or signal.
// Models given as source share one cache below the build folder, so each is compiled once.
#pragma once

#include "Scratch.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <poll.h>
#include <string>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <vector>

namespace gdjit::test {

struct ToolRun {
  int code = -1;  ///< exit code, -1 where a signal ended it
  int signal = 0; ///< SIGKILL after the time limit
  std::string out, err;
};

struct RunOptions {
  std::string input;                              ///< on standard input
  std::map<std::string, std::string> environment; ///< set on top of the test's own
  std::string folder;                             ///< to run in; "" for the test's own
  std::string out_to;                             ///< a file that standard output goes to
  bool close_out = false, close_err = false;      ///< start with the stream closed
  bool terminal = false;                          ///< standard error is a terminal
  std::string interrupt_at;                       ///< Ctrl-C as soon as standard error holds this
  int interrupt_by = SIGINT;                      ///< the signal of that Ctrl-C
  std::function<void()> instead;                  ///< in the place of the Ctrl-C
  int seconds = 60;                               ///< at most
  double kill_after = 0;                          ///< seconds to kill -9; 0: not
};

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The two ends of what the tool writes to: a pipe, or a terminal.
inline void open_ends(bool terminal, int ends[2]) {
  if (!terminal) {
    if (pipe2(ends, O_CLOEXEC) != 0)
      std::abort();
    return;
  }
  ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (ends[0] < 0 || grantpt(ends[0]) != 0 || unlockpt(ends[0]) != 0)
    std::abort();
  ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

inline ToolRun run_program(const std::string& program, std::vector<std::string> arguments,
                           const RunOptions& options = {}) {
  int in[2], out[2], err[2];
  open_ends(false, in);
  open_ends(false, out);
  open_ends(options.terminal, err);
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (std::string& a : arguments)
    argv.push_back(a.data());
  argv.push_back(nullptr);
  pid_t pid = fork();
  if (pid < 0)
    std::abort(); // kill(-1) would end everybody's processes
  if (pid == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    for (const auto& [name, value] : options.environment)
      setenv(name.c_str(), value.c_str(), 1);
    if (!options.folder.empty() && chdir(options.folder.c_str()) != 0)
      _exit(126);
    int target = options.out_to.empty() ? out[1] : open(options.out_to.c_str(), O_WRONLY);
    dup2(in[0], 0);
    options.close_out ? close(1) : dup2(target, 1);
    options.close_err ? close(2) : dup2(err[1], 2);
    execvp(program.c_str(), argv.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  close(err[1]);
  std::signal(SIGPIPE, SIG_IGN); // a tool that reads nothing
  ToolRun run;
  auto begin = std::chrono::steady_clock::now();
  auto end =
      begin + (options.kill_after > 0
                   ? std::chrono::microseconds(static_cast<int64_t>(options.kill_after * 1e6))
                   : std::chrono::seconds(options.seconds));
  size_t sent = 0;
  bool interrupted = options.interrupt_at.empty();
  pollfd fds[3] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}, {in[1], POLLOUT, 0}};
  auto done = [](pollfd& p) {
    close(p.fd);
    p.fd = -1;
  };
  fcntl(in[1], F_SETFL, O_NONBLOCK);
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (fds[2].fd >= 0 && sent == options.input.size())
      done(fds[2]);
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      while (std::chrono::steady_clock::now() < end) {
      }
      kill(pid, SIGKILL);
    }
    poll(fds, 3, static_cast<int>(std::clamp<int64_t>(left.count(), 1, 100)));
    char buffer[65536];
    for (int i = 0; i < 2; ++i)
      if (fds[i].fd >= 0 && fds[i].revents != 0) {
        ssize_t n = read(fds[i].fd, buffer, sizeof buffer);
        if (n > 0)
          (i == 0 ? run.out : run.err).append(buffer, static_cast<size_t>(n));
        else if (n == 0 || errno != EINTR)
          done(fds[i]);
      }
    if (fds[2].fd >= 0 && fds[2].revents != 0) {
      ssize_t n = write(fds[2].fd, options.input.data() + sent, options.input.size() - sent);
      if (n >= 0)
        sent += static_cast<size_t>(n);
      else if (errno != EAGAIN && errno != EINTR)
        done(fds[2]);
    }
    if (!interrupted && run.err.find(options.interrupt_at) != std::string::npos) {
      if (options.instead)
        options.instead();
      else
        kill(pid, options.interrupt_by);
      interrupted = true;
    }
  }
  if (fds[2].fd >= 0)
    done(fds[2]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  run.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  run.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return run;
}

inline std::string tool_path() { return GDJIT_BINARY_DIR "/bin/gdjit"; }

inline ToolRun run_tool(std::vector<std::string> arguments, RunOptions options = {}) {
  options.environment.try_emplace("XDG_CACHE_HOME", GDJIT_BINARY_DIR "/tests/cache");
  return run_program(tool_path(), std::move(arguments), options);
}

/// A shell command line with gdjit in the PATH.
inline ToolRun run_shell(const std::string& line, RunOptions options = {}) {
  const char* path = std::getenv("PATH");
  options.environment.try_emplace("XDG_CACHE_HOME", GDJIT_BINARY_DIR "/tests/cache");
  options.environment.try_emplace("PATH",
                                  std::string(GDJIT_BINARY_DIR "/bin:") + (path ? path : ""));
  return run_program("bash", {"-c", line}, options);
}

/// A source file of models below the build folder, the same for all tests: it is compiled once.
inline std::string models_file(const std::string& name, std::string_view models) {
  const std::string file = GDJIT_BINARY_DIR "/tests/" + name;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path());
  if (read_text(file) != models) {
    const std::string fresh = file + "." + std::to_string(getpid());
    std::ofstream(fresh) << models;
    std::filesystem::rename(fresh, file);
  }
  return file;
}

/// A line through three points, as source.
inline constexpr const char* line_model = R"(#include <gdjit/gdjit.h>
using namespace gdjit;

void line(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({1, 1}));
  Tensor h = m.named("h", matmul(x, w));
  m.minimize(mse_loss(h, y), SGD{.lr = 0.05});
  m.output("h", h);
  m.data({{"x", {{1}, {2}, {3}}}, {"y", {{2}, {4}, {6}}}});
}
GDJIT_MODEL(line, "a line");
)";

/// `text` with the first `from` replaced.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  size_t at = text.find(from);
  if (at == std::string::npos)
    std::abort();
  return text.replace(at, from.size(), to);
}

} // namespace gdjit::test
