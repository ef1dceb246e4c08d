// Looked up as the tool does it in a file of models.
#include "Prepared.h"

#include <fmt/format.h>

namespace gdjit::benchmarks {

std::vector<const ModelRow*> workloads() {
  return registered_models(gdjit_model_rows, "workloads");
}

const ModelRow& workload(std::string_view name) {
  for (const ModelRow* row : workloads())
    if (row->name == name)
      return *row;
  throw Error(ErrorCode::usage, fmt::format("there is no workload '{}'", name));
}

} // namespace gdjit::benchmarks
