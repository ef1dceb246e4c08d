// The one way to run another program: found by $PATH, without a shell.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gdjit {

/// The program that a name stands for, by $PATH, links resolved; "" where there is none.
std::string find_program(const std::string& name);

/// Files for what a program prints; without one it goes to standard error.
struct PrintedTo {
  std::string output, messages;
};

/// How a program ended: its exit status, or the signal that ended it.
struct Ended {
  int status = 0;
  int signal = 0;
  bool well() const { return status == 0 && signal == 0; }
};

/// Runs a program (arguments[0] is its name for itself) and waits. Ctrl-C, SIGTERM and SIGHUP
/// meanwhile reach it, too, and give Error(interrupted) when it has ended, so that what is
/// half-made can be cleared away; Error(compile) where it cannot be started.
Ended run_program(const std::string& program, const std::vector<std::string>& arguments,
                  const PrintedTo& printed = {});

struct Filtered {
  Ended ended;
  std::string output, messages;
};

/// Runs a program, found by its name, with `options` on a file that holds `input`; nullopt where it
/// is not installed. Error(data) where no temporary file can be written.
std::optional<Filtered> run_filter(const std::string& name, const std::vector<std::string>& options,
                                   const std::string& input);

} // namespace gdjit
