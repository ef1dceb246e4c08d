// Alone: a kernel in a program of its own, so that a pass does for it what it would do for all
// kernels that are the same.
//
//   kernel k3 { … load layer1/w[i, j] … }, and k4, the same
//     =>  one kernel over the buffers 0, 1 …; what becomes of it is written back to k3 and to k4
// Buffers are numbered as they appear, so that nothing depends on the order in which a program
// knows them. All of them are temporaries there: a pass that runs on a kernel alone may ask for a
// buffer's type, not for its role, elements or place.
#pragma once

#include "gdjit/Loop/Program.h"

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gdjit::loop {

/// "w" + ".packed" + the number of the buffer that is added next: the name of one that a pass
/// makes. Names in a kernel's own program stand for those that the kernel's buffers have in its
/// program.
std::string own_name(const Program& program, std::string_view of, std::string_view word);

/// The program of a kernel that has statements.
class Alone {
public:
  Alone(const Program& of, const Kernel& kernel);

  /// The program, for a pass to rewrite; it may add buffers.
  Program& program() { return program_; }
  std::vector<std::string>& remarks() { return remarks_; }
  /// Those of `buffers` that the kernel names, by their numbers in its own program.
  std::set<BufferId> numbers(const std::set<BufferId>& buffers) const;

  /// Makes `kernel`, or one that is the same, what has become of it; adds its buffers, and for the
  /// kernel itself its remarks.
  void write_back(Program& of, Kernel& kernel, std::vector<std::string>& remarks) const;

private:
  Program program_;
  std::vector<std::string> remarks_;
  std::vector<BufferId> buffers_; ///< of the kernel, by their numbers in its own program
  std::unordered_map<BufferId, BufferId> number_; ///< the other way
};

} // namespace gdjit::loop
