// Script and picture are files in memory, so that neither side waits for the other and nothing
// half-drawn is ever on a disk.
#include "PlotGnuplot.h"

#include "gdjit/Support/Error.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ; // NOLINT(readability-redundant-declaration): POSIX has it in no header

namespace gdjit::tool {

namespace {

/// A file in memory, one of a child's standard streams.
class MemoryFile {
public:
  explicit MemoryFile(const std::string& text = "") : fd_(memfd_create("gdjit-plot", MFD_CLOEXEC)) {
    if (fd_ < 0)
      fail("memfd_create");
    for (size_t done = 0; done < text.size();) {
      ssize_t n = write(fd_, text.data() + done, text.size() - done);
      if (n < 0 && errno != EINTR)
        fail("write");
      done += n > 0 ? static_cast<size_t>(n) : 0;
    }
    lseek(fd_, 0, SEEK_SET);
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }
  std::string text() const {
    std::string text;
    std::array<char, 65536> buffer;
    off_t at = 0;
    for (ssize_t n = 0; (n = pread(fd_, buffer.data(), buffer.size(), at)) != 0;) {
      if (n < 0 && errno != EINTR)
        fail("read");
      if (n > 0) {
        text.append(buffer.data(), static_cast<size_t>(n));
        at += n;
      }
    }
    return text;
  }

private:
  [[noreturn]] static void fail(const char* what) {
    throw Error(ErrorCode::data, fmt::format("--plot: {}: {}", what, std::strerror(errno)));
  }
  int fd_;
};

/// The first line that says something.
std::string first_line(const std::string& text) {
  size_t begin = text.find_first_not_of(" \t\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

/// What gnuplot writes to its standard output.
std::string run(const std::string& script) {
  MemoryFile in(script), out, err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.fd(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.fd(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.fd(), STDERR_FILENO);
  char name[] = "gnuplot", defaults[] = "-d"; // without the user's own settings
  char* arguments[] = {name, defaults, nullptr};
  pid_t child = 0;
  int failed = posix_spawnp(&child, name, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT)
    throw Error(ErrorCode::usage, "--plot draws with the program gnuplot, which is not found; "
                                  "install the package gnuplot-nox");
  if (failed != 0)
    throw Error(ErrorCode::usage, fmt::format("gnuplot: {}", std::strerror(failed)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Error(ErrorCode::data, fmt::format("gnuplot fails: {}", first_line(err.text())));
  return out.text();
}

const char* terminal(const std::string& path) {
  if (path.ends_with(".svg"))
    return "set terminal svg size 640,400 font 'sans-serif,13' background '#ffffff'\n";
  return "set terminal pngcairo size 960,600 font 'sans-serif,13' background '#ffffff'\n";
}

} // namespace

bool is_picture_file(const std::string& path) {
  return path.ends_with(".svg") || path.ends_with(".png");
}

std::string draw_picture(const std::string& script, const std::string& path) {
  std::string picture = run(terminal(path) + script);
  if (picture.empty())
    throw Error(ErrorCode::data, fmt::format("gnuplot draws nothing for {}", path));
  return picture;
}

void require_gnuplot() { (void)run(""); }

} // namespace gdjit::tool
