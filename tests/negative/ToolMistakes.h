// What a refused run of the tool looks like: its exit code, nothing on standard output, its message
// on standard error, and no trace of anything of ours.
#pragma once

#include "RunTool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gdjit::test {

inline void expect_refused(const ToolRun& run, int code, const std::vector<std::string>& texts) {
  EXPECT_EQ(run.signal, 0);
  EXPECT_EQ(run.code, code) << run.err;
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, testing::HasSubstr("error: "));
  for (const std::string& text : texts)
    EXPECT_THAT(run.err, testing::HasSubstr(text));
  for (const char* ours : {"internal error", "terminate called", "what():", "bug of ours"})
    EXPECT_THAT(run.err, testing::Not(testing::HasSubstr(ours)));
}

} // namespace gdjit::test

/// The run was refused with this exit code, and its message holds each of the texts.
#define EXPECT_REFUSED(run, code, ...)                                                             \
  do {                                                                                             \
    SCOPED_TRACE("refused here");                                                                  \
    ::gdjit::test::expect_refused(run, code, {__VA_ARGS__});                                       \
  } while (false)
