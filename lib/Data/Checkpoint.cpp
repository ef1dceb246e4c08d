// Saving and loading runs.
#include "gdjit/Data/Checkpoint.h"

#include "CheckpointText.h"
#include "gdjit/IO/Safetensors.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Version.h"

#include <filesystem>
#include <fmt/format.h>

namespace gdjit {

namespace {

constexpr const char* key = "gdjit.checkpoint";

std::vector<TensorView> arrays_of(const State& state) {
  std::vector<TensorView> arrays;
  for (int i = 0; i < state.size(); ++i)
    arrays.push_back(state.view(i));
  return arrays;
}

TextMap metadata_of(const State& state, Checkpoint checkpoint) {
  checkpoint.version = Checkpoint::newest;
  checkpoint.written_by = GDJIT_VERSION;
  checkpoint.step = state.step();
  checkpoint.seed = state.seed();
  return {{key, checkpoint_text(checkpoint)}};
}

Checkpoint checkpoint_of(const Safetensors& file, const std::string& path) {
  const std::string* text = file.metadata(key);
  if (!text)
    throw Error(ErrorCode::data,
                fmt::format("{}: a safetensors file, but no checkpoint of gdjit", path), {},
                {{"a checkpoint is written by train --save or save_checkpoint", {}}});
  if (!file.verify())
    throw Error(ErrorCode::data, fmt::format("{}: damaged: it has no checksums", path));
  return parse_checkpoint(*text, path);
}

void require_arrays(const Safetensors& file, const std::string& path, const State& state) {
  std::vector<Note> notes;
  for (int i = 0; i < state.size(); ++i) {
    const StoredArray* stored = file.find(state.name(i));
    if (!stored)
      notes.push_back(
          {fmt::format("{} : {} is not in the file", state.name(i), to_string(state.type(i))), {}});
    else if (!(stored->type == state.type(i)))
      notes.push_back({fmt::format("{} : {} in the model, {} in the file", state.name(i),
                                   to_string(state.type(i)), to_string(stored->type)),
                       {}});
  }
  for (const StoredArray& stored : file.arrays())
    if (state.find(stored.name) < 0)
      notes.push_back(
          {fmt::format("{} : {} is not in the model", stored.name, to_string(stored.type)), {}});
  if (notes.empty())
    return;
  std::string message =
      fmt::format("{}: the checkpoint is of another model; {} arrays differ", path, notes.size());
  throw Error(ErrorCode::data, std::move(message), {}, std::move(notes));
}

} // namespace

Checkpoint describe(const Model& model) {
  return {.model = model.name(), .dtype = model.dtype(), .options = model.options()};
}

CheckpointFile::CheckpointFile(const std::string& path) : file_(path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed) || std::filesystem::is_empty(path, failed))
    return;
  try {
    replaced_ = read_checkpoint(path);
  } catch (const Error& error) {
    throw Error(
        ErrorCode::data,
        fmt::format("{}: is there and is no checkpoint that this gdjit reads", path), {},
        {{error.diagnostics().front().message, {}},
         {"a checkpoint is written over, no other file: give another name or remove it", {}}});
  }
}

void CheckpointFile::save(const State& state, const Checkpoint& checkpoint) {
  write_safetensors(file_, arrays_of(state), metadata_of(state, checkpoint));
}

void save_checkpoint(const std::string& path, const State& state, const Checkpoint& checkpoint) {
  write_safetensors(path, arrays_of(state), metadata_of(state, checkpoint));
}

Checkpoint read_checkpoint(const std::string& path) {
  return checkpoint_of(Safetensors::open(path), path);
}

Checkpoint load_checkpoint(const std::string& path, State& state) {
  Safetensors file = Safetensors::open(path);
  Checkpoint checkpoint = checkpoint_of(file, path);
  require_arrays(file, path, state);
  std::vector<Array> values;
  for (int i = 0; i < state.size(); ++i)
    values.push_back(file.read(*file.find(state.name(i))));
  for (int i = 0; i < state.size(); ++i)
    state.set(i, values[static_cast<size_t>(i)]);
  state.set_step(checkpoint.step);
  state.set_seed(checkpoint.seed);
  return checkpoint;
}

} // namespace gdjit
