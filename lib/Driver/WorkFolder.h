// A folder of our own for what is being made; gone with all it holds at the end.
#pragma once

#include <string>

namespace gdjit {

class WorkFolder {
public:
  /// `parent`/making-XXXXXX, for this process only; path() is "" where none can be made. Folders
  /// that killed runs have left beside it are removed.
  explicit WorkFolder(const std::string& parent);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
  int lock_ = -1; ///< the folder itself, locked while its owner lives
};

/// $TMPDIR, or /tmp.
std::string temporary_directory();

} // namespace gdjit
