// Texts cut at a sign, and into lines.
#include "gdjit/Support/Split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split_at("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split_at("a", ','), ElementsAre("a"));
  EXPECT_THAT(split_at("", ','), ElementsAre(""));
}

TEST(Split, TakesLinesWithAndWithoutALastEnd) {
  EXPECT_THAT(split_lines("a\n\nb\n"), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_lines("a\nb"), ElementsAre("a", "b"));
  EXPECT_THAT(split_lines(""), IsEmpty());
}

} // namespace
