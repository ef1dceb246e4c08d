// Words to files, files to rows of their tables.
#include "gdjit/Driver/LoadModel.h"

#include "gdjit/Driver/CompileSource.h"
#include "gdjit/Driver/Installation.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Driver/TextFolder.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>

namespace gdjit {

namespace fs = std::filesystem;

namespace {

enum class FileKind { example, shared_object, source, text };

bool ends_with_any(const std::string& word, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view e) { return word.ends_with(e); });
}

FileKind kind_of(const std::string& file) {
  if (file == "-" || file.ends_with(".gdir"))
    return FileKind::text;
  if (ends_with_any(file, {".cpp", ".cc", ".cxx", ".C"}))
    return FileKind::source;
  if (file.ends_with(".so") || file.find(".so.") != std::string::npos)
    return FileKind::shared_object;
  return FileKind::example;
}

struct Word {
  std::string file;
  std::string model; ///< "" for none
};

/// FILE or FILE:MODEL; a file of the whole name wins.
Word split(const std::string& word) {
  size_t colon = word.rfind(':');
  std::error_code ignored; // of a name too long for a file
  if (colon == std::string::npos || fs::exists(word, ignored) ||
      word.find('/', colon) != std::string::npos)
    return {word, ""};
  if (colon + 1 == word.size())
    throw Error(ErrorCode::usage,
                fmt::format("'{}' names no model behind ':'; write FILE:MODEL, or "
                            "FILE for its first model",
                            word));
  return {word.substr(0, colon), word.substr(colon + 1)};
}

std::string folder_of(const std::string& path) {
  std::string folder = fs::path(path).parent_path().string();
  return folder;
}

/// Fills in folder and source_prefix of a binary that was built elsewhere: its source lies where
/// the compiler found it, or beside the binary.
void find_source(ModelFile& file, const std::string& binary) {
  fs::path source = file.models.front()->file;
  std::error_code ignored;
  file.folder = source.is_absolute() && fs::exists(source, ignored) ? source.parent_path().string()
                                                                    : folder_of(binary);
  file.source_prefix = source.has_parent_path() ? source.parent_path().string() + "/" : "";
}

void require_file(const std::string& path) {
  std::error_code failed;
  if (!fs::exists(path, failed))
    throw Error(ErrorCode::data, fmt::format("{}: no such file", path));
  if (fs::is_directory(path, failed))
    throw Error(ErrorCode::data, fmt::format("{} is a folder, not a model", path));
}

/// "7: undefined symbol: foo" in words a user can act on.
[[noreturn]] void cannot_load(const std::string& path) {
  std::string reason = dlerror();
  std::string remedy =
      reason.find("undefined symbol") != std::string::npos
          ? "; it was built against another version of gdjit, or leaves a function undefined: "
            "build it "
            "again with this one"
          : "; a model is a shared object made by gdjit_add_model or `g++ -shared -fPIC`";
  throw Error(ErrorCode::graph, fmt::format("{} cannot be loaded: {}{}", path, reason, remedy));
}

/// The loader maps a file by what its header says, and touches pages that a shorter one lacks.
bool is_cut_off(const std::string& path) {
  Elf64_Ehdr header{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return false; // the loader says what it is
  std::error_code failed;
  const uintmax_t size = fs::file_size(path, failed);
  return !failed && header.e_shoff + uint64_t{header.e_shnum} * header.e_shentsize > size;
}

std::shared_ptr<void> open_binary(const std::string& path) {
  if (is_cut_off(path))
    throw Error(ErrorCode::graph,
                fmt::format("{} cannot be loaded: the file is cut off; build it again", path));
  // A path without a slash would be looked for in the system's folders.
  std::string name = path.find('/') == std::string::npos ? "./" + path : path;
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    cannot_load(path);
  return {handle, [](void* h) { dlclose(h); }};
}

ModelFile open_models(const std::string& path, const std::string& shown) {
  ModelFile file;
  file.name = shown;
  file.binary = open_binary(path);
  void* accessor = dlsym(file.binary.get(), model_rows_symbol);
  if (!accessor)
    throw Error(
        ErrorCode::graph,
        fmt::format(
            "{} holds no gdjit model: write GDJIT_MODEL(function, \"summary\") behind a function "
            "that takes Model&",
            shown));
  file.models = registered_models(reinterpret_cast<ModelRowsFunction>(accessor), shown);
  if (file.models.empty())
    throw Error(ErrorCode::graph,
                fmt::format("{} holds no model: write GDJIT_MODEL(function, \"summary\") behind a "
                            "function that takes Model&",
                            shown));
  return file;
}

/// A number without its leading zeros; "" for what is no number.
std::string plain_number(const std::string& word) {
  const char* digits = "0123456789";
  if (word.empty() || word.find_first_not_of(digits) != std::string::npos)
    return "";
  return word.substr(std::min(word.find_first_not_of('0'), word.size() - 1));
}

/// The example of that number, however many zeros stand before it; "" unless there is exactly one.
std::string example_of_number(const std::string& word, const std::vector<std::string>& names) {
  const std::string number = plain_number(word);
  std::string found;
  for (const std::string& name : names)
    if (!number.empty() && plain_number(name.substr(0, name.find('_'))) == number) {
      if (!found.empty())
        return "";
      found = name;
    }
  return found;
}

/// The path of a built example by name, number or name without its number; "" where there is none.
std::string find_example(const std::string& word) {
  const std::vector<std::string> names = example_names();
  for (const std::string& name : names) {
    size_t underscore = name.find('_');
    bool number = underscore != std::string::npos && name.substr(0, underscore) == word;
    bool rest = underscore != std::string::npos && name.substr(underscore + 1) == word;
    if (name == word || number || rest)
      return find_installation().examples + "/" + name + ".so";
  }
  const std::string name = example_of_number(word, names);
  return name.empty() ? "" : find_installation().examples + "/" + name + ".so";
}

[[noreturn]] void unknown_model(const std::string& word) {
  std::vector<std::string> known = example_names();
  std::string near = did_you_mean(word, known);
  std::error_code ignored;
  for (const char* ending : {".cpp", ".gdir", ".so"})
    if (near.empty() && fs::exists(word + ending, ignored))
      near = fmt::format("; did you mean '{}{}'?", word, ending);
  if (near.empty())
    near =
        known.empty()
            ? "; no examples are built beside this gdjit, give a path to a .cpp, .so or .gdir file"
            : "; `gdjit list` shows the examples, or give a path to a .cpp, .so or .gdir file";
  throw Error(ErrorCode::usage, fmt::format("unknown model '{}'{}", word, near));
}

std::string read_standard_input() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

LoadedModel load_text(const std::string& file) {
  bool standard_input = file == "-";
  if (!standard_input)
    require_file(file);
  LoadedModel model;
  model.folder = standard_input ? "" : folder_of(file);
  TextFolder arrays("", model.folder);
  TextStep text = read_step(standard_input ? read_standard_input() : read_file(file),
                            standard_input ? "<stdin>" : file, &arrays);
  model.work = {std::move(text.step), std::move(text.program), text.stage};
  model.name = model.work.signature().name;
  return model;
}

} // namespace

std::vector<std::string> example_names() {
  std::vector<std::string> names;
  std::string folder = find_installation().examples;
  std::error_code ignored;
  if (!folder.empty())
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
      if (entry.path().extension() == ".so")
        names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

ModelFile load_model_file(const std::string& word) {
  switch (kind_of(word)) {
  case FileKind::source: {
    require_file(word);
    CompiledSource compiled = compile_source(word);
    ModelFile file = open_models(compiled.path, word);
    file.folder = folder_of(word);
    return file;
  }
  case FileKind::shared_object: {
    require_file(word);
    ModelFile file = open_models(word, word);
    find_source(file, word);
    return file;
  }
  case FileKind::text:
    throw Error(ErrorCode::usage,
                fmt::format("{} is a text that holds one step, not a file of models", word));
  case FileKind::example:
    break;
  }
  std::string path = find_example(word);
  if (path.empty()) {
    std::error_code ignored;
    if (word.find('/') != std::string::npos || fs::exists(word, ignored)) {
      require_file(word);
      throw Error(
          ErrorCode::usage,
          fmt::format("{} is no model: its name ends in neither .cpp, .so nor .gdir", word));
    }
    unknown_model(word);
  }
  ModelFile file = open_models(path, fs::path(path).stem().string());
  find_source(file, path);
  return file;
}

LoadedModel load_model(const std::string& word) {
  Word parts = split(word);
  if (kind_of(parts.file) == FileKind::text && parts.model.empty())
    return load_text(parts.file);
  ModelFile file = load_model_file(parts.file);
  LoadedModel model;
  model.binary = file.binary;
  model.folder = file.folder;
  model.source_prefix = file.source_prefix;
  model.row = file.models.front();
  if (parts.model.empty()) {
    for (size_t i = 1; i < file.models.size(); ++i)
      model.others.push_back(file.models[i]->name);
  } else {
    std::vector<std::string> known;
    for (const ModelRow* row : file.models)
      known.push_back(row->name);
    auto found = std::find(known.begin(), known.end(), parts.model);
    if (found == known.end())
      throw Error(ErrorCode::usage,
                  fmt::format("{} holds no model '{}', it holds {}{}", file.name, parts.model,
                              fmt::join(known, ", "), did_you_mean(parts.model, known)));
    model.row = file.models[static_cast<size_t>(found - known.begin())];
  }
  model.name = model.row->name;
  return model;
}

} // namespace gdjit
