// Rows of a loaded binary, in the order of its source.
#include "gdjit/Frontend/Registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace gdjit {

std::vector<const ModelRow*> registered_models(ModelRowsFunction accessor,
                                               const std::string& binary) {
  const ModelRow* const* begin = nullptr;
  const ModelRow* const* end = nullptr;
  std::string_view tag = accessor(&begin, &end);
  if (tag != GDJIT_ABI_TAG)
    throw Error(ErrorCode::graph,
                fmt::format("'{}' was built against {}, this is {}", binary, tag, GDJIT_ABI_TAG),
                {}, {{"build it again", {}}});
  std::vector<const ModelRow*> rows(begin, end);
  std::stable_sort(rows.begin(), rows.end(), [](const ModelRow* a, const ModelRow* b) {
    int order = std::string_view(a->file).compare(b->file);
    return order != 0 ? order < 0 : a->line < b->line;
  });
  return rows;
}

} // namespace gdjit
