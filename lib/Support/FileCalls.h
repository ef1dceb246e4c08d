// The system calls that write files, each with the seam of FileFaults; true or a descriptor where
// they succeed, otherwise errno says why.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace gdjit::files {

/// A descriptor that closes itself.
class File {
public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();
  int fd() const { return fd_; }
  bool close(); ///< reports what closing reports
  int release();

private:
  int fd_;
};

[[noreturn]] void fail(const std::string& doing, const std::string& path, int error);

/// `path`, or what it links to where it is a link to something that is there.
std::string behind_links(const std::string& path);

/// A new file, its name `name` with other letters for the XXXXXX at its end; with `mode` as far as
/// the process's umask lets it.
int open_temporary(std::string& name, mode_t mode);
int open_named(const char* path, int flags); ///< creates with 0666 by the process's umask
bool write_all(int fd, std::string_view bytes);
bool write_all(int fd, std::span<const std::string_view> pieces);
bool set_mode(int fd, mode_t mode);
bool sync(int fd);
bool rename(const std::string& from, const std::string& to);
/// Makes a rename in the folder of `path` durable; file systems that cannot are left alone.
bool sync_folder(const std::string& path);

} // namespace gdjit::files
