// Files by their names.
#include "Digits.h"

#include "gdjit/IO/Idx.h"

#include <filesystem>

namespace gdjit::tool {

namespace {

/// The file of that name, plain or packed; "" where there is none. Error(data) where the folder
/// does not say.
std::string find_file(const std::string& folder, const std::string& name) {
  std::string found;
  for (const char* ending : {"", ".gz"}) {
    const std::string path = fmt::format("{}/{}{}", folder, name, ending);
    std::error_code failed;
    const bool there = std::filesystem::exists(path, failed);
    if (failed)
      throw Error(ErrorCode::data, fmt::format("cannot read '{}': {}", folder, failed.message()),
                  {}, {{"let it be searched (chmod u+x), or give a copy of it", {}}});
    if (there && !found.empty())
      log("{} is there as .gz, too; the plain one is taken", found);
    else if (there)
      found = path;
  }
  return found;
}

/// The one input whose elements are floats, or integers; null where the model has none or several.
const InputDecl* only_input(std::span<const InputDecl> inputs, bool (*kind)(DType)) {
  const InputDecl* found = nullptr;
  for (const InputDecl& input : inputs)
    if (kind(input.type.dtype)) {
      if (found)
        return nullptr;
      found = &input;
    }
  return found;
}

} // namespace

FoundRows read_digits(const std::string& folder, std::span<const InputDecl> inputs) {
  struct Files {
    std::string images, labels;
    bool there() const { return !images.empty(); }
  };
  auto find = [&](const std::string& set) {
    const std::string images = set + "-images-idx3-ubyte", labels = set + "-labels-idx1-ubyte";
    Files files{find_file(folder, images), find_file(folder, labels)};
    if (files.images.empty() == files.labels.empty())
      return files;
    const bool no_labels = files.labels.empty();
    throw Error(ErrorCode::data,
                fmt::format("{}: the folder holds {} and no {}", folder,
                            no_labels ? images : labels, no_labels ? labels : images),
                {},
                {{fmt::format("add it, plain or as .gz, or take {} away",
                              no_labels ? files.images : files.labels),
                  {}}});
  };
  const Files train = find("train"), test = find("t10k");
  if (!train.there() && !test.there())
    throw Error(ErrorCode::data, fmt::format("{}: the folder holds no digits", folder), {},
                {{"they are train-images-idx3-ubyte and train-labels-idx1-ubyte, or t10k-…, each "
                  "plain or as .gz",
                  {}}});
  const InputDecl* images = only_input(inputs, is_float);
  const InputDecl* labels = only_input(inputs, is_integer);
  if (!images || (!labels && inputs.size() > 1))
    throw Error(ErrorCode::usage,
                fmt::format("--data {}: a folder gives images to the one float input and labels to "
                            "the one integer input of a model; give INPUT=FILE for each input",
                            folder));
  auto read = [&](const Files& files) {
    for (const std::string& path : {files.images, files.labels})
      (void)idx_contents(path); // throws where it is anything else
    std::vector<InputFile> of_inputs = {{images->name, files.images}};
    if (labels)
      of_inputs.push_back({labels->name, files.labels});
    return dataset(inputs, of_inputs);
  };
  if (!train.there())
    return {.rows = read(test)};
  FoundRows found{.rows = read(train)};
  if (test.there())
    found.test = read(test);
  return found;
}

} // namespace gdjit::tool
