// Text by offsets.
#include "TextSource.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace gdjit {

TextSource::TextSource(const std::string& path) : name_(path) {
  require_file(path);
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0)
    throw Error(ErrorCode::data, fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  try {
    stamp_ = FileStamp(fd_);
    size_ = stamp_.size();
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

TextSource::TextSource(std::string_view text, std::string name)
    : name_(std::move(name)), size_(text.size()), text_(text) {}

TextSource::~TextSource() {
  if (fd_ >= 0)
    ::close(fd_);
}

std::string_view TextSource::read(size_t offset, size_t count, std::string& buffer) const {
  count = std::min(count, size_ - std::min(offset, size_));
  if (fd_ < 0)
    return text_.substr(std::min(offset, size_), count);
  buffer.resize(count);
  for (size_t done = 0; done < count;) {
    ssize_t n = ::pread(fd_, buffer.data() + done, count - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      throw Error(ErrorCode::data,
                  fmt::format("cannot read '{}': {}", name_, std::strerror(errno)));
    if (n == 0)
      fail_changed(name_);
    done += static_cast<size_t>(n);
  }
  return buffer;
}

void TextSource::require_unchanged() const {
  if (fd_ >= 0 && !(FileStamp(fd_) == stamp_))
    fail_changed(name_);
}

} // namespace gdjit
