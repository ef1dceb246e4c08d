// What runs of the tool print as JSON, for the models of ToolRows.h.
#pragma once

#include "Lessons.h"
#include "ToolRows.h"

#include <gtest/gtest.h>

namespace gdjit::test {

using Words = std::vector<std::string>;

inline Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The JSON that a run prints, without its time.
inline Json json_of(const Words& words) {
  ToolRun run = run_tool(words + Words{"--json"});
  EXPECT_EQ(run.code, 0) << testing::PrintToString(words) << "\n" << run.err;
  Json json = run.code == 0 ? Json::parse(run.out) : Json();
  json.erase("seconds");
  return json;
}

inline Json train(const std::string& model, const Words& more) {
  return json_of(Words{"train", scores_file(model), "-q"} + more);
}

} // namespace gdjit::test
