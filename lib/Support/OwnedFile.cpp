// OwnedFile: one run, one path, by locks that a killed run cannot leave behind.
//
// Two runs never both pass. Until it is renamed the temporary file is locked, so the other fails to
// lock it; from then on `path` itself is locked, and the other finds a file there that is not its
// own.
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"

#include "FileCalls.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace gdjit {

using files::fail;
using files::File;

namespace {

[[noreturn]] void fail_second(const std::string& path) {
  throw Error(ErrorCode::data, fmt::format("another run saves to '{}'", path), {},
              {{"wait until it has ended, or save to another path", {}}});
}

/// True unless another process holds the lock.
bool lock(int fd) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return false;
    if (errno != EINTR)
      return true; // a file system without locks
  }
  return true;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::string temporary_of(const std::string& path) {
  size_t name = path.rfind('/') + 1; // 0 where there is none
  return path.substr(0, name) + "." + path.substr(name) + ".gdjit-tmp";
}

/// What a killed run can have left under that name: a plain file of ours without a second name.
void require_ours(const struct stat& info, const std::string& temporary) {
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || info.st_nlink > 1)
    throw Error(ErrorCode::data,
                fmt::format("'{}' is in the way and was not left by a run of yours", temporary), {},
                {{"remove it, or save to another path", {}}});
}

/// The temporary file, locked and empty.
int open_locked(const std::string& temporary, const std::string& path) {
  for (;;) {
    File file(files::open_named(temporary.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW));
    if (file.fd() < 0)
      fail("write", path, errno);
    if (!lock(file.fd()))
      fail_second(path);
    struct stat opened = {}, named = {};
    if (::fstat(file.fd(), &opened) != 0)
      fail("write", path, errno);
    // Renamed between open and lock: it is no longer the temporary file.
    if (::lstat(temporary.c_str(), &named) != 0 || !same_file(opened, named))
      continue;
    require_ours(opened, temporary);
    if (::ftruncate(file.fd(), 0) != 0)
      fail("write", path, errno);
    return file.release();
  }
}

} // namespace

OwnedFile::OwnedFile(const std::string& path) : path_(files::behind_links(path)) {
  struct stat info = {};
  if (::stat(path_.c_str(), &info) != 0)
    return;
  if (S_ISDIR(info.st_mode))
    fail("write", path_, EISDIR);
  if (!S_ISREG(info.st_mode))
    return;
  File file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0)
    fail("open", path_, errno);
  if (!lock(file.fd()))
    fail_second(path_);
  fd_ = file.release();
}

OwnedFile::OwnedFile(OwnedFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

OwnedFile& OwnedFile::operator=(OwnedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

OwnedFile::~OwnedFile() {
  if (fd_ >= 0)
    ::close(fd_);
}

void OwnedFile::require_mine() const {
  struct stat named = {}, mine = {};
  if (::stat(path_.c_str(), &named) != 0)
    return; // not there yet, or removed by the user
  if (fd_ >= 0 && ::fstat(fd_, &mine) == 0 && same_file(named, mine))
    return;
  File file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() >= 0 && !lock(file.fd()))
    fail_second(path_);
  throw Error(ErrorCode::data,
              fmt::format("'{}' was written by another program since this run {} it", path_,
                          fd_ >= 0 ? "last saved" : "started to own"),
              {}, {{"it is left as it is; save to another path", {}}});
}

void OwnedFile::write(std::span<const std::string_view> pieces) {
  struct stat info = {};
  bool exists = ::stat(path_.c_str(), &info) == 0;
  if (exists && !S_ISREG(info.st_mode))
    return write_file(path_, pieces); // a device
  require_mine();
  std::string temporary = temporary_of(path_);
  File file(open_locked(temporary, path_));
  bool written = files::write_all(file.fd(), pieces) &&
                 (!exists || files::set_mode(file.fd(), info.st_mode & 07777)) &&
                 files::sync(file.fd());
  int error = errno;
  try {
    if (!written)
      fail("write", path_, error);
    require_mine();
    if (!files::rename(temporary, path_))
      fail("write", path_, errno);
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = file.release();
  if (!files::sync_folder(path_))
    fail("sync the folder of", path_, errno);
}

} // namespace gdjit
