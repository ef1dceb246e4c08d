// Messages have one form, that of a good compiler.
#include "gdjit/Support/Error.h"

#include "gdjit/Support/Diagnostics.h"
#include "gdjit/Support/Hash.h"

#include <gtest/gtest.h>

namespace gdjit {
namespace {

TEST(Error, PlaceIsPrintedWithoutThePartsThatAreUnknown) {
  EXPECT_EQ(to_string(SourceLocation{"mlp.cpp", 42, 17}), "mlp.cpp:42:17");
  EXPECT_EQ(to_string(SourceLocation{"mlp.cpp", 42, 0}), "mlp.cpp:42");
  EXPECT_EQ(to_string(SourceLocation{"mlp.cpp", 0, 0}), "mlp.cpp");
  EXPECT_EQ(to_string(SourceLocation{}), "");
}

TEST(Error, NotesStandBelowWithTheirPlacesInOneColumn) {
  Error error(ErrorCode::graph, "matmul: inner dimensions differ, 784 and 780", {"mlp.cpp", 42, 17},
              {{"lhs x  : f32[64,784]", {"mlp.cpp", 31, 0}},
               {"rhs w1 : f32[780,128]", {"mlp.cpp", 35, 0}},
               {"transpose one operand", {}}});
  EXPECT_STREQ(error.what(), "mlp.cpp:42:17: error: matmul: inner dimensions differ, 784 and 780\n"
                             "  lhs x  : f32[64,784]    mlp.cpp:31\n"
                             "  rhs w1 : f32[780,128]   mlp.cpp:35\n"
                             "  transpose one operand");
  EXPECT_EQ(error.code(), ErrorCode::graph);
  EXPECT_EQ(error.location().line, 42u);
}

TEST(Error, WithoutAPlaceItStillSaysError) {
  EXPECT_STREQ(Error(ErrorCode::data, "no rows").what(), "error: no rows");
}

TEST(Error, SeveralMessagesAreLinesOfOneError) {
  Diagnostics diagnostics;
  EXPECT_NO_THROW(diagnostics.throw_if_any(ErrorCode::graph));
  diagnostics.error({"a", 1, 1}, "one");
  diagnostics.error({"a", 2, 1}, "two").notes.push_back({"first here", {"a", 1, 1}});
  try {
    diagnostics.throw_if_any(ErrorCode::usage);
    FAIL() << "nothing thrown";
  } catch (const std::runtime_error& error) { // what a program catches
    EXPECT_STREQ(error.what(), "a:1:1: error: one\na:2:1: error: two\n  first here   a:1:1");
  }
}

TEST(Error, AFailedCheckIsOursAndNamesConditionAndLine) {
  try {
    GDJIT_CHECK(1 + 1 == 3);
    FAIL() << "nothing thrown";
  } catch (const InternalError& error) {
    std::string text = error.what();
    EXPECT_NE(text.find("Error.cpp:"), std::string::npos) << text;
    EXPECT_NE(text.find("internal check failed: 1 + 1 == 3"), std::string::npos) << text;
  }
  EXPECT_NO_THROW(GDJIT_CHECK(1 + 1 == 2));
}

TEST(Hash, IsTheSameOnEveryMachine) {
  static_assert(mix64(0) == 0xe220a8397b1dcdafu); // first output of splitmix64 from seed 0
  static_assert(hash_bytes("") == mix64(0xcbf29ce484222325u));
  static_assert(hash_bytes("w") != hash_bytes("b"));
  static_assert(combine(combine(0, 1), 2) != combine(combine(0, 2), 1));
}

} // namespace
} // namespace gdjit
