// gdjit: trains, shows and checks models. Results go to standard output, all else to standard
// error; the exit codes are those of gdjit::ErrorCode.
#include "Interrupt.h"
#include "Tool.h"

#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Hash.h"
#include "gdjit/Support/Suggest.h"
#include "gdjit/Support/Version.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <malloc.h>
#include <unistd.h>

namespace gdjit::tool {

void write_output(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw Error(ErrorCode::data, fmt::format("standard output: {}", std::strerror(errno)));
}

void require_output(const std::string& option, const std::string& file, Tool& tool) {
  for (const std::string& read : tool.read)
    if (std::error_code failed; std::filesystem::equivalent(file, read, failed))
      throw Error(ErrorCode::usage,
                  fmt::format("{} {}: the rows come from there; give another file", option, file));
  std::string folder = std::filesystem::path(file).parent_path().string();
  if (folder.empty())
    folder = ".";
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw Error(ErrorCode::data,
                fmt::format("{}: folder {}: {}", file, folder, std::strerror(errno)));
  std::error_code failed;
  const std::string whole = std::filesystem::weakly_canonical(file, failed).string();
  for (const auto& [other, written] : tool.written)
    if (written == whole)
      throw Error(ErrorCode::usage, fmt::format("{} {}: {} writes that file, too; give another",
                                                option, file, other));
  tool.written.emplace_back(option, whole);
}

void write_log(std::string_view text) {
  // A closed or full standard error is no reason to stop.
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

CLI::Validator whole_number(int64_t least) {
  return CLI::Validator(
      [least](std::string& text) -> std::string {
        int64_t value = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        bool whole = error == std::errc() && end == text.data() + text.size();
        if (whole && value >= least)
          return "";
        return least == any_number
                   ? fmt::format("'{}' is no whole number of 64 bits", text)
                   : fmt::format("'{}' is no whole number of at least {}", text, least);
      },
      "");
}

CLI::Validator not_empty() {
  return CLI::Validator(
      [](std::string& text) -> std::string { return text.empty() ? "'' names nothing" : ""; }, "");
}

CLI::Validator positive_number() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        double value = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        bool number = error == std::errc() && end == text.data() + text.size();
        return number && value > 0 && std::isfinite(value)
                   ? ""
                   : fmt::format("'{}' is no number above 0", text);
      },
      "");
}

CLI::Validator one_of(std::vector<std::string> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& text) -> std::string {
        return std::find(words.begin(), words.end(), text) != words.end()
                   ? ""
                   : fmt::format("'{}' is none of {}{}", text, fmt::join(words, ", "),
                                 did_you_mean(text, words));
      },
      "");
}

Error unknown_pass(const std::string& name, std::span<const std::string> known) {
  std::string near = did_you_mean(name, known);
  return Error(ErrorCode::usage,
               fmt::format("unknown pass '{}'{}", name,
                           near.empty() ? "; `gdjit doc passes` lists them" : near));
}

namespace {

/// Names that begin with `dash` of what `app` knows: its options, or its commands.
std::vector<std::string> known_words(const CLI::App& app, bool options) {
  std::vector<std::string> words;
  if (options) {
    for (const CLI::Option* option : app.get_options())
      for (const std::string& name : option->get_lnames())
        words.push_back("--" + name);
  } else {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
      words.push_back(command->get_name());
  }
  return words;
}

/// What CLI11 reports, in our words.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  for (const CLI::App* chosen : app.get_subcommands())
    command = chosen;
  std::vector<std::string> rest = command->remaining(true);
  // A mistyped command is to CLI11 a missing one.
  // So is a mistyped option in front of a missing argument.
  const bool mistyped = dynamic_cast<const CLI::RequiredError*>(&error) &&
                        !command->get_allow_extras() && !rest.empty() && rest.front()[0] == '-';
  bool extras = dynamic_cast<const CLI::ExtrasError*>(&error) || command == &app || mistyped;
  if (extras && !rest.empty()) {
    const std::string& word = rest.front();
    bool option = word.starts_with("-") && word.size() > 1;
    std::string name = word.substr(0, word.find('='));
    if (command == &app)
      return fmt::format("unknown {} '{}'{}", option ? "option" : "command", word,
                         did_you_mean(name, known_words(app, option)));
    return option ? fmt::format("{}: unknown option '{}'{}", command->get_name(), name,
                                did_you_mean(name, known_words(*command, true)))
                  : fmt::format("{}: '{}' is one argument too many", command->get_name(), word);
  }
  if (command == &app && dynamic_cast<const CLI::RequiredError*>(&error))
    return fmt::format("no command; there are {}", fmt::join(known_words(app, false), ", "));
  std::string text = error.what();
  return command == &app ? text : fmt::format("{}: {}", command->get_name(), text);
}

/// Files of the model's folder, named from here: an editor finds them.
std::string with_folder(const Error& error, const Tool& tool) {
  auto place = [&](SourceLocation location) {
    if (std::find(tool.read.begin(), tool.read.end(), location.file) != tool.read.end())
      return location;
    if (!tool.source_prefix.empty() && location.file.starts_with(tool.source_prefix))
      location.file.erase(0, tool.source_prefix.size());
    std::string there = tool.folder + "/" + location.file;
    if (!tool.folder.empty() && location.known() && !location.file.starts_with('/') &&
        access(there.c_str(), R_OK) == 0)
      location.file = there;
    return location;
  };
  std::string text;
  for (Diagnostic diagnostic : error.diagnostics()) {
    diagnostic.location = place(diagnostic.location);
    for (Note& note : diagnostic.notes)
      note.location = place(note.location);
    text += to_string(diagnostic) + "\n";
  }
  return text;
}

/// A bug of ours: writes what is needed to see it again, and says where.
int report_bug(const Tool& tool, const char* what) {
  std::string text =
      fmt::format("; gdjit {}: internal error: {}\n; command: gdjit", GDJIT_VERSION, what);
  for (const std::string& argument : tool.arguments)
    text += " " + argument;
  text += "\n";
  try {
    if (tool.reproducer)
      text += tool.reproducer();
  } catch (const std::exception& error) {
    text += fmt::format("; the step cannot be printed: {}\n", error.what());
  }
  std::string file = fmt::format("gdjit-bug-{:08x}.gdir", static_cast<uint32_t>(hash_bytes(text)));
  log("error: internal error in gdjit: {}", what);
  for (const std::string& path : {file, "/tmp/" + file}) {
    try {
      write_file(path, text);
      log("  this is a bug of ours, not of your model; {} shows it again, please report it", path);
      break;
    } catch (const Error& error) {
      log("  {}", error.what());
    }
  }
  return static_cast<int>(ErrorCode::internal);
}

/// Help that says of an option with several values that it is to be repeated.
class HelpFormatter : public CLI::Formatter {
public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    if (size_t at = text.find(" ..."); at != std::string::npos && !option->get_allow_extra_args())
      text.replace(at, 4, " (again for more)");
    return text;
  }
};

/// LLVM takes ten megabytes and more in small pieces. The heap grows by many pages at once: of the
/// 290 system calls that it took in lesson 7's `overfitting` 22 are left, and the threads that
/// compile no longer wait there for each other. Any of these ends glibc's own choice of the others.
void grow_heap_in_large_steps() {
  constexpr int megabyte = 1 << 20;
  mallopt(M_TOP_PAD, 16 * megabyte);
  mallopt(M_TRIM_THRESHOLD, 32 * megabyte);
  mallopt(M_MMAP_THRESHOLD, 4 * megabyte);
}

int run(int argc, char** argv) {
  grow_heap_in_large_steps();
  catch_truncation();
  std::signal(SIGXFSZ, SIG_IGN); // writes beyond the limit of a file's size fail, and say so
  Tool tool;
  tool.arguments.assign(argv + 1, argv + argc);
  CLI::App app("gdjit trains, shows and checks models declared as expression graphs.\n\n"
               "MODEL is the name or number of a built example (gdjit list), a .cpp, .so or .gdir "
               "file, or - for a\n"
               ".gdir text on standard input; FILE:NAME is one model of a file.\n\n"
               "  gdjit train 05_logistic_regression\n"
               "  gdjit dump 01 --stage loops\n"
               "  gdjit train my_model.cpp --steps 500 --lr 0.1",
               "gdjit");
  app.formatter(std::make_shared<HelpFormatter>()); // before subcommands, which take it over
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("gdjit ") + GDJIT_VERSION);
  using Add = void (*)(CLI::App&, Tool&);
  const std::pair<std::string_view, Add> commands[] = {
      {"list", add_list},       {"train", add_train}, {"eval", add_eval},
      {"predict", add_predict}, {"dump", add_dump},   {"opt", add_opt},
      {"check", add_check},     {"bench", add_bench}, {"explain", add_explain},
      {"doc", add_doc},         {"info", add_info}};
  const std::string_view first = argc > 1 ? argv[1] : "";
  const bool known = std::ranges::find(commands, first, &std::pair<std::string_view, Add>::first) !=
                     std::end(commands);
  for (const auto& [name, add] : commands)
    if (!known || name == first) // the options of all take a quarter of a millisecond
      add(app, tool);
  try {
    app.parse(argc, argv);
    return tool.exit_code;
  } catch (const CLI::Success& asked) {
    app.exit(asked); // --help, --version
    std::cout.flush();
    if (!std::cout) {
      log("error: standard output: {}", std::strerror(errno));
      return static_cast<int>(ErrorCode::data);
    }
    return 0;
  } catch (const CLI::ParseError& error) {
    log("error: {}", usage_message(app, error));
    log("  gdjit{} --help shows what there is",
        app.get_subcommands().empty() ? "" : " " + app.get_subcommands().front()->get_name());
    return static_cast<int>(ErrorCode::usage);
  } catch (const Error& error) {
    std::fflush(stdout);
    write_log(with_folder(error, tool));
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    log("error: not enough memory");
    return static_cast<int>(ErrorCode::data);
  } catch (const std::exception& error) {
    return report_bug(tool, error.what());
  }
}

} // namespace

} // namespace gdjit::tool

int main(int argc, char** argv) {
  try {
    return gdjit::tool::run(argc, argv);
  } catch (...) { // not even the report of an error was possible
    std::fputs("error: internal error in gdjit: an exception left the report of an error\n",
               stderr);
    return static_cast<int>(gdjit::ErrorCode::internal);
  }
}
