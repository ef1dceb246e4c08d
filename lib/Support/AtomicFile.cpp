// Files written whole or not at all.
#include "gdjit/Support/AtomicFile.h"

#include "gdjit/Support/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gdjit {

namespace {

[[noreturn]] void fail(const std::string& doing, const std::string& path, int error) {
  throw Error(ErrorCode::data,
              fmt::format("cannot {} '{}': {}", doing, path, std::strerror(error)));
}

/// A descriptor that closes itself; `close` reports what closing reports.
class File {
public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int fd() const { return fd_; }
  bool close() {
    int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

private:
  int fd_;
};

/// True if all bytes went out; otherwise errno says why.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void write_directly(const std::string& path, std::string_view bytes) {
  File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.fd() < 0)
    fail("open", path, errno);
  if (!write_all(file.fd(), bytes))
    fail("write", path, errno);
}

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

void write_file(const std::string& path, std::string_view bytes) {
  struct stat info = {};
  bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode))
    fail("write", path, EISDIR);
  if (exists && !S_ISREG(info.st_mode))
    return write_directly(path, bytes);

  std::string temporary = path + ".XXXXXX";
  File file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.fd() < 0)
    fail("write", path, errno);
  mode_t mask = ::umask(0);
  ::umask(mask);
  bool written = write_all(file.fd(), bytes) &&
                 ::fchmod(file.fd(), exists ? info.st_mode & 07777 : 0666 & ~mask) == 0 &&
                 ::fsync(file.fd()) == 0 && file.close() &&
                 ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!written) {
    int error = errno;
    ::unlink(temporary.c_str());
    fail("write", path, error);
  }
  File directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() >= 0)
    ::fsync(directory.fd());
}

std::string read_file(const std::string& path) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0)
    fail("read", path, errno);
  std::string bytes;
  char block[1 << 16];
  for (;;) {
    ssize_t n = ::read(file.fd(), block, sizeof block);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      fail("read", path, errno);
    if (n == 0)
      return bytes;
    bytes.append(block, static_cast<size_t>(n));
  }
}

} // namespace gdjit
