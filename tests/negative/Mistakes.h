// How a test says what a user did wrong: run it, expect an Error of that code whose text holds
// these words and lines.
#pragma once

#include "gdjit/gdjit.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <source_location>

namespace gdjit::test {

/// The lines of a mistake, in order of appearance in the message: "file.cpp:12".
inline std::string line_of(const char* file, unsigned line) {
  return fmt::format("{}:{}", file, line);
}

/// what() of the Error that `mistake` throws; an InternalError or another exception fails the test.
template <class F> std::string message_of(F mistake, ErrorCode code = ErrorCode::graph) {
  try {
    mistake();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not an Error: " << error.what();
    return "";
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

} // namespace gdjit::test

/// Remembers the line it stands on under a name, to be looked for in a message. (Not __LINE__, for
/// which compilers take the first or the last line of a macro around.)
#define GDJIT_LINE(name)                                                                           \
  [[maybe_unused]] const std::string name =                                                        \
      ::gdjit::test::line_of(__FILE__, std::source_location::current().line())

/// The message of an Error holds each of the texts.
#define EXPECT_MISTAKE(message, ...)                                                               \
  do {                                                                                             \
    const std::string& message_ = (message);                                                       \
    for (const std::string& text_ : std::vector<std::string>{__VA_ARGS__})                         \
      EXPECT_THAT(message_, testing::HasSubstr(text_));                                            \
  } while (false)
