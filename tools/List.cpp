// gdjit list: the models there are.
#include "Tool.h"

#include "gdjit/Driver/Json.h"
#include "gdjit/Driver/LoadModel.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace gdjit::tool {

void add_list(CLI::App& app, Tool& tool) {
  CLI::App* command =
      app.add_subcommand("list", "Lists the models of the built examples, or of a file.\n\n"
                                 "  gdjit list\n  gdjit list my_models.cpp");
  auto file = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  command->add_option("file", *file, "a .cpp, .so or example; without it all examples");
  command->add_flag("--json", *json, "as JSON");
  command->callback([file, json, &tool] {
    std::vector<std::string> names =
        file->empty() ? example_names() : std::vector<std::string>{*file};
    if (names.empty())
      log("no examples are built beside this gdjit");
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    std::string text;
    size_t width = 0;
    std::vector<std::pair<std::string, std::string>> lines;
    for (const std::string& name : names) {
      ModelFile models = load_model_file(name);
      tool.folder = models.folder;
      tool.source_prefix = models.source_prefix;
      for (const ModelRow* row : models.models) {
        // The first of a file goes by the file's name.
        std::string word =
            row == models.models.front() && file->empty() ? name : name + ":" + row->name;
        lines.emplace_back(word, row->summary);
        width = std::max(width, word.size());
        all.push_back(
            {{"model", word}, {"name", row->name}, {"summary", row->summary}, {"line", row->line}});
      }
    }
    for (const auto& [word, summary] : lines)
      text += fmt::format("{:<{}}  {}\n", word, width, summary);
    write_output(*json ? json_text(all) : text);
  });
}

} // namespace gdjit::tool
