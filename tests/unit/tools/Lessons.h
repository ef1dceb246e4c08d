// The models of the lessons, by the words the tool takes.
#pragma once

#include "RunTool.h"

#include <nlohmann/json.hpp>

#include <cctype>

namespace gdjit::test {

using Json = nlohmann::json;

inline const char* const lesson_files[] = {
    "01_linear_regression",          "02_gradient_descent",    "03_multivariate_linear_regression",
    "04_minibatch_gradient_descent", "05_logistic_regression", "06_softmax_classification",
    "07_maximum_likelihood",         "08_probability"};

inline const char* const text_stages[] = {"declared", "differentiated", "simplified", "fused",
                                          "loops",    "scheduled",      "planned"};

/// What `list` says of a lesson, as JSON rows.
inline std::vector<std::string> models_of(const std::string& lesson) {
  std::vector<std::string> words;
  for (const Json& row : Json::parse(run_tool({"list", lesson, "--json"}).out))
    words.push_back(row["model"].get<std::string>());
  return words;
}

/// What is done with a model, in words; with fewer rows than the 100,000 of lesson 4, and smaller
/// networks than those of lesson 7.
inline ToolRun run_lesson(std::vector<std::string> words) {
  if (words.at(1).ends_with(":many_rows"))
    words.insert(words.end(), {"--set", "rows=300"});
  for (const char* network : {":overfitting", ":weight_decay", ":dropout", ":early_stopping"})
    if (words.at(1).ends_with(network))
      words.insert(words.end(), {"--set", "hidden=8"});
  return run_tool(words);
}

/// A word as the name of a test.
inline std::string test_name(std::string word) {
  for (char& c : word)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      c = '_';
  return word;
}

} // namespace gdjit::test
