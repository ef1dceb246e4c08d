// Loader, permutation, splits and scaling: every row once, in an order that depends on the seed
// alone.
#include "gdjit/Data/Loader.h"

#include "gdjit/Data/Permutation.h"
#include "gdjit/Data/Scaling.h"
#include "gdjit/Data/Split.h"
#include "gdjit/Support/Error.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <thread>

namespace gdjit {
namespace {

using ::testing::ElementsAre;

/// x[i] = (i, i / 2), y[i] = i.
Dataset numbered(int64_t rows) {
  Array x({DType::f32, {rows, 2}}), y({DType::i64, {rows}});
  for (int64_t i = 0; i < rows; ++i) {
    x.set(2 * i, static_cast<double>(i));
    x.set(2 * i + 1, static_cast<double>(i) / 2);
    y.set(i, static_cast<double>(i));
  }
  return Dataset({{"x", std::move(x)}, {"y", std::move(y)}});
}

std::vector<int64_t> rows_of(const Batch& batch) {
  const auto* y = batch.views()[1].as<int64_t>();
  for (int64_t i = 0; i < batch.rows(); ++i)
    EXPECT_EQ(batch.views()[0].as<float>()[2 * i], static_cast<float>(y[i]))
        << "inputs go together";
  return {y, y + batch.rows()};
}

std::vector<int64_t> epoch_of(Loader& loader) {
  std::vector<int64_t> all;
  for (const Batch& batch : loader)
    for (int64_t row : rows_of(batch))
      all.push_back(row);
  return all;
}

TEST(Permutation, IsTheSameOnEveryMachine) {
  EXPECT_THAT(permutation(8, 0), ElementsAre(6, 0, 3, 2, 4, 5, 1, 7));
  EXPECT_THAT(permutation(8, 0, 1), ElementsAre(5, 6, 4, 1, 3, 0, 2, 7));
  EXPECT_THAT(permutation(8, -1), ElementsAre(2, 7, 6, 5, 3, 1, 0, 4));
  EXPECT_THAT(permutation(1, 5), ElementsAre(0));
  EXPECT_TRUE(permutation(0, 5).empty());
}

TEST(Permutation, ReachesEveryOrderAboutEquallyOften) {
  std::map<std::vector<int64_t>, int> seen;
  for (int64_t seed = 0; seed < 2400; ++seed)
    ++seen[permutation(4, seed)];
  EXPECT_EQ(seen.size(), 24u);
  for (const auto& [order, count] : seen)
    EXPECT_NEAR(count, 100, 50); // five standard deviations
}

TEST(Loader, BatchesInOrderAreViewsOfTheRows) {
  Dataset rows = numbered(10);
  Loader loader(rows, {.batch = 4});
  const char* first = static_cast<const char*>(rows.views()[0].data);
  std::vector<int64_t> sizes;
  for (const Batch& batch : loader) {
    EXPECT_EQ(batch.views()[0].data, first + batch.index() * 4 * 8);
    EXPECT_EQ(batch.views()[0].type.shape[0], batch.rows());
    sizes.push_back(batch.rows());
    rows_of(batch);
  }
  EXPECT_THAT(sizes, ElementsAre(4, 4, 2));
  EXPECT_FALSE(loader.prefetches());
}

TEST(Loader, AShortLastBatchCanBeDropped) {
  Loader loader(numbered(10), {.batch = 4, .drop_last = true});
  EXPECT_EQ(loader.batches(), 2);
  EXPECT_EQ(epoch_of(loader).size(), 8u);
  Loader all(numbered(10));
  EXPECT_EQ(all.batches(), 1);
  EXPECT_EQ(epoch_of(all).size(), 10u);
}

TEST(Loader, ShufflesByTheSeedAndAnewEachEpochWithOrWithoutAThread) {
  for (Prefetch prefetch : {Prefetch::never, Prefetch::always}) {
    Loader loader(numbered(103), {.batch = 8, .shuffle_seed = 3, .prefetch = prefetch});
    EXPECT_EQ(loader.prefetches(), prefetch == Prefetch::always);
    for (int64_t epoch = 0; epoch < 3; ++epoch)
      EXPECT_EQ(epoch_of(loader), permutation(103, 3, epoch));
  }
}

TEST(Loader, PrefetchesLargeShuffledBatchesByItself) {
  Array x({DType::f32, {4096, 64}});
  Dataset rows({{"x", std::move(x)}});
  if (std::thread::hardware_concurrency() > 1)
    EXPECT_TRUE(Loader(rows, {.batch = 1024, .shuffle_seed = 0}).prefetches());
  EXPECT_FALSE(Loader(rows, {.batch = 64, .shuffle_seed = 0}).prefetches());
  EXPECT_FALSE(Loader(rows, {.batch = 1024}).prefetches());
}

TEST(Loader, GoesOnFromAnyPosition) {
  for (Prefetch prefetch : {Prefetch::never, Prefetch::always}) {
    LoaderOptions options{.batch = 8, .shuffle_seed = 1, .prefetch = prefetch};
    std::vector<std::vector<int64_t>> all;
    std::vector<LoaderPosition> behind;
    Loader loader(numbered(30), options);
    for (int epoch = 0; epoch < 2; ++epoch)
      for (const Batch& batch : loader) {
        all.push_back(rows_of(batch));
        behind.push_back(loader.position());
      }
    Loader other(numbered(30), options);
    for (size_t i = 0; i + 1 < all.size(); ++i) {
      other.seek(behind[i]);
      EXPECT_EQ(rows_of(*other.begin()), all[i + 1]) << i;
    }
  }
}

TEST(Loader, ALoopThatWasLeftEarlyGoesOnWhereItStopped) {
  Loader loader(numbered(6), {.batch = 2});
  for (const Batch& batch : loader)
    if (batch.index() == 0)
      break;
  EXPECT_THAT(epoch_of(loader), ElementsAre(2, 3, 4, 5));
  EXPECT_EQ(epoch_of(loader).size(), 6u);
}

TEST(Loader, HandsOutTheFullBatchesOfAnEpochAsRows) {
  const Dataset rows = numbered(10);
  Loader ordered(rows, {.batch = 4}), shuffled(rows, {.batch = 4, .shuffle_seed = 2});
  EXPECT_TRUE(ordered.skip(1));
  RowPass pass = ordered.pass();
  EXPECT_EQ(pass.batches, 1) << "the last one is short";
  EXPECT_EQ(pass.order, nullptr);
  EXPECT_EQ(pass.first[0].data, static_cast<const char*>(rows.views()[0].data) + 32);
  EXPECT_EQ(pass.first[0].type.shape[0], 4);
  EXPECT_THAT(pass.rows, ElementsAre(6, 6));
  EXPECT_TRUE(ordered.skip(1));
  EXPECT_EQ(ordered.pass().batches, 0);
  EXPECT_THAT(epoch_of(ordered), ElementsAre(8, 9));

  EXPECT_TRUE(shuffled.skip(1));
  pass = shuffled.pass();
  const std::vector<int64_t> order = permutation(10, 2, 0);
  EXPECT_THAT(std::vector(pass.order, pass.order + 4),
              ::testing::ElementsAreArray(order.begin() + 4, order.begin() + 8));
  EXPECT_THAT(pass.rows, ElementsAre(10, 10));
  EXPECT_FALSE(shuffled.skip(2));
  EXPECT_EQ(shuffled.position().epoch, 1);
  EXPECT_EQ(epoch_of(shuffled), permutation(10, 2, 1));
  EXPECT_THROW(shuffled.skip(4), Error);

  Loader ahead(rows, {.batch = 4, .shuffle_seed = 2, .prefetch = Prefetch::always});
  EXPECT_EQ(ahead.pass().batches, 0) << "a thread gathers them";
}

TEST(Loader, APositionInOtherBatchesIsRefused) {
  LoaderPosition position = Loader(numbered(6), {.batch = 2, .shuffle_seed = 1}).position();
  try {
    Loader(numbered(7), {.batch = 3}).seek(position);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                ::testing::AllOf(::testing::HasSubstr("rows: 6 there, 7 here"),
                                 ::testing::HasSubstr("batch size: 2 there, 3 here"),
                                 ::testing::HasSubstr("shuffle seed: 1 there, none")));
  }
}

TEST(Split, PartsHaveTheirSizesAndEveryRowOnce) {
  Split parts = split(numbered(101), {.development = 0.2, .test = 0.1, .seed = 4});
  EXPECT_EQ(parts.development.rows(), 20);
  EXPECT_EQ(parts.test.rows(), 10);
  std::vector<int64_t> all;
  for (const Dataset* part : {&parts.train, &parts.development, &parts.test}) {
    Loader loader(*part);
    std::vector<int64_t> rows = epoch_of(loader);
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all.size(), 101u);
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST(Split, StratifiedPartsKeepTheShareOfEachClass) {
  Array y({DType::i64, {100}});
  for (int64_t i = 0; i < 100; ++i)
    y.set(i, i < 70 ? 0 : i < 90 ? 1 : 2);
  Split parts =
      split(Dataset({{"y", std::move(y)}}), {.development = 0.2, .test = 0.1, .stratify = "y"});
  auto count = [](const Dataset& rows, int64_t label) {
    const auto* y = rows.views()[0].as<int64_t>();
    return std::count(y, y + rows.rows(), label);
  };
  for (auto [label, n] : {std::pair{0, 70}, {1, 20}, {2, 10}}) {
    EXPECT_EQ(count(parts.development, label), n / 5);
    EXPECT_EQ(count(parts.test, label), n / 10);
  }
}

TEST(Scaling, StandardizesByTheTrainingPartAlone) {
  Dataset train({{"x", Array({DType::f64, {3, 2}}, {1, 5, 2, 5, 3, 5})}});
  Dataset later({{"x", Array({DType::f64, {1, 2}}, {4, 6})}});
  Scaling scaling = fit(train, "x");
  EXPECT_THAT(scaling.offset, ElementsAre(2, 5));
  EXPECT_THAT(scaling.scale, ElementsAre(1, 1)) << "a column that does not vary keeps its scale";
  EXPECT_TRUE(same_bits(apply(scaling, train).views()[0].copy(),
                        Array({DType::f64, {3, 2}}, {-1, 0, 0, 0, 1, 0})));
  EXPECT_TRUE(
      same_bits(apply(scaling, later).views()[0].copy(), Array({DType::f64, {1, 2}}, {2, 1})));
}

TEST(Scaling, MinMaxMapsTheTrainingPartToZeroAndOne) {
  Dataset train({{"x", Array({DType::f32, {3}}, {-1, 1, 3})}});
  EXPECT_TRUE(same_bits(apply(fit(train, "x", ScalingKind::min_max), train).views()[0].copy(),
                        Array({DType::f32, {3}}, {0, 0.5, 1})));
}

} // namespace
} // namespace gdjit
