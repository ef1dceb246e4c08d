// posix_spawn, and signals while waiting, as system(3) minds them.
#include "RunProgram.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <mutex>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace gdjit {

namespace fs = std::filesystem;

namespace {

volatile std::sig_atomic_t stopped_by = 0;

/// While it lives, a signal is remembered instead of ending the process; an ignored one stays so.
class Remembered {
public:
  explicit Remembered(int signal) : signal_(signal) {
    struct sigaction action{};
    action.sa_handler = [](int which) { stopped_by = which; };
    if (sigaction(signal, nullptr, &before_) == 0 && before_.sa_handler != SIG_IGN)
      sigaction(signal, &action, nullptr);
  }
  ~Remembered() { sigaction(signal_, &before_, nullptr); }
  Remembered(const Remembered&) = delete;
  Remembered& operator=(const Remembered&) = delete;

private:
  int signal_;
  struct sigaction before_{};
};

/// A child starts without handlers, being another program; only what was ignored stays ignored.
int spawn(pid_t& pid, const std::string& program, char* const* arguments, Messages messages) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (messages == Messages::dropped)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  int failed = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

} // namespace

std::string find_program(const std::string& name) {
  std::error_code ignored;
  auto resolved = [&](const fs::path& path) {
    return access(path.c_str(), X_OK) == 0 && !fs::is_directory(path, ignored)
               ? fs::canonical(path, ignored).string()
               : std::string();
  };
  if (name.find('/') != std::string::npos)
    return resolved(name);
  const char* variable = std::getenv("PATH");
  std::string paths = variable ? variable : "/usr/bin:/bin";
  for (size_t begin = 0; begin <= paths.size();) {
    size_t end = std::min(paths.find(':', begin), paths.size());
    std::string folder = paths.substr(begin, end - begin);
    if (std::string found = resolved(fs::path(folder.empty() ? "." : folder) / name);
        !found.empty())
      return found;
    begin = end + 1;
  }
  return "";
}

Ended run_program(const std::string& program, const std::vector<std::string>& arguments,
                  Messages messages) {
  static std::mutex one; // handlers are the process's
  std::scoped_lock hold(one);
  std::vector<char*> argv;
  for (const std::string& a : arguments)
    argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  stopped_by = 0;
  Remembered interrupt(SIGINT), terminate(SIGTERM);
  pid_t pid = 0;
  if (int failed = spawn(pid, program, argv.data(), messages); failed != 0)
    throw Error(ErrorCode::compile,
                fmt::format("the program '{}' cannot be run: {}", program, std::strerror(failed)));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    if (stopped_by != 0)
      kill(pid, stopped_by); // from a terminal it has had it already
  Ended ended{.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
              .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
  if (stopped_by != 0)
    throw Error(ErrorCode::interrupted, fmt::format("interrupted while {} was running",
                                                    fs::path(program).filename().string()));
  return ended;
}

} // namespace gdjit
