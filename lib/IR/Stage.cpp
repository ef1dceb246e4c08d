// Names of stages.
#include "gdjit/IR/Stage.h"

namespace gdjit {

namespace {
constexpr std::string_view names[stage_count] = {
    "declared",  "differentiated", "simplified", "fused",     "loops",
    "scheduled", "planned",        "llvm",       "optimized", "object"};
} // namespace

std::string_view name(Stage stage) { return names[static_cast<int>(stage)]; }

bool find_stage(std::string_view name, Stage& stage) {
  for (int i = 0; i < stage_count; ++i)
    if (names[i] == name) {
      stage = static_cast<Stage>(i);
      return true;
    }
  return false;
}

} // namespace gdjit
