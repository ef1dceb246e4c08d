// Counts what gathering the columns of short rows takes, and what a copy would.
#include "ShortRows.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace gdjit::scheduling {

namespace {

/// Statements of a loop over columns.
constexpr int64_t most_written_out = 256;

/// Loads and shuffles for all columns of as many rows as lanes. A shuffle of two vectors is one
/// instruction of AVX-512; without it each vector is shuffled, by an index that is loaded, and the
/// two are blended.
double gathering_cost(const loop::ShortRows& rows, const MachineTable& machine) {
  constexpr int bytes_of_avx512 = 64;
  const int64_t instructions = machine.vector_bytes == bytes_of_avx512 ? 1 : 5;
  return static_cast<double>(rows.columns + instructions * rows.shuffles(rows.columns));
}

} // namespace

bool gathers_columns(const Program& program, const Statement& s, const MachineTable& machine) {
  const std::optional<loop::ShortRows> rows = short_rows(program, s);
  return rows && gathering_cost(*rows, machine) <= exchange_cost(s.type.lanes);
}

namespace {

/// The loads along short rows, by place.
class Columns {
public:
  Columns(const Program& program, Kernel& kernel, const MachineTable& machine)
      : program_(program), machine_(machine) {
    visit(kernel.body);
  }

  /// Those for which loads and shuffles are fewer than those of a copy; the loops that move their
  /// column become unrolled.
  std::set<Place> leave() {
    std::set<Place> left;
    for (auto& [place, reads] : reads_) {
      if (!reads.possible || reads.operations > copy_cost(place) + reads.vectors)
        continue;
      left.insert(place);
      for (Statement* loop : reads.loops)
        loop->loop_kind = loop::LoopKind::unrolled;
    }
    return left;
  }

private:
  /// Rows that one turn of a loop reads: loaded and shuffled once for all of their columns.
  struct Block {
    const Statement* loop = nullptr;
    std::vector<Index> rows;
    bool operator==(const Block&) const = default;
  };

  /// Of one place.
  struct Reads {
    bool possible = true;
    std::set<Statement*> loops; ///< that move the column
    std::vector<Block> blocks;
    double operations = 0; ///< loads and shuffles
    double vectors = 0;    ///< that would be read of a copy
  };

  void visit(std::vector<Statement>& body) {
    for (Statement& s : body) {
      if (s.kind == StatementKind::For) {
        around_.push_back(&s);
        visit(s.body);
        around_.pop_back();
      } else if (gathers_columns(program_, s, machine_)) {
        note(s);
      } else if (const int axis = strided_axis(program_, s); axis >= 0) {
        reads_[{s.buffer, axis}].possible = false;
      }
    }
  }

  void note(const Statement& load) {
    const Place place{load.buffer, strided_axis(program_, load)};
    const auto columns = load.index.begin() + place.second + 1;
    Reads& reads = reads_[place];
    std::vector<const Statement*> around; // a block
    for (Statement* l : around_)
      if (std::none_of(columns, load.index.end(),
                       [&](const Index& i) { return factor(i.affine, l->loop) != 0; })) {
        around.push_back(l);
      } else {
        reads.possible = reads.possible && code_size(l->body) * turns(*l) <= most_written_out;
        reads.loops.insert(l);
      }
    reads.vectors += fetched(load, {around_.begin(), around_.end()});
    const Block block{around.empty() ? nullptr : around.back(), {load.index.begin(), columns}};
    if (std::ranges::find(reads.blocks, block) != reads.blocks.end())
      return;
    reads.blocks.push_back(block);
    const int64_t elements =
        loop::elements_of_row(program_.buffers[place.first].type.shape, place.second);
    reads.operations +=
        fetched(load, around) * gathering_cost({elements, load.type.lanes}, machine_);
  }

  double copy_cost(const Place& place) const {
    const TensorType& type = program_.buffers[place.first].type;
    const int64_t lanes = machine_.vector_bytes / byte_size(type.dtype),
                  rows = type.elements() / loop::elements_of_row(type.shape, place.second),
                  squares = (rows + lanes - 1) / lanes;
    return static_cast<double>(squares) * exchange_cost(static_cast<double>(lanes));
  }

  const Program& program_;
  const MachineTable& machine_;
  std::map<Place, Reads> reads_;
  std::vector<Statement*> around_;
};

} // namespace

std::set<Place> leave_short_rows(const Program& program, Kernel& kernel, PassContext& context) {
  const std::set<Place> left = Columns(program, kernel, context.machine).leave();
  for (const auto& [buffer, axis] : left)
    context.remarks.push_back(fmt::format(
        "{}: {} is read as it lies: lanes go along its axis {}, whose rows of {} elements are "
        "loaded whole, and shuffles of two vectors gather their columns",
        kernel.name, program.buffers[buffer].name, axis,
        loop::elements_of_row(program.buffers[buffer].type.shape, axis)));
  return left;
}

} // namespace gdjit::scheduling
