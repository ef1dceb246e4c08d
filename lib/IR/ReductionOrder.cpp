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

namespace {

constexpr int64_t half_a_vector = 8;

/// One chain for up to `short_chain` terms, where joining would cost more than the chain.
ReductionOrder choose(DType type, int64_t terms, int64_t behind, int64_t short_chain) {
  ReductionOrder order{.accumulator = type, .partials = 1, .block = 0};
  constexpr int64_t enough_side_by_side = 16; // outputs fill a vector: one chain each
  constexpr int64_t chain_of_half = 128;  // a batch, the terms of a gradient: joining costs more
  constexpr int64_t long_chain = 1 << 16; // loses what it adds
  constexpr int64_t block = 1 << 14;
  if (terms > long_chain)
    order.block = block;
  if (behind >= enough_side_by_side || terms <= short_chain ||
      (behind >= half_a_vector && terms <= chain_of_half))
    return order;
  int lanes = 64 / static_cast<int>(byte_size(type == DType::boolean ? DType::i32 : type));
  order.partials = terms < 1024 ? lanes : 4 * lanes;
  return order;
}

constexpr int64_t short_row = 32;   // rows are lanes, joined each by itself
constexpr int64_t short_batch = 16; // its terms are lanes, and nothing else is
constexpr int64_t short_product = 15;

} // namespace

ReductionOrder choose_order(DType type, int64_t terms, int64_t behind, bool one_axis) {
  return choose(type, terms, behind, one_axis ? short_batch : short_row);
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

/// Terms that a contraction adds in one chain, however few its columns are.
int64_t short_chain_of(int64_t columns, int64_t rows) {
  constexpr int64_t two_vectors = 32; // of results: as many chains as hide the latency of fma
  if (rows == 0)
    return columns == 1 ? short_product : short_row;
  return rows >= half_a_vector && rows * columns >= two_vectors ? short_row : short_batch;
}

} // namespace

ReductionOrder choose_contraction_order(DType type, int64_t terms, int64_t columns, int64_t rows) {
  ReductionOrder order = choose(type, terms, columns, short_chain_of(columns, rows));
  constexpr int64_t short_block = 1024;
  constexpr int64_t least_terms = 512; // of two chains: ending one more costs a hundredth
  if (order.partials > 1 && rows >= half_a_vector) {
    if (order.block > 0) // of many terms: short chains keep what they add
      return {.accumulator = type, .partials = 1, .block = short_block};
    order.partials = chains_of_rows(columns, rows);
  }
  if (order.partials == 1 && order.block == 0 && terms >= least_terms && terms >= 2 * columns)
    order.block = terms / 2;
  return order;
}

} // namespace gdjit
