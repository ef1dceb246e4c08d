// MappedFile: the bytes of a file, mapped for reading.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace gdjit {

/// What tells one state of a file from another: device, inode, size, time of change.
class FileStamp {
public:
  FileStamp() = default;
  /// Of an open file.
  explicit FileStamp(int fd);
  bool operator==(const FileStamp& other) const;
  size_t size() const { return static_cast<size_t>(info_.st_size); }

private:
  struct stat info_ = {};
};

/// Whoever makes a mapped file shorter while it is used ends the process (SIGBUS): mapped are files
/// that programs replace by renaming, not text that people edit.
class MappedFile {
public:
  /// Error(data) naming path and reason. What cannot be mapped (empty files) is read.
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return bytes_; }
  const std::string& path() const { return path_; }
  /// Error(data) where the file was written since it was opened.
  void require_unchanged() const;

private:
  MappedFile() = default;
  std::string path_;
  int fd_ = -1; ///< kept open to see changes
  FileStamp stamp_;
  std::string_view bytes_;
  void* mapping_ = nullptr;
  std::string read_; ///< where the file is not mapped
};

/// The message for a file that changed under its reader.
[[noreturn]] void fail_changed(const std::string& path);
/// Error(data) for what is there and is no file: a pipe or a socket can be read once only, a device
/// may have no end.
void require_file(const std::string& path);

} // namespace gdjit
