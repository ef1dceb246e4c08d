// Finds loops over joined tiles; the halving tree as statements.
#include "WriteOutJoins.h"

#include "TurnTiles.h"
#include "Vectorize.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

/// Registers that the tile leaves for what is loaded.
constexpr int64_t registers_beside = 4;

/// How many results are worth a vector, and by what factor of the estimate.
struct Results {
  int64_t least;
  double gain;
};

/// Partial sums of fewer than 16 results, side by side themselves, are as fast (of 13 features;
/// those of 10 faster), unless they stay scalars.
constexpr Results results_in_lanes[] = {{16, 1}, {8, 4}};

/// Where the loop joins a tile of its own whole, as many partials as registers hold.
struct JoinedTile {
  size_t join = 0; ///< in the body of the loop
  int64_t partials = 0;
};

JoinedTile find(const Statement& loop, const MachineTable& machine) {
  const Statement* tile = nullptr;
  JoinedTile found;
  for (size_t at = 0; at < loop.body.size(); ++at) {
    const Statement& s = loop.body[at];
    if (s.kind == StatementKind::Tile) {
      if (tile)
        return {};
      tile = &s;
    } else if (s.kind == StatementKind::Join) {
      if (!tile || s.tile != tile->tile || !s.index.empty() || found.partials > 0)
        return {};
      found = {at, tile->extents.size() == 1 ? tile->extents[0] : 0};
    }
  }
  const bool fits = tile && tile->type.lanes == 1 && found.partials > 1 &&
                    found.partials + registers_beside <= machine.vector_registers &&
                    std::has_single_bit(static_cast<uint64_t>(found.partials));
  return fits ? found : JoinedTile();
}

/// s[l] = s[l] op s[l + half], until one is left.
std::vector<Statement> written_out(Kernel& kernel, const Statement& join, int64_t partials) {
  std::vector<Statement> out;
  std::vector<ValueId> values;
  for (int64_t l = 0; l < partials; ++l) {
    Statement get;
    get.kind = StatementKind::Get;
    get.type = join.type;
    get.tile = join.tile;
    get.index = {Index{{l, {}}, loop::none, 0}};
    get.node = join.node;
    get.result = fresh_value(kernel);
    values.push_back(get.result);
    out.push_back(std::move(get));
  }
  for (size_t half = values.size() / 2; half > 0; half /= 2)
    for (size_t l = 0; l < half; ++l) {
      Statement s;
      s.kind = StatementKind::Compute;
      s.op = join.op;
      s.type = join.type;
      s.operands = {values[l], values[l + half]};
      s.node = join.node;
      s.result = values[l] = half == 1 ? join.result : fresh_value(kernel);
      out.push_back(std::move(s));
    }
  return out;
}

/// A loop of the kernel, by its places in the bodies that it lies in.
Statement& at_path(Kernel& kernel, const std::vector<size_t>& path) {
  std::vector<Statement>* body = &kernel.body;
  for (size_t depth = 0; depth + 1 < path.size(); ++depth)
    body = &(*body)[path[depth]].body;
  return (*body)[path.back()];
}

class Writer {
public:
  Writer(const Program& program, Kernel& kernel, PassContext& context, const Settled& settled)
      : program_(program), kernel_(kernel), context_(context), settled_(settled) {}

  void visit(std::vector<size_t>& path, size_t statements) {
    for (size_t at = 0; at < statements; ++at) {
      path.push_back(at);
      const Statement& s = at_path(kernel_, path);
      if (s.kind == StatementKind::For && !settled_.count(s.loop))
        if (!try_at(path))
          visit(path, at_path(kernel_, path).body.size());
      path.pop_back();
    }
  }

private:
  bool try_at(const std::vector<size_t>& path) {
    const Statement& loop = at_path(kernel_, path);
    const JoinedTile joined = find(loop, context_.machine);
    if (joined.partials == 0)
      return false;
    return std::ranges::any_of(
        results_in_lanes, [&](const Results& results) { return try_at(path, joined, results); });
  }

  bool try_at(const std::vector<size_t>& path, const JoinedTile& joined, const Results& results) {
    Kernel candidate = kernel_;
    std::vector<Statement>& body = at_path(candidate, path).body;
    const Statement join = body[joined.join];
    const std::vector<Statement> tree = written_out(candidate, join, joined.partials);
    body.erase(body.begin() + static_cast<std::ptrdiff_t>(joined.join));
    body.insert(body.begin() + static_cast<std::ptrdiff_t>(joined.join), tree.begin(), tree.end());
    turn_tiles_along(candidate, at_path(candidate, path), results.least);
    const double before = estimated_cost(program_, kernel_, context_),
                 after = estimated_cost(program_, candidate, context_);
    if (after * results.gain >= before)
      return false;
    context_.remarks.push_back(
        fmt::format("{}: the {} partial chains of loop {} are vectors of its results: an estimated "
                    "{:.0f} operations instead of {:.0f}",
                    kernel_.name, joined.partials, kernel_.loop_names[at_path(kernel_, path).loop],
                    after, before));
    kernel_ = std::move(candidate);
    return true;
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  const Settled& settled_;
};

} // namespace

void write_out_joins(const Program& program, Kernel& kernel, PassContext& context,
                     const Settled& settled) {
  std::vector<size_t> path;
  Writer(program, kernel, context, settled).visit(path, kernel.body.size());
}

} // namespace gdjit::scheduling
