// The lock (flock) on the folder tells whether its owner lives: the kernel drops that of a killed
// process.
#include "WorkFolder.h"

#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace gdjit {

namespace fs = std::filesystem;

namespace {

constexpr const char* prefix = "making-";
/// Seconds after which an unlocked folder is a left one, and not just being made.
constexpr time_t settled = 60;

int open_folder(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void remove_if_left(const std::string& path) {
  int folder = open_folder(path);
  struct stat info{};
  bool left = folder >= 0 && ::fstat(folder, &info) == 0 && info.st_uid == ::geteuid() &&
              info.st_mtime + settled < ::time(nullptr) && ::flock(folder, LOCK_EX | LOCK_NB) == 0;
  std::error_code ignored;
  if (left)
    fs::remove_all(path, ignored);
  if (folder >= 0)
    ::close(folder);
}

void remove_left(const std::string& parent) {
  std::error_code failed;
  std::vector<std::string> found;
  for (fs::directory_iterator at(parent, failed), end; !failed && at != end; at.increment(failed))
    if (at->path().filename().string().starts_with(prefix))
      found.push_back(at->path().string());
  for (const std::string& path : found)
    remove_if_left(path);
}

} // namespace

WorkFolder::WorkFolder(const std::string& parent) : path_(parent + "/" + prefix + "XXXXXX") {
  remove_left(parent);
  if (!::mkdtemp(path_.data())) {
    path_.clear();
    return;
  }
  lock_ = open_folder(path_);
  if (lock_ >= 0)
    ::flock(lock_, LOCK_EX | LOCK_NB);
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!path_.empty())
    fs::remove_all(path_, ignored);
  if (lock_ >= 0)
    ::close(lock_);
}

std::string temporary_directory() {
  const char* variable = std::getenv("TMPDIR");
  return variable && *variable ? variable : "/tmp";
}

} // namespace gdjit
