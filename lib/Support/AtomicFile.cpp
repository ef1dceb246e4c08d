// Files written whole or not at all.
#include "gdjit/Support/AtomicFile.h"

#include "FileCalls.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gdjit {

using files::fail;
using files::File;

namespace {

void write_directly(const std::string& path, std::span<const std::string_view> pieces) {
  File file(files::open_named(path.c_str(), O_WRONLY));
  if (file.fd() < 0)
    fail("open", path, errno);
  if (!files::write_all(file.fd(), pieces))
    fail("write", path, errno);
}

void sync_folder_of(const std::string& path) {
  if (!files::sync_folder(path))
    fail("sync the folder of", path, errno);
}

} // namespace

void write_file(const std::string& path, std::string_view bytes) { write_file(path, {&bytes, 1}); }

void write_file(const std::string& given, std::span<const std::string_view> pieces) {
  std::string path = files::behind_links(given);
  struct stat info = {};
  bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode))
    fail("write", path, EISDIR);
  if (exists && !S_ISREG(info.st_mode))
    return write_directly(path, pieces);

  std::string temporary = path + ".XXXXXX";
  File file(files::open_temporary(temporary, exists ? info.st_mode & 0777 : 0666));
  if (file.fd() < 0)
    fail("write", path, errno);
  bool written = files::write_all(file.fd(), pieces) &&
                 (!exists || files::set_mode(file.fd(), info.st_mode & 07777)) &&
                 files::sync(file.fd()) && file.close() && files::rename(temporary, path);
  if (!written) {
    int error = errno;
    ::unlink(temporary.c_str());
    fail("write", path, error);
  }
  sync_folder_of(path);
}

void append_to_file(const std::string& path, std::string_view bytes) {
  File file(files::open_named(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW));
  if (file.fd() < 0)
    fail("write", path, errno);
  if (!files::write_all(file.fd(), bytes) || !file.close())
    fail("write", path, errno);
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
