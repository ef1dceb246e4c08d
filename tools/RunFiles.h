// What a training run leaves on disk, its checkpoint and the figures of its epochs, and what the
// error that ends it says of them.
#pragma once

#include "History.h"

#include "gdjit/Data/Checkpoint.h"

#include <optional>

namespace gdjit::tool {

class RunFiles {
public:
  /// The paths of --save and --metrics, "" for none. Error(data) where another run owns the first.
  RunFiles(const std::string& save, const std::string& metrics);

  bool saves() const { return file_.has_value(); }
  /// The checkpoint that the first save takes the place of; null where there is none.
  const Checkpoint* replaced() const;
  History& history() { return history_; }
  const History& history() const { return history_; }

  /// The run is the one in `path`, which is not touched unless it is saved there.
  void go_on(const std::string& path, const Checkpoint& resumed);
  /// Writes both. Error(data) where one of them cannot be written: the other then is.
  void save(const State& state, const Checkpoint& checkpoint);
  /// An error that ends the run, with what is saved and how to go on from there. It is saved first
  /// where `whole`: the state is that behind an update which went well.
  Error ended_by(const Error& error, bool whole, const State& state, const Checkpoint& checkpoint);

private:
  struct Saved {
    std::string path;
    int64_t step, epoch;
  };

  std::string save_, metrics_;
  std::optional<CheckpointFile> file_;
  History history_;
  std::optional<Saved> saved_; ///< of this run, last
  int64_t tried_ = -1;         ///< the step at the last call of save
};

} // namespace gdjit::tool
