// posix_spawn, and signals while waiting, as system(3) minds them.
#include "gdjit/Driver/RunProgram.h"

#include "WorkFolder.h"

#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Split.h"

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
int spawn(pid_t& pid, const std::string& program, char* const* arguments,
          const PrintedTo& printed) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  auto open = [&](int stream, const std::string& file) {
    posix_spawn_file_actions_addopen(&actions, stream, file.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
  };
  if (!printed.messages.empty())
    open(STDERR_FILENO, printed.messages);
  if (!printed.output.empty())
    open(STDOUT_FILENO, printed.output);
  else
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
  for (const std::string& folder : split_at(variable ? variable : "/usr/bin:/bin", ':'))
    if (std::string found = resolved(fs::path(folder.empty() ? "." : folder) / name);
        !found.empty())
      return found;
  return "";
}

Ended run_program(const std::string& program, const std::vector<std::string>& arguments,
                  const PrintedTo& printed) {
  static std::mutex one; // handlers are the process's
  std::scoped_lock hold(one);
  std::vector<char*> argv;
  for (const std::string& a : arguments)
    argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  stopped_by = 0;
  Remembered interrupt(SIGINT), terminate(SIGTERM), hang_up(SIGHUP);
  pid_t pid = 0;
  if (int failed = spawn(pid, program, argv.data(), printed); failed != 0)
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

std::optional<Filtered> run_filter(const std::string& name, const std::vector<std::string>& options,
                                   const std::string& input) {
  const std::string program = find_program(name);
  if (program.empty())
    return std::nullopt;
  WorkFolder work(temporary_directory());
  if (work.path().empty())
    throw Error(ErrorCode::data, fmt::format("nothing can be written to {}; set TMPDIR to a folder "
                                             "that can",
                                             temporary_directory()));
  write_file(work / "input", input);
  std::vector<std::string> arguments = {name};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.push_back(work / "input");
  const PrintedTo printed{work / "output", work / "messages"};
  const Ended ended = run_program(program, arguments, printed);
  return Filtered{ended, read_file(printed.output), read_file(printed.messages)};
}

} // namespace gdjit
