// How a run was told to train, kept in its checkpoint: `train --resume` goes on the same way,
// `eval` and `predict` declare the model as it was.
#pragma once

#include "Subject.h"

#include "gdjit/Data/Checkpoint.h"

namespace gdjit::tool {

/// An option whose words a checkpoint keeps.
struct KeptOption {
  const char* name;
  /// A run that goes on may not change it.
  bool fixed = false;
};

/// As --set takes it.
std::string text_of(const Number& number);

using Settings = std::vector<std::pair<std::string, std::string>>;

/// The words of these options, as typed or as taken over.
Settings settings_of(const CLI::App& command, std::span<const KeptOption> options);

/// Before a run that is saved: Error(usage) for a word that no checkpoint can keep, since it is not
/// UTF-8.
void require_kept(const CLI::App& command, std::span<const KeptOption> options);

/// The words that a checkpoint keeps for an option.
std::vector<std::string> kept_words(const Checkpoint& checkpoint, const std::string& option);

/// Gives each of these options that was not typed the words that `checkpoint` keeps for it.
/// Error(usage) listing those that were typed, are fixed and differ.
void take_settings(CLI::App& command, std::span<const KeptOption> options,
                   const Checkpoint& checkpoint, const std::string& path);

/// Error(data) listing the m.option values that the model has otherwise than the checkpoint, and a
/// line on standard error where it is of a model of another name.
void require_same_options(const Subject& subject, const Checkpoint& checkpoint,
                          const std::string& path);

} // namespace gdjit::tool
