// gradient: a node that the pass differentiate expands.
#include "Rules.h"

namespace gdjit {

constinit const OpBlock blocks::Gradient = {
    .summary = "derivative of a loss by a value",
    .formula = "d loss / d value, of the value's type",
    .infer =
        [](const TypeRequest& request) {
          rules::require(request, 0, rules::floats);
          if (request.operands[0].shape.rank() != 0)
            rules::fail("the loss has shape " + to_string(request.operands[0].shape) + ", not []",
                        "take its mean or sum first");
          rules::require(request, 1, rules::floats);
          return request.operands[1];
        },
    .not_differentiable =
        "expanded by differentiate, innermost first, before anything asks for its derivative",
};

} // namespace gdjit
