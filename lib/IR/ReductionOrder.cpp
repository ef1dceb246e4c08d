// The choice of a reduction's order.
#include "gdjit/IR/ReductionOrder.h"

namespace gdjit {

std::string to_string(const ReductionOrder& order) {
  std::string type(name(order.accumulator));
  if (order.block > 0)
    return type + ":blocks(" + std::to_string(order.block) + "," + std::to_string(order.partials) +
           ")";
  if (order.partials > 1)
    return type + ":partials(" + std::to_string(order.partials) + ")";
  return type + ":sequential";
}

ReductionOrder choose_order(DType type, int64_t terms, int64_t behind) {
  ReductionOrder order{.accumulator = type, .partials = 1, .block = 0};
  constexpr int64_t enough_side_by_side = 16; // outputs fill a vector: one chain each
  constexpr int64_t short_chain = 32;         // joining costs more than the chain
  constexpr int64_t few_side_by_side = 4;     // rows fill the vector, one turn at the end for all
  constexpr int64_t chain_of_few = 128;   // a batch, the terms of a gradient: joining costs more
  constexpr int64_t long_chain = 1 << 16; // loses what it adds
  constexpr int64_t block = 1 << 14;
  if (terms > long_chain)
    order.block = block;
  if (behind >= enough_side_by_side || terms <= short_chain ||
      (behind >= few_side_by_side && terms <= chain_of_few))
    return order;
  int lanes = 64 / static_cast<int>(byte_size(type == DType::boolean ? DType::i32 : type));
  order.partials = terms < 1024 ? lanes : 4 * lanes;
  return order;
}

namespace {

/// Partial chains of a contraction whose rows are lanes: few, which hide the latency of fma where
/// columns and vectors of rows do not. They lie side by side as they are, none is turned.
int32_t chains_of_rows(int64_t columns, int64_t rows) {
  constexpr int64_t enough_columns = 4;
  constexpr int64_t enough_results = 48; // three vectors of 16
  if (columns == 1)
    return 8;
  return columns >= enough_columns || columns * rows >= enough_results ? 1 : 4;
}

} // namespace

ReductionOrder choose_contraction_order(DType type, int64_t terms, int64_t columns, int64_t rows) {
  ReductionOrder order = choose_order(type, terms, columns);
  constexpr int64_t enough_rows = 8; // half a vector
  constexpr int64_t short_block = 1024;
  constexpr int64_t least_terms = 512; // of two chains: ending one more costs a hundredth
  if (order.partials > 1 && rows >= enough_rows) {
    if (order.block > 0) // of many terms: short chains keep what they add
      return {.accumulator = type, .partials = 1, .block = short_block};
    order.partials = chains_of_rows(columns, rows);
  }
  if (order.partials == 1 && order.block == 0 && terms >= least_terms && terms >= 2 * columns)
    order.block = terms / 2;
  return order;
}

} // namespace gdjit
