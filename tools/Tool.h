// What the commands share: how one is added, and what main knows when something goes wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <vector>

namespace gdjit::tool {

/// One run of the tool.
struct Tool {
  std::vector<std::string> arguments; ///< as typed, without the program's name
  std::function<std::string()>
      reproducer;     ///< text of what is being worked on, for a report of a bug of ours
  std::string folder; ///< of the model's source: messages name its files relative to here
  int exit_code = 0;  ///< of a command that ran to its end
};

// One function per command, each in a file of its own: adds the options, and what to do with them.
void add_list(CLI::App& app, Tool& tool);
void add_train(CLI::App& app, Tool& tool);
void add_dump(CLI::App& app, Tool& tool);
void add_opt(CLI::App& app, Tool& tool);
void add_check(CLI::App& app, Tool& tool);
void add_bench(CLI::App& app, Tool& tool);
void add_doc(CLI::App& app, Tool& tool);
void add_info(CLI::App& app, Tool& tool);

/// A line on standard error, for people.
template <class... T> void log(fmt::format_string<T...> format, T&&... arguments) {
  fmt::print(stderr, "{}\n", fmt::format(format, std::forward<T>(arguments)...));
}

/// Writes results to standard output; Error(data) where it takes them no more (a full disk, a
/// closed pipe).
void write_output(std::string_view text);

} // namespace gdjit::tool
