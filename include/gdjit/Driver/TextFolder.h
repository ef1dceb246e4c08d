// TextFolder: what stands beside a text. The user's source lines, which become comments, and large
// literals, which become .npy files.
#pragma once

#include "gdjit/IR/Text.h"
#include "gdjit/IR/TextReader.h"

#include <map>
#include <string>
#include <vector>

namespace gdjit {

class TextFolder final : public TextExtras, public ArrayFiles {
public:
  /// Source files and rows of a text that was read lie in `sources` where their names are relative;
  /// literals are read from and written to `arrays`, where the text lies. `store_arrays` false
  /// leaves large literals in the text.
  explicit TextFolder(std::string sources, std::string arrays = "", bool store_arrays = false)
      : sources_(std::move(sources)), arrays_(std::move(arrays)), store_arrays_(store_arrays) {}

  std::string source(const SourceLocation& location) override;
  std::string store(const Array& array, const std::string& hint) override;
  std::string refer(const std::string& file) override;
  Array load(const std::string& file, const TensorType& type) override;

private:
  const std::vector<std::string>& lines(const std::string& file);

  std::string sources_;
  std::string arrays_;
  bool store_arrays_;
  std::map<std::string, std::vector<std::string>> files_; ///< lines of source files read so far
  std::map<std::string, uint64_t> stored_;                ///< hash of what a file written holds
};

} // namespace gdjit
