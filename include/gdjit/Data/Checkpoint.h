// Checkpoint: all that a run needs to go on as if it had never stopped, in one safetensors file.
//
//   CheckpointFile file("run.safetensors");                       // owned: a second run is refused
//   file.save(state, {.model = m.name(), .position = loader.position()});
//
//   Checkpoint c = load_checkpoint("run.safetensors", state);     // values, step, seed
//   loader.seek(c.position);
//
// Arrays stand under the names of the State. The key gdjit.checkpoint of the metadata is JSON:
// version, step, seed, model, dtype, options, position, scalings, labels, columns, settings.
// Python's safetensors opens the file; checksums are zlib.crc32 (IO/Safetensors.h).
#pragma once

#include "gdjit/Data/Loader.h"
#include "gdjit/Data/Scaling.h"
#include "gdjit/Runtime/State.h"
#include "gdjit/Support/AtomicFile.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gdjit {

/// What a run is, besides the values of its State.
struct Checkpoint {
  /// Of the format; a file of a greater one is refused.
  static constexpr int64_t newest = 1;

  int64_t version = newest;
  std::string written_by = {}; ///< the version of gdjit, set when saved
  int64_t step = 0;            ///< of the State, set when saved
  int64_t seed = 0;            ///< likewise
  std::string model = {};
  DType dtype = DType::f32;
  std::vector<OptionValue> options = {};
  LoaderPosition position = {};
  int64_t rows_checksum = -1; ///< Dataset::checksum() of the rows of the run; -1 where not known
  std::vector<Scaling> scalings = {};
  std::vector<ClassLabels> labels = {};
  /// Which columns of its table each input took; empty where the rows came from elsewhere.
  std::vector<InputColumnNames> columns = {};
  /// How the run was told to train, word by word: what the tool keeps for train --resume.
  std::vector<std::pair<std::string, std::string>> settings = {};
};

/// With model, dtype and options of this model.
Checkpoint describe(const Model& model);

/// A path that a run saves to, again and again; see OwnedFile for two runs and one path.
class CheckpointFile {
public:
  /// Error(data) where another run owns the path, or a file is there that cannot be read as a
  /// checkpoint.
  explicit CheckpointFile(const std::string& path);
  /// The checkpoint that was there, which the first save takes the place of.
  const std::optional<Checkpoint>& replaced() const { return replaced_; }
  /// The file holds the last state saved or this one, whatever happens in between. Error(data) for
  /// a full disk and the like, the last one being there still.
  void save(const State& state, const Checkpoint& checkpoint);

private:
  OwnedFile file_;
  std::optional<Checkpoint> replaced_;
};

/// Once, without owning the path.
void save_checkpoint(const std::string& path, const State& state, const Checkpoint& checkpoint);

/// All but the arrays' values: for `gdjit info`. Error(data) for what is no checkpoint (foreign,
/// truncated, damaged: the arrays concerned are named) or of a newer format.
Checkpoint read_checkpoint(const std::string& path);

/// Reads a checkpoint into a State: values, step, seed. Error(data) as above, and listing
/// every array that the one has and the other lacks, or has with another type; the State is then as
/// it was.
Checkpoint load_checkpoint(const std::string& path, State& state);

} // namespace gdjit
