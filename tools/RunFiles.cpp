// A file that cannot be written is no reason to lose the other.
#include "RunFiles.h"

#include "Tool.h"

#include <filesystem>

namespace gdjit::tool {

namespace {

Error with_note(const Error& error, const std::string& note) {
  std::vector<Diagnostic> all = error.diagnostics();
  all.back().notes.push_back({note, {}});
  return Error(error.code(), std::move(all));
}

/// Calls `write`; what it throws is added to `failed`, with the option that names another file.
template <class Write>
void attempt(std::vector<Diagnostic>& failed, const char* option, Write write) {
  try {
    write();
  } catch (const Error& error) {
    failed.push_back(error.diagnostics().front());
    failed.back().notes.push_back(
        {fmt::format("make room there, or give {} a file that can be written", option), {}});
  }
}

} // namespace

RunFiles::RunFiles(const std::string& save, const std::string& metrics)
    : save_(save), metrics_(metrics) {
  if (!save.empty())
    file_.emplace(save);
}

const Checkpoint* RunFiles::replaced() const {
  if (!file_)
    return nullptr;
  const std::optional<Checkpoint>& found = file_->replaced();
  return found ? &*found : nullptr;
}

void RunFiles::go_on(const std::string& path, const Checkpoint& resumed) {
  saved_ = {path, resumed.step, resumed.position.epoch};
  if (!metrics_.empty())
    history_ = History::read(metrics_, resumed.step);
}

void RunFiles::save(const State& state, const Checkpoint& checkpoint) {
  std::vector<Diagnostic> failed;
  tried_ = state.step();
  // First: rows of --metrics behind the saved step are left out when the run goes on.
  if (!metrics_.empty())
    attempt(failed, "--metrics", [&] { history_.write(metrics_); });
  if (file_)
    attempt(failed, "--save", [&] {
      file_->save(state, checkpoint);
      saved_ = {save_, state.step(), checkpoint.position.epoch};
    });
  if (!failed.empty())
    throw Error(ErrorCode::data, std::move(failed));
}

Error RunFiles::ended_by(const Error& error, bool whole, const State& state,
                         const Checkpoint& checkpoint) {
  if (!whole && !metrics_.empty()) {
    history_.keep(metrics_);
  } else if (whole && tried_ != state.step()) {
    try {
      save(state, checkpoint);
    } catch (const Error& second) {
      log("{}", second.what());
    }
  }
  if (std::error_code ignored;
      !saved_ || saved_->step == 0 || !std::filesystem::exists(saved_->path, ignored))
    return error;
  return with_note(error, fmt::format("{} holds the run at step {}, epoch {}; go on from there by "
                                      "--resume {}",
                                      saved_->path, saved_->step, saved_->epoch, saved_->path));
}

} // namespace gdjit::tool
