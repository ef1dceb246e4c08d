// KernelKey: what a kernel is up to its buffers and nodes, as bytes: equal for kernels that a pass
// need treat only once. Without numbers it is equal for kernels that differ in
// extents, bounds, literals and the factors of indices only.
//
// Numbers of values, loops and tiles are those of the kernel: lowering gives equal kernels equal
// ones. Of buffers it holds types and views, not roles, elements or places.
#pragma once

#include "gdjit/Loop/Program.h"

#include <string>

namespace gdjit::loop {

/// Made for one kernel after another of a program.
class KernelKey {
public:
  /// Extents, bounds, literals, and what indices are multiplied by and moved by.
  enum class Numbers : uint8_t { written, left_out };

  explicit KernelKey(const Program& program, Numbers numbers = Numbers::written)
      : of_(program), with_numbers_(numbers == Numbers::written) {}

  /// The kernel that the rest is about from now on.
  void take(const Kernel& kernel);

  /// That its statements name, and that those view, as they appear.
  const std::vector<BufferId>& buffers() const { return buffers_; }
  /// That its statements name, as they appear.
  const std::vector<NodeId>& nodes() const { return nodes_; }
  const std::string& bytes() const { return bytes_; }

private:
  void write(const std::vector<Statement>& body);
  void write(const Statement& s);
  void write(const Index& index);
  void put(uint64_t number) { numbers_.push_back(number); }
  void put_number(int64_t number) {
    if (with_numbers_)
      put(static_cast<uint64_t>(number));
  }
  void put(uint32_t a, uint32_t b) { put(uint64_t{a} << 32 | b); }

  const Program& of_;
  const bool with_numbers_;
  std::vector<uint32_t> buffer_number_, node_number_; ///< in the kernel; none for those of others
  std::vector<BufferId> buffers_;
  std::vector<NodeId> nodes_;
  std::vector<uint64_t> numbers_;
  std::string bytes_;
};

} // namespace gdjit::loop
