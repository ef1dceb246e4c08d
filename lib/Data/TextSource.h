// TextSource: a text file read by offsets, from any thread, that notices when the file changes.
//
// Read, not mapped: a program that truncates a mapped file ends its reader, and text is what people
// edit. Blocks stay in a core's cache, so that the copy costs next to nothing.
#pragma once

#include "gdjit/IO/MappedFile.h"

#include <string>
#include <string_view>

namespace gdjit {

class TextSource {
public:
  explicit TextSource(const std::string& path);
  /// Text in memory that outlives the source.
  TextSource(std::string_view text, std::string name);
  ~TextSource();
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  const std::string& name() const { return name_; }
  size_t size() const { return size_; }
  /// At most `count` bytes from `offset`, fewer at the end only; perhaps in `buffer`. Error(data)
  /// where the file has become shorter.
  std::string_view read(size_t offset, size_t count, std::string& buffer) const;
  void require_unchanged() const;

private:
  std::string name_;
  int fd_ = -1;
  FileStamp stamp_;
  size_t size_ = 0;
  std::string_view text_; ///< where it is in memory
};

} // namespace gdjit
