// The rules that every Loop IR program keeps; checked after each pass in tests and debug builds.
#pragma once

#include "gdjit/Loop/Program.h"
#include "gdjit/Support/Diagnostics.h"

namespace gdjit::loop {

/// Where statements stand in a text: the parser knows, so that messages name line and column.
class StatementPlaces {
public:
  virtual ~StatementPlaces() = default;
  /// The place of statement `number`, counted over all kernels in the order of the text.
  virtual SourceLocation place(size_t number) const = 0;
};

/// Adds a message per broken rule: ids defined before use and once, types of operations, ranks of
/// accesses, constant indices in bounds, loops nested properly, places given from Planned on.
/// Without `places` a message names the kernel and quotes the statement.
void verify(const Program& program, Diagnostics& diagnostics,
            const StatementPlaces* places = nullptr);

} // namespace gdjit::loop
