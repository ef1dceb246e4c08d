// What the commands share: how one is added, and what main knows when something goes wrong.
#pragma once

#include "gdjit/Support/Error.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gdjit::tool {

/// One run of the tool.
struct Tool {
  std::vector<std::string> arguments; ///< as typed, without the program's name
  /// Code of the model: what it throws is looked at when the Subject is gone.
  std::shared_ptr<void> binary;
  std::function<std::string()>
      reproducer;                ///< text of what is being worked on, for a report of a bug of ours
  std::string folder;            ///< of the model's source: messages name its files from here
  std::string source_prefix;     ///< what file names of a model built elsewhere begin with
  std::vector<std::string> read; ///< files of rows
  std::vector<std::pair<std::string, std::string>> written; ///< option and whole path
  int exit_code = 0;                                        ///< of a command that ran to its end
};

// One function per command, each in a file of its own: adds the options, and what to do with them.
void add_list(CLI::App& app, Tool& tool);
void add_train(CLI::App& app, Tool& tool);
void add_eval(CLI::App& app, Tool& tool);
void add_predict(CLI::App& app, Tool& tool);
void add_dump(CLI::App& app, Tool& tool);
void add_opt(CLI::App& app, Tool& tool);
void add_check(CLI::App& app, Tool& tool);
void add_bench(CLI::App& app, Tool& tool);
void add_explain(CLI::App& app, Tool& tool);
void add_doc(CLI::App& app, Tool& tool);
void add_info(CLI::App& app, Tool& tool);

/// Before work begins: Error(data) where a file of this name cannot be made at its end, because its
/// folder is not there or may not be written to; Error(usage) where it is one that rows come
/// from, or that another option writes.
void require_output(const std::string& option, const std::string& file, Tool& tool);

/// Text on standard error, for people; where nobody listens, nothing.
void write_log(std::string_view text);

/// A line on standard error.
template <class... T> void log(fmt::format_string<T...> format, T&&... arguments) {
  write_log(fmt::format(format, std::forward<T>(arguments)...) + "\n");
}

/// Error(usage) that names the nearest of `known`.
gdjit::Error unknown_pass(const std::string& name, std::span<const std::string> known);

/// What an option takes, in words that name the value refused.
inline constexpr int64_t any_number = std::numeric_limits<int64_t>::min();
CLI::Validator whole_number(int64_t least = any_number);
CLI::Validator positive_number();
CLI::Validator not_empty();
CLI::Validator one_of(std::vector<std::string> words);

/// Writes results to standard output; Error(data) where it takes them no more (a full disk, a
/// closed pipe).
void write_output(std::string_view text);

} // namespace gdjit::tool
