// ShortRows: as many rows of a few elements as a vector has lanes lie in memory as whole vectors,
// as many as a row has elements. Of these, shuffles of two vectors each gather the columns, row
// after row in the lanes: all columns of 16 rows of 3 f32 are 3 loads and 6 shuffles. CodeGen makes
// them of loads whose lanes go along such rows; the schedule counts them.
//
//   x[i + lane, k]    k = 0: x[i, 0], x[i+1, 0], x[i+2, 0] …    of the 16 * 3 elements from x[i, 0]
#pragma once

#include "gdjit/Loop/Program.h"

#include <bit>
#include <cstdint>
#include <optional>

namespace gdjit::loop {

struct ShortRows {
  int64_t columns; ///< elements of a row
  int64_t lanes;   ///< rows, elements of a vector

  /// Longer rows are turned in squares for no more: of 8 elements by halves of vectors, so that
  /// loads are the first round.
  static constexpr int64_t most_columns = 7;
  static constexpr int64_t least_bytes = 4; ///< of an element: shuffles move no smaller ones

  /// Elements of `vectors` vectors are gathered two by two: from these and from those behind.
  static int64_t first_part(int64_t vectors) {
    return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(vectors)) / 2);
  }

  /// Of as many columns, side by side, one vector holds all that lies in `vectors` vectors: a power
  /// of two, so that those of both parts hold as many or a multiple.
  int64_t columns_at_once(int64_t vectors) const {
    const int64_t most_of_one = (vectors * lanes + columns - 1) / columns;
    return static_cast<int64_t>(
        std::bit_floor(static_cast<uint64_t>(lanes / most_of_one > 1 ? lanes / most_of_one : 1)));
  }

  /// That gather all columns of `vectors` vectors.
  int64_t shuffles(int64_t vectors) const {
    if (vectors == 1)
      return 0;
    const int64_t part = first_part(vectors), at_once = columns_at_once(vectors);
    return (columns + at_once - 1) / at_once + shuffles(part) + shuffles(vectors - part);
  }
};

/// True for a vector, loaded or stored, whose elements do not lie side by side in memory.
bool elements_apart(const Program& program, const Statement& access);

/// The axis along which the lanes of a load go, where it is one axis, step 1 and not the last; -1
/// otherwise.
int strided_axis(const Program& program, const Statement& load);

/// Of each row along an axis.
int64_t elements_of_row(const Shape& shape, int axis);

/// The rows along which the lanes of a load go, where these are of few elements.
std::optional<ShortRows> short_rows(const Program& program, const Statement& load);

/// Operations that a statement becomes but for loops and tiles: as many as lanes where elements lie
/// apart, the load and the shuffles of a column where they lie in short rows, else one.
int64_t operations_of(const Program& program, const Statement& statement);

/// Shuffles of the transposition of so many elements, a power of two: one an element in each round.
constexpr int64_t shuffles_of_transposition(int64_t elements) {
  return elements * std::countr_zero(static_cast<uint64_t>(elements));
}

} // namespace gdjit::loop
