// The only door to file writes: a file appears whole under its name or not at all.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gdjit {

/// Writes `bytes` to a temporary file beside `path` (where that is a link, beside what it leads
/// to), syncs it, renames it, syncs the directory. Throws Error(ErrorCode::data) naming path and
/// reason; the temporary file is then gone and an earlier file of that name untouched (where only
/// the directory could not be synced, the new file is there whole). Devices and pipes (/dev/stdout,
/// /dev/full) are written directly.
void write_file(const std::string& path, std::string_view bytes);
/// The same for bytes in pieces, one behind the other.
void write_file(const std::string& path, std::span<const std::string_view> pieces);

/// Adds to the end of a file, made where there is none, no link followed; not synced. For what
/// grows while others read it: a log, perf's map.
void append_to_file(const std::string& path, std::string_view bytes);

/// A file that one run writes again and again: a checkpoint. Each write is as write_file's; a
/// second run that owns the same path at the same time is refused, not overwritten.
///
/// The file last written is kept open and locked (flock), and so is the temporary file,
/// .NAME.gdjit-tmp beside it, before it gets its name: whoever finds either locked is the second.
/// The kernel drops the locks of a killed process; its temporary file, if any, is overwritten by
/// the next run. Where the file system knows no locks, a second run is noticed only by the file it
/// left.
class OwnedFile {
public:
  /// Owns `path`, which need not exist. Error(data) where another run owns it.
  explicit OwnedFile(const std::string& path);
  OwnedFile(OwnedFile&& other) noexcept;
  OwnedFile& operator=(OwnedFile&& other) noexcept;
  ~OwnedFile();

  const std::string& path() const { return path_; }
  /// Error(data) also where someone else has written the file since this run opened or wrote it.
  void write(std::span<const std::string_view> pieces);

private:
  void require_mine() const;

  std::string path_;
  int fd_ = -1; ///< the file last opened or written, locked; -1 where there is none yet
};

/// Reads a whole file; throws Error(ErrorCode::data) naming path and reason.
std::string read_file(const std::string& path);

} // namespace gdjit
