// What a checkpoint says comes before what the model's source says by default.
#include "Trained.h"

#include "Settings.h"

namespace gdjit::tool {

Trained load_trained(CLI::App& command, const ModelArguments& model, const std::string& load,
                     Tool& tool) {
  static constexpr KeptOption declared[] = {{"--dtype"}, {"--set"}, {"--optimizer"}};
  Trained trained;
  if (!load.empty()) {
    trained.checkpoint = read_checkpoint(load);
    take_settings(command, declared, *trained.checkpoint, load);
  }
  trained.subject = std::make_unique<Subject>(model, tool);
  trained.state = std::make_unique<State>(trained.subject->initial_state(0));
  if (trained.checkpoint) {
    require_same_options(*trained.subject, *trained.checkpoint, load);
    load_checkpoint(load, *trained.state);
    std::vector<std::string> words;
    for (const auto& [name, word] : trained.checkpoint->settings)
      if (name == "--lr")
        words.push_back(word);
    trained.scalars = parse_scalars(trained.subject->work(StepKind::training).signature(), words);
  } else if (trained.state->size() > 0) {
    throw Error(ErrorCode::usage,
                fmt::format("{} needs trained values: --load FILE, as `gdjit train {} --save FILE` "
                            "writes it",
                            command.get_name(), model.word));
  }
  return trained;
}

} // namespace gdjit::tool
