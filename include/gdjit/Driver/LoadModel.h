// What the word for a model on a command line means: a built example, a shared object, a C++ source
// file, or a text.
#pragma once

#include "gdjit/Frontend/Registry.h"
#include "gdjit/Transforms/PassManager.h"

#include <memory>
#include <string>
#include <vector>

namespace gdjit {

/// One word, loaded. Either `row` is set (a model as a C++ function) or `work` holds a step as text
/// gave it.
struct LoadedModel {
  std::string name;                ///< of the model
  const ModelRow* row = nullptr;   ///< into `binary`
  Work work;                       ///< where row is null
  std::vector<std::string> others; ///< the file's further models, where the word named none of them
  std::string
      folder; ///< where the user's source and the text's array files lie, as typed; "" for here
  std::string source_prefix;    ///< as in ModelFile
  std::shared_ptr<void> binary; ///< keeps the shared object loaded

  bool is_text() const { return row == nullptr; }
};

/// The models of one file.
struct ModelFile {
  std::string name;   ///< what the tool calls it: "01_linear_regression", "model.so"
  std::string folder; ///< where its source lies, as far as that can be found
  /// What the compiler put before names of files in the source's folder: "/home/me/", "../models/",
  /// "". Without it they are relative to that folder, whatever was built where.
  std::string source_prefix;
  std::vector<const ModelRow*> models; ///< in the order of their lines
  std::shared_ptr<void> binary;
};

/// `word` is FILE or FILE:MODEL, where FILE is an example's name, or its number, or a path to a
/// .so, .cpp, .gdir, or - for a text on standard input. Throws Error: usage for a name that is
/// unknown (with the nearest one), data for a file that cannot be read, compile for a source that
/// does not compile, graph for a text or shared object that is wrong.
LoadedModel load_model(const std::string& word);

/// The models of a .so, a .cpp or an example.
ModelFile load_model_file(const std::string& word);

/// Names of the built examples beside the running gdjit, sorted.
std::vector<std::string> example_names();

} // namespace gdjit
