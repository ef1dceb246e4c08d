// A text with one part replaced is refused: the harness of all tests of mistakes in a sample.
#pragma once

#include "gdjit/Support/Error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gdjit::test {

/// `text` with the first `from` replaced.
inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  size_t at = changed.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? changed : changed.replace(at, from.size(), to);
}

/// The message of a graph's mistake that `read` throws, "no error" where it throws none.
template <class F> std::string error_of(F&& read) {
  try {
    read();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::graph);
    return error.what();
  }
  return "no error";
}

struct TextMistake {
  std::string from, to, message;
};
inline void PrintTo(const TextMistake& m, std::ostream* out) { *out << m.from << " -> " << m.to; }

} // namespace gdjit::test
