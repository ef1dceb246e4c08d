// The files beside a text.
#include "gdjit/Driver/TextFolder.h"

#include "gdjit/IO/Npy.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Hash.h"
#include "gdjit/Support/Split.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace gdjit {

namespace {

std::string join_path(const std::string& folder, const std::string& file) {
  return folder.empty() || file.starts_with('/') ? file : folder + "/" + file;
}

} // namespace

const std::vector<std::string>& TextFolder::lines(const std::string& file) {
  auto [found, fresh] = files_.try_emplace(file);
  if (!fresh)
    return found->second;
  try {
    found->second = split_lines(read_file(join_path(sources_, file)));
  } catch (const Error&) {
    return found->second; // a source that cannot be read gives no comments
  }
  return found->second;
}

std::string TextFolder::source(const SourceLocation& location) {
  if (!location.known() || location.file.empty())
    return "";
  const std::vector<std::string>& all = lines(location.file);
  if (location.line > all.size())
    return "";
  const std::string& line = all[location.line - 1];
  size_t begin = line.find_first_not_of(" \t");
  size_t end = line.find_last_not_of(" \t\r");
  return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
}

std::string TextFolder::store(const Array& array, const std::string& hint) {
  if (!store_arrays_)
    return "";
  std::string name;
  for (char c : hint)
    name += c == '/' ? '_' : c;
  const uint64_t hash = combine(hash_bytes(to_string(array.type())),
                                hash_bytes({static_cast<const char*>(array.bytes()),
                                            static_cast<size_t>(array.type().bytes())}));
  // Numbers of nodes differ from stage to stage, and "a/b" may lie beside "a_b".
  for (int number = 1;; ++number) {
    std::string file = number == 1 ? name + ".npy" : fmt::format("{}-{}.npy", name, number);
    auto [stored, fresh] = stored_.try_emplace(file, hash);
    if (fresh)
      write_npy(join_path(arrays_, file), TensorView("", array));
    if (stored->second == hash)
      return file;
  }
}

std::string TextFolder::refer(const std::string& file) {
  if (sources_ == arrays_ || file.starts_with('/'))
    return file;
  // By the names alone: what links lead to differs from machine to machine.
  auto place = [](const std::string& path) {
    std::error_code failed;
    std::filesystem::path whole = std::filesystem::absolute(path, failed);
    if (failed)
      throw Error(ErrorCode::data, fmt::format("{}: {}", path, failed.message()));
    return whole.lexically_normal();
  };
  return place(join_path(sources_, file))
      .lexically_relative(place(arrays_.empty() ? "." : arrays_))
      .string();
}

Array TextFolder::load(const std::string& file, const TensorType& type) {
  std::string path = join_path(arrays_, file);
  return from_npy(read_file(path), path, type);
}

} // namespace gdjit
