// Loader: rows in batches, shuffled by seed.
//
//   for (const Batch& batch : Loader(rows, {.batch = 64, .shuffle_seed = 0}))
//     train(batch, {.lr = 1e-3});
#pragma once

#include "gdjit/Data/Dataset.h"
#include "gdjit/Runtime/RowPass.h"

#include <cstddef>
#include <iterator>
#include <memory>

namespace gdjit {

/// A seed that may be left out.
struct ShuffleSeed {
  int64_t value = 0;
  bool given = false;

  constexpr ShuffleSeed() = default;
  template <Integer T> constexpr ShuffleSeed(T seed)
      : value(static_cast<int64_t>(seed)), given(true) {}
  constexpr bool operator==(const ShuffleSeed&) const = default;
};

enum class Prefetch : uint8_t {
  automatic, ///< where a batch is gathered, has Loader::prefetch_bytes at least, and there are
             ///< cores
  never,
  always, ///< wherever batches are gathered
};

struct LoaderOptions {
  Extent batch = 0; ///< rows of a batch; 0: all rows are one batch
  /// Rows in the order of permutation(rows, seed, epoch), another one each epoch; without a seed as
  /// they stand.
  ShuffleSeed shuffle_seed = {};
  bool drop_last = false; ///< leave out a last batch that is shorter
  Prefetch prefetch = Prefetch::automatic;
};

/// Inputs of a call: train(batch), train.bind(batch). Valid until the loop goes on.
class Batch {
public:
  operator std::span<const TensorView>() const { return views_; }
  std::span<const TensorView> views() const { return views_; }
  int64_t rows() const { return rows_; }
  int64_t index() const { return index_; } ///< within the epoch, from 0
  int64_t epoch() const { return epoch_; }

private:
  friend class Loader;
  std::vector<TensorView> views_;
  int64_t rows_ = 0;
  int64_t index_ = 0;
  int64_t epoch_ = 0;
};

/// Where a loader stands, the batch that comes next, and of what: a checkpoint keeps it.
struct LoaderPosition {
  int64_t epoch = 0;
  int64_t batch = 0;
  int64_t rows = 0;
  int64_t batch_size = 0;
  ShuffleSeed shuffle_seed = {};
  bool drop_last = false;

  bool operator==(const LoaderPosition&) const = default;
};

/// One pass of a range-for gives the rest of an epoch: all of it, unless an earlier loop was left
/// early or seek() went into the middle. The next pass is the next epoch. For one thread at a time.
class Loader {
public:
  /// From this many bytes a batch is gathered ahead on a thread; for small ones handing over costs
  /// more than gathering.
  static constexpr int64_t prefetch_bytes = 256 << 10;

  /// Shares the rows. Error(usage) for a negative batch or one larger than the data, Error(data)
  /// where batches are not on axis 0.
  explicit Loader(Dataset rows, const LoaderOptions& options = {});
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;
  ~Loader();

  int64_t rows() const;
  int64_t batches() const; ///< per epoch
  bool prefetches() const;

  /// Within the body of a loop: behind the batch that it has.
  LoaderPosition position() const;
  /// Goes on there. Error(data) that lists what differs where it is of other rows, batches or
  /// order.
  void seek(const LoaderPosition& position);

  /// The full batches that come next in the epoch, for one who takes their rows himself and tells
  /// skip(); none where a thread gathers them ahead. Valid until the Loader goes on.
  RowPass& pass();
  /// Goes behind so many batches of the epoch. False where it has no further one; then looks at
  /// files as a loop does at its end.
  bool skip(int64_t batches);

  class Iterator {
  public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const Batch*;
    using reference = const Batch&;

    const Batch& operator*() const;
    const Batch* operator->() const { return &**this; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.loader_ == b.loader_; }

  private:
    friend class Loader;
    explicit Iterator(Loader* loader) : loader_(loader) {}
    Loader* loader_; ///< null at the end
  };
  Iterator begin();
  Iterator end() { return Iterator(nullptr); }

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace gdjit
