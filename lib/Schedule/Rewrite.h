// What every schedule step shares beside Loop/Rewrite.h.
#pragma once

#include "gdjit/Loop/Rewrite.h"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace gdjit::scheduling {

using loop::Affine;
using loop::fresh_loop;
using loop::fresh_value;
using loop::Index;
using loop::Kernel;
using loop::LoopId;
using loop::Program;
using loop::Statement;
using loop::StatementKind;
using loop::TileId;
using loop::ValueId;
using loop::variable;

/// Loops that a step has given their final form: later ones leave them and what they hold alone.
using Settled = std::set<LoopId>;

/// Loops and tiles whose extents differ between the kernels of a family (Families.h): what a step
/// makes of them may not follow from their extents.
struct Varying {
  std::set<LoopId> loops;
  std::set<TileId> tiles;
  bool empty() const { return loops.empty() && tiles.empty(); }
};

inline constexpr int64_t line_bytes = 64; ///< what a cache fetches at once

/// Notes every loop of `statements` as settled.
void settle(const std::vector<Statement>& statements, Settled& settled);

/// Axes that a buffer made by the schedule may have: a piece of a shared loop puts one before them.
inline constexpr int most_axes = Shape::max_rank - 1;

/// A sequential loop from 0 in steps of 1.
bool is_plain(const Statement& s);

/// Statements after all unrolled loops are written out, numbers not counted (a text has one
/// wherever it is used): the size of the code. A transposition counts as its shuffles; a vector
/// whose elements lie apart as its lanes where the program is given, behind the steps that may
/// still copy what it reads.
int64_t code_size(std::span<const Statement> statements, const Program* program = nullptr);

/// Statements, each as often as it runs.
double work_of(const Statement& s);
double work_of(const std::vector<Statement>& statements);

/// Leaves `count` turns of a loop from 0 in steps of 1: those from `first` on.
void take_part(Statement& loop, const Affine& first, int64_t count);

/// Asks for what a load or store touches first; nothing where that follows from data.
std::optional<Statement> prefetch_of(const Statement& access);

/// A scalar constant, and the mask of the lanes (1 for a scalar) with first + lane < count,
/// appended to `out`.
ValueId append_constant(Kernel& kernel, std::vector<Statement>& out, DType type, loop::Bits value);
ValueId append_below(Kernel& kernel, std::vector<Statement>& out, uint16_t lanes, int64_t count,
                     const Affine& first = {});

/// "1 vector", "2 vectors".
std::string counted(int64_t n, const char* what);

} // namespace gdjit::scheduling
