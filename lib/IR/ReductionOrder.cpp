// The choice of a reduction's order.
#include "gdjit/IR/ReductionOrder.h"

#include <algorithm>

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

constexpr std::string_view tree = "since in one chain each addition waits for the one before";
constexpr std::string_view dear_joins = "since joining partial sums would cost more";
constexpr std::string_view full_vectors = "since sums side by side fill vectors";

constexpr int64_t half_a_vector = 8;

int lanes_of(DType type) {
  return 64 / static_cast<int>(byte_size(type == DType::boolean ? DType::i32 : type));
}

/// Results side by side that are one chain each: as many as fill a vector, of which one of 8 lanes
/// hides the latency of short chains only.
int64_t enough_side_by_side(DType type, int64_t terms) {
  constexpr int64_t vector_of_f32 = 16, short_terms = 128;
  return terms <= short_terms ? lanes_of(type) : vector_of_f32;
}

/// Terms that are one chain however few sums lie side by side, and why.
struct ShortChain {
  int64_t terms;
  std::string_view why;
};

constexpr int64_t long_chain = 1 << 16; ///< loses what it adds
/// Of 64 chains of f32, each then as long as a block: blocks would leave the loop over rows.
constexpr int64_t long_partials = 16 * long_chain;

/// Beyond `most_partials` terms, partial chains are cut into blocks.
ChosenOrder choose(DType type, int64_t terms, int64_t behind, const ShortChain& short_chain,
                   int64_t most_partials) {
  ChosenOrder chosen{.order = {.accumulator = type, .partials = 1, .block = 0}};
  constexpr int64_t block = 1 << 14;
  if (terms <= short_chain.terms) {
    chosen.chains = short_chain.why;
  } else if (behind >= enough_side_by_side(type, terms)) {
    chosen.chains = full_vectors;
  } else {
    const int lanes = lanes_of(type);
    chosen.order.partials = terms < 1024 ? lanes : 4 * lanes;
    chosen.chains = tree;
  }
  if (terms > (chosen.order.partials > 1 ? most_partials : long_chain)) {
    chosen.order.block = block;
    chosen.blocks = "since one chain of so many loses what it adds";
  }
  return chosen;
}

constexpr ShortChain short_row{32, dear_joins}; // rows are lanes, joined each by itself
/// A single sum would be faster in partial sums from 9 terms on.
constexpr ShortChain short_batch{
    16, "as is every sum over so few rows: those of several columns then lie side by side"};
constexpr ShortChain short_product{15, dear_joins};
constexpr ShortChain half_filled{128, "since sums side by side fill half a vector"};

} // namespace

ChosenOrder choose_order(DType type, int64_t terms, int64_t behind, bool one_axis) {
  return choose(type, terms, behind, one_axis ? short_batch : short_row, long_partials);
}

ChosenOrder choose_order(DType type, const Shape& shape, std::span<const int64_t> axes) {
  int64_t terms = 1, behind = 1;
  bool one_axis = axes.empty() || static_cast<size_t>(axes.back()) < axes.size();
  for (int64_t axis : axes) {
    const int64_t extent = shape[static_cast<int>(axis)];
    one_axis &= terms == 1 || extent == 1;
    terms *= extent;
  }
  for (int i = axes.empty() ? shape.rank() : static_cast<int>(axes.back()) + 1; i < shape.rank();
       ++i)
    behind *= shape[i];
  return choose_order(type, terms, behind, one_axis);
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

/// One chain over many more terms than columns in two halves.
ChosenOrder in_halves(ChosenOrder chosen, int64_t terms, int64_t columns) {
  constexpr int64_t least_terms = 512; // of two chains: ending one more costs a hundredth
  ReductionOrder& order = chosen.order;
  if (order.partials == 1 && order.block == 0 && terms >= least_terms && terms >= 2 * columns) {
    order.block = terms / 2;
    chosen.blocks = "so that threads can share the terms";
  }
  return chosen;
}

/// Of a product, however few its columns are.
ShortChain short_chain_of_product(DType type, int64_t terms, int64_t columns) {
  if (columns == 1)
    return short_product;
  const bool fills_half = columns >= half_a_vector && columns < enough_side_by_side(type, terms);
  return fills_half && terms > short_row.terms ? half_filled : short_row;
}

/// The same of a gradient whose rows are lanes.
ShortChain short_chain_of_rows(int64_t columns, int64_t rows) {
  constexpr int64_t two_vectors = 32; // of results: as many chains as hide the latency of fma
  return rows * columns >= two_vectors ? ShortChain{short_row.terms, full_vectors} : short_batch;
}

} // namespace

ChosenOrder choose_product_order(DType type, int64_t terms, int64_t columns) {
  return in_halves(
      choose(type, terms, columns, short_chain_of_product(type, terms, columns), long_chain), terms,
      columns);
}

ChosenOrder choose_gradient_order(DType type, int64_t terms, int64_t columns, int64_t rows) {
  constexpr int64_t few_sums = 64; // what a loop over the batch adds up beside all else
  constexpr int64_t many_terms = 256;
  const int64_t enough = enough_side_by_side(type, terms);
  // Of more rows several columns pay for turning them, over many terms that are no blocks.
  const bool turned =
      columns > 1 && rows <= 2 * enough && terms > many_terms && terms <= long_partials;
  if (columns < enough && (rows < enough || turned) && rows * columns <= few_sums)
    return choose(type, terms, 1, short_batch, long_partials);
  if (rows < half_a_vector) { // many sums: a chain each, as if they filled vectors
    const int64_t behind = std::max(columns, enough);
    return in_halves(choose(type, terms, behind, short_batch, long_chain), terms, behind);
  }
  ChosenOrder chosen = choose(type, terms, columns, short_chain_of_rows(columns, rows), long_chain);
  ReductionOrder& order = chosen.order;
  constexpr int64_t short_block = 1024;
  if (order.partials > 1) {
    if (order.block > 0) { // of many terms: short chains keep what they add
      order = {.accumulator = type, .partials = 1, .block = short_block};
      chosen.chains = full_vectors;
      return chosen;
    }
    order.partials = chains_of_rows(columns, rows);
    chosen.chains = order.partials == 1 ? full_vectors : tree;
  }
  return in_halves(chosen, terms, columns);
}

} // namespace gdjit
