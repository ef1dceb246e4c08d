// Files by their names.
#include "Digits.h"

#include "gdjit/IO/Idx.h"

#include <filesystem>

namespace gdjit::tool {

namespace {

/// The file of that name, plain or packed; "" where there is none.
std::string find_file(const std::string& folder, const std::string& name) {
  std::error_code ignored;
  for (const char* ending : {"", ".gz"})
    if (std::string path = fmt::format("{}/{}{}", folder, name, ending);
        std::filesystem::exists(path, ignored))
      return path;
  return "";
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
    bool there() const { return !images.empty() && !labels.empty(); }
  };
  auto find = [&](const std::string& set) {
    return Files{find_file(folder, set + "-images-idx3-ubyte"),
                 find_file(folder, set + "-labels-idx1-ubyte")};
  };
  const Files train = find("train"), test = find("t10k");
  if (!train.there() && !test.there()) {
    auto missing = [](const Files& files, const std::string& set) -> std::string {
      return !files.images.empty()   ? fmt::format("{}-images and no {}-labels", set, set)
             : !files.labels.empty() ? fmt::format("{}-labels and no {}-images", set, set)
                                     : "";
    };
    std::string what = missing(train, "train");
    what = what.empty() ? missing(test, "t10k") : what;
    throw Error(ErrorCode::data,
                fmt::format("{}: the folder holds {}", folder, what.empty() ? "no digits" : what),
                {},
                {{"they are train-images-idx3-ubyte and train-labels-idx1-ubyte, or t10k-…, each "
                  "plain or as .gz",
                  {}}});
  }
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
