// A few values in the object, more of them in memory of their own; the same list either way.
#include "gdjit/Support/SmallVector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

using Numbers = SmallVector<int, 2>;

TEST(SmallVector, GrowsBeyondItsOwnRoom) {
  Numbers n;
  EXPECT_THAT(n, IsEmpty());
  for (int i = 0; i < 5; ++i)
    n.push_back(i);
  EXPECT_THAT(n, ElementsAre(0, 1, 2, 3, 4));
  n.clear();
  EXPECT_THAT(n, IsEmpty());
}

TEST(SmallVector, CopiesAreItsEqualsAndNoPartOfIt) {
  for (const Numbers& values : {Numbers{1}, Numbers{1, 2}, Numbers{1, 2, 3}}) {
    Numbers copy = values, other = {7, 8, 9, 10};
    EXPECT_EQ(copy, values);
    copy[0] = 5;
    EXPECT_NE(copy, values);
    other = values;
    EXPECT_EQ(other, values);
    const Numbers moved = std::move(other);
    EXPECT_EQ(moved, values);
  }
}

TEST(SmallVector, WhatWasMovedFromMayBeUsedAgain) {
  Numbers a = {1, 2, 3}, b = std::move(a);
  a = {4};
  EXPECT_THAT(a, ElementsAre(4));
  EXPECT_THAT(b, ElementsAre(1, 2, 3));
}

TEST(SmallVector, InsertsAndErasesInThePlacesOfAVector) {
  Numbers n = {1, 3};
  EXPECT_EQ(*n.insert(n.begin() + 1, 2), 2);
  n.insert(n.end(), 4);
  n.insert(n.begin(), 0);
  EXPECT_THAT(n, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(*n.erase(n.begin()), 1);
  n.erase(n.end() - 1);
  EXPECT_THAT(n, ElementsAre(1, 2, 3));
}

} // namespace
