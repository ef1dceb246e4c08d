// One kernel of Loop IR, run statement by statement, every access checked against its buffer or
// tile.
#pragma once

#include "LoopMemory.h"
#include "gdjit/Ops/Op.h"

#include <map>

namespace gdjit {

class LoopKernel {
public:
  LoopKernel(const loop::Program& program, const loop::Kernel& kernel, LoopMemory& memory,
             CallStatus& status)
      : program_(program), kernel_(kernel), memory_(memory), status_(status),
        values_(kernel.values), loops_(kernel.loops), tiles_(kernel.tiles) {}

  void run() { run(kernel_.body); }

private:
  using Lanes = std::vector<loop::Bits>;
  struct Tile {
    DType type = DType::f32;
    int64_t lanes = 1;
    std::vector<int64_t> extents;
    Lanes elements; ///< row-major, lanes innermost
  };

  void run(const std::vector<loop::Statement>& body);
  void run(const loop::Statement& s);
  void compute(const loop::Statement& s);
  void call(const loop::Statement& s);
  void access(const loop::Statement& s);
  void tile(const loop::Statement& s);
  void join(const loop::Statement& s);
  void transpose(const loop::Statement& s);
  void check(const loop::Statement& s);

  /// The elements, lanes counted, of the part of a tile that a join or transposition names.
  struct Part {
    size_t first, count;
  };
  Part part(const loop::Statement& s) const;
  int64_t coordinate(const loop::Index& index, int64_t lane) const;
  /// Row-major position of an access in `extents`; `s` and `what` for the message where it lies
  /// outside.
  int64_t position(const loop::Statement& s, std::span<const int64_t> extents, int64_t lane,
                   const std::string& what) const;
  loop::Bits lane_of(loop::ValueId v, int64_t lane) const {
    const Lanes& lanes = values_[v];
    return lanes.size() == 1 ? lanes[0] : lanes[static_cast<size_t>(lane)];
  }
  bool active(const loop::Statement& s, int64_t lane) const {
    return s.mask == loop::none || lane_of(s.mask, lane) != 0;
  }

  const loop::Program& program_;
  const loop::Kernel& kernel_;
  LoopMemory& memory_;
  CallStatus& status_;
  std::vector<Lanes> values_;
  std::vector<DType> types_ = std::vector<DType>(kernel_.values);
  std::vector<int64_t> loops_;
  std::vector<Tile> tiles_;
  std::map<std::pair<Opcode, DType>, loop::ScalarProgram> functions_; ///< those called so far
};

} // namespace gdjit
