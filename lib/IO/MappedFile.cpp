// Mapping files, and noticing that they changed.
#include "gdjit/IO/MappedFile.h"

#include "gdjit/IO/SharedArray.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace gdjit {

FileStamp::FileStamp(int fd) {
  if (::fstat(fd, &info_) != 0)
    throw Error(ErrorCode::data, fmt::format("cannot read a file: {}", std::strerror(errno)));
}

bool FileStamp::operator==(const FileStamp& other) const {
  auto same = [](const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  // Not the time of the inode: renaming another file over this one changes no byte of it.
  return info_.st_dev == other.info_.st_dev && info_.st_ino == other.info_.st_ino &&
         info_.st_size == other.info_.st_size && same(info_.st_mtim, other.info_.st_mtim);
}

void fail_changed(const std::string& path) {
  throw Error(ErrorCode::data, fmt::format("'{}' changed while it was read", path), {},
              {{"run again when nobody writes it", {}}});
}

void require_file(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode))
    return;
  auto refuse = [&](const char* what, const char* remedy) {
    throw Error(ErrorCode::data, fmt::format("'{}' is {}", path, what), {}, {{remedy, {}}});
  };
  if (S_ISDIR(info.st_mode))
    refuse("a folder", "give a file");
  if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode))
    refuse("a pipe", "rows are read more than once: write them to a file first");
  refuse("a device, no file", "write what it gives to a file first");
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  require_file(path);
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file->fd_ < 0)
    throw Error(ErrorCode::data, fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  file->stamp_ = FileStamp(file->fd_);
  size_t size = file->stamp_.size();
  void* mapping =
      size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file->fd_, 0) : MAP_FAILED;
  if (mapping == MAP_FAILED) {
    file->read_ = read_file(path);
    file->bytes_ = file->read_;
    return file;
  }
  file->mapping_ = mapping;
  file->bytes_ = {static_cast<const char*>(mapping), size};
  return file;
}

MappedFile::~MappedFile() {
  if (mapping_)
    ::munmap(mapping_, bytes_.size());
  if (fd_ >= 0)
    ::close(fd_);
}

void SharedArray::require_unchanged() const {
  if (file)
    file->require_unchanged();
}

void MappedFile::require_unchanged() const {
  if (mapping_ && !(FileStamp(fd_) == stamp_))
    fail_changed(path_);
}

} // namespace gdjit
