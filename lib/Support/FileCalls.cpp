// System calls, each preceded by the question whether a test wants it to fail.
#include "FileCalls.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/FileFaults.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

namespace gdjit {

namespace {

std::atomic<FileFault> injected = nullptr;

/// True where the call may be made.
bool passes(FileCall call, size_t& bytes) {
  FileFault fault = injected.load(std::memory_order_relaxed);
  int error = fault ? fault(call, bytes) : 0;
  if (error != 0)
    errno = error;
  return error == 0;
}

bool passes(FileCall call) {
  size_t none = 0;
  return passes(call, none);
}

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

void set_file_fault(FileFault fault) { injected = fault; }

namespace files {

File::~File() {
  if (fd_ >= 0)
    ::close(fd_);
}

int File::release() {
  int fd = fd_;
  fd_ = -1;
  return fd;
}

bool File::close() {
  bool passed = passes(FileCall::close);
  int error = errno;
  bool closed = ::close(release()) == 0;
  if (!passed)
    errno = error;
  return passed && closed;
}

void fail(const std::string& doing, const std::string& path, int error) {
  throw Error(ErrorCode::data,
              fmt::format("cannot {} '{}': {}", doing, path, std::strerror(error)));
}

std::string behind_links(const std::string& path) {
  namespace fs = std::filesystem;
  fs::path target = path;
  std::error_code failed, ignored;
  for (int links = 0; links < 40 && fs::is_symlink(fs::symlink_status(target, ignored)); ++links)
    target = target.parent_path() / fs::read_symlink(target, failed); // relative to its folder
  return failed ? path : target.string();
}

int open_temporary(std::string& name, mode_t mode) {
  if (!passes(FileCall::open))
    return -1;
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  for (int attempt = 0; attempt < 100; ++attempt) {
    for (size_t i = name.size() - 6; i < name.size(); ++i)
      name[i] = letters[random() % letters.size()];
    int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EEXIST)
      return fd;
  }
  return -1;
}

int open_named(const char* path, int flags) {
  return passes(FileCall::open) ? ::open(path, flags | O_CLOEXEC, 0666) : -1;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    size_t size = bytes.size();
    if (!passes(FileCall::write, size))
      return false;
    ssize_t n = ::write(fd, bytes.data(), size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool write_all(int fd, std::span<const std::string_view> pieces) {
  for (std::string_view piece : pieces)
    if (!write_all(fd, piece))
      return false;
  return true;
}

bool set_mode(int fd, mode_t mode) { return passes(FileCall::set_mode) && ::fchmod(fd, mode) == 0; }

bool sync(int fd) { return passes(FileCall::sync) && ::fsync(fd) == 0; }

bool rename(const std::string& from, const std::string& to) {
  return passes(FileCall::rename) && ::rename(from.c_str(), to.c_str()) == 0;
}

bool sync_folder(const std::string& path) {
  if (!passes(FileCall::sync_folder))
    return false;
  File folder(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A folder that may be written but not read cannot be opened, some file systems sync no folders.
  return folder.fd() < 0 || ::fsync(folder.fd()) == 0 || errno == EINVAL || errno == ENOTSUP;
}

} // namespace files

} // namespace gdjit
