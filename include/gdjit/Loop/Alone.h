// Alone: a kernel in a program of its own, so that what a pass makes of a kernel is made once of
// all that are equal up to their buffers and nodes.
//
//   kernel k3 { … load layer1/w[i, j] … }, kernel k4 { … load layer2/w[i, j] … }
//     =>  one kernel over the buffers 0, 1 …; what becomes of it is written back to k3 and to k4
// Numbers of values, loops and tiles are those of the kernel: lowering gives equal kernels equal
// ones. Buffers keep their order, so that a pass does for a kernel alone what it would do for it
// among others. All of them are temporaries there: a pass that runs on kernels alone may ask for a
// buffer's type, not for its role, elements or place.
#pragma once

#include "gdjit/Loop/Program.h"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gdjit::loop {

/// "w" + ".packed" + the number of the buffer that is added next: the name of one that a pass
/// makes. Names in a kernel's own program stand for those that the kernel's buffers have in its
/// program.
std::string own_name(const Program& program, std::string_view of, std::string_view word);

/// What became of a kernel alone, and what was remarked.
struct AloneResult {
  Program program;
  std::vector<std::string> remarks;
};

/// A kernel up to its buffers and nodes; made for one kernel after another.
class Alone {
public:
  explicit Alone(const Program& program) : of_(program) {}

  /// The kernel that buffers, result and write_back are about from now on.
  void take(const Kernel& kernel);

  /// Of the kernel, by their numbers in its own program.
  const std::vector<BufferId>& buffers() const { return buffers_; }

  /// What `work` makes of the kernel's own program; it is asked once for all kernels that are equal
  /// and of which the pass knows the same beside their statements, written as `known_of_it`.
  const AloneResult& result(const Kernel& kernel, std::string_view known_of_it,
                            const std::function<void(AloneResult&)>& work);

  /// Makes `kernel` what its program has become; that has no further buffers and nothing to remark.
  void write_back(const AloneResult& result, Kernel& kernel) const;
  /// The same; buffers and remarks are added.
  void write_back(const AloneResult& result, Program& program, Kernel& kernel,
                  std::vector<std::string>& remarks) const;

private:
  Program program(const Kernel& kernel) const;
  void write(const Kernel& alone, const std::vector<BufferId>& buffers, Kernel& kernel) const;
  void write(const std::vector<Statement>& body);
  void write(const Statement& s);
  void write(const Index& index);
  void put(uint64_t number) { numbers_.push_back(number); }
  void put(uint32_t a, uint32_t b) { put(uint64_t{a} << 32 | b); }

  const Program& of_;
  std::vector<uint32_t> buffer_number_, node_number_; ///< in the kernel; none for those of others
  std::vector<BufferId> buffers_;                     ///< of the kernel, ascending
  std::vector<NodeId> nodes_;                         ///< of the kernel, as they appear
  std::vector<uint64_t> numbers_;                     ///< of the key
  std::string key_;                                   ///< equal for equal programs
  std::unordered_map<std::string, AloneResult> results_;
};

} // namespace gdjit::loop
