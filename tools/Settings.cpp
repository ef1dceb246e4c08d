// CLI11 keeps the words of each option, and takes words as if they had been typed.
#include "Settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace gdjit::tool {

std::vector<std::string> kept_words(const Checkpoint& checkpoint, const std::string& option) {
  std::vector<std::string> words;
  for (const auto& [key, word] : checkpoint.settings)
    if (key == option)
      words.push_back(word);
  return words;
}

std::string text_of(const Number& number) {
  return number.is_float ? fmt::format("{}", static_cast<double>(number.value))
                         : fmt::format("{}", static_cast<int64_t>(number.value));
}

Settings settings_of(const CLI::App& command, std::span<const KeptOption> options) {
  Settings settings;
  for (const KeptOption& kept : options)
    for (const std::string& word : command.get_option(kept.name)->results())
      settings.emplace_back(kept.name, word);
  return settings;
}

void require_kept(const CLI::App& command, std::span<const KeptOption> options) {
  for (const auto& [option, word] : settings_of(command, options))
    try {
      (void)nlohmann::json(word).dump();
    } catch (const nlohmann::json::exception&) {
      throw Error(ErrorCode::usage,
                  fmt::format("{} {}: is not UTF-8, so that no checkpoint can keep it; give a file "
                              "another name",
                              option, word));
    }
}

void take_settings(CLI::App& command, std::span<const KeptOption> options,
                   const Checkpoint& checkpoint, const std::string& path) {
  std::vector<Note> notes;
  for (const KeptOption& kept : options) {
    CLI::Option* option = command.get_option(kept.name);
    std::vector<std::string> words = kept_words(checkpoint, kept.name);
    if (option->count() > 0) {
      if (kept.fixed && option->results() != words)
        notes.push_back(
            {fmt::format("{} {}, there {}", kept.name, fmt::join(option->results(), " "),
                         words.empty() ? "none" : fmt::format("{}", fmt::join(words, " "))),
             {}});
      continue;
    }
    for (const std::string& word : words)
      option->add_result(word);
    if (!words.empty())
      option->run_callback();
  }
  if (notes.empty())
    return;
  notes.push_back({"leave them out, or start a run of its own without --resume", {}});
  throw Error(ErrorCode::usage,
              fmt::format("the run in {} was told otherwise, and goes on as it began", path), {},
              std::move(notes));
}

void require_same_options(const Subject& subject, const Checkpoint& checkpoint,
                          const std::string& path) {
  if (checkpoint.model != subject.name())
    log("{} was saved by model '{}', not '{}'", path, checkpoint.model, subject.name());
  if (subject.is_text())
    return;
  std::vector<Note> notes;
  std::vector<OptionValue> here = subject.model().options();
  auto find = [](const std::vector<OptionValue>& all, const std::string& name) {
    return std::find_if(all.begin(), all.end(), [&](const auto& o) { return o.name == name; });
  };
  for (const OptionValue& there : checkpoint.options)
    if (auto found = find(here, there.name); found == here.end())
      notes.push_back({fmt::format("{}={} there, the model has no such option", there.name,
                                   text_of(there.value)),
                       {}});
    else if (found->value.value != there.value.value)
      notes.push_back({fmt::format("{}={} there, {} here; --set {}={} gives the saved one",
                                   there.name, text_of(there.value), text_of(found->value),
                                   there.name, text_of(there.value)),
                       {}});
  for (const OptionValue& own : here)
    if (find(checkpoint.options, own.name) == checkpoint.options.end())
      notes.push_back({fmt::format("{}={} here, unknown there", own.name, text_of(own.value)), {}});
  if (notes.empty())
    return;
  std::string message = fmt::format("{}: the model was saved with other options", path);
  throw Error(ErrorCode::data, std::move(message), {}, std::move(notes));
}

} // namespace gdjit::tool
