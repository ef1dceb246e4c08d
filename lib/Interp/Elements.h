// Columns: elements of arrays as Bits, the currency of loop::evaluate_many, and positions found by
// index maps.
#pragma once

#include "gdjit/IR/Array.h"
#include "gdjit/Loop/ScalarOp.h"
#include "gdjit/Ops/IndexMap.h"

#include <span>
#include <vector>

namespace gdjit::interp {

using loop::Bits;
using Column = std::vector<Bits>;

/// Elements computed at once: long enough to hide the dispatch, short enough for the cache.
inline constexpr int64_t chunk = 1024;

/// out[i] = element first + i of the array.
void load(const Array& array, int64_t first, std::span<Bits> out);
/// out[i] = element at[i], or `fill` where at[i] is negative.
void gather(const Array& array, std::span<const int64_t> at, Bits fill, std::span<Bits> out);
/// Element first + i of the array = in[i].
void store(Array& array, int64_t first, std::span<const Bits> in);

/// The place of an operand's element for an iteration, which is a result position and a number of a
/// reduced term. An index map is affine, so both contribute a sum of their own.
class Places {
public:
  Places(const IndexMap& map, const Shape& operand, const Shape& result, const Shape& reduced);

  /// Takes result positions first .. first + count.
  void move_to(int64_t first, int64_t count);
  /// Positions in the operand for those and term k; -1 where a guarded coordinate leaves the
  /// operand.
  std::span<const int64_t> at(int64_t term);

private:
  struct Sum {
    std::vector<int64_t> factors;
    int64_t offset = 0;
    int64_t extent = 0; ///< of a guarded coordinate; 0 for the position itself
  };
  int64_t part(const Sum& sum, int64_t position, const Shape& shape, int first_axis) const;

  Shape result_, reduced_;
  bool linear_;
  std::vector<Sum> sums_;                   ///< [0] the position, then the guarded coordinates
  std::vector<std::vector<int64_t>> parts_; ///< per sum, what each result position contributes
  std::vector<int64_t> at_;
};

} // namespace gdjit::interp
