// Sources: what the signature gives, constants and positions.
#include "Reference.h"
#include "Rules.h"

namespace gdjit {

using loop::ScalarOp;
using loop::ScalarValue;

namespace {
constexpr Attr by_index[] = {Attr::index};
constexpr Attr by_value[] = {Attr::value};
constexpr Attr iota_attributes[] = {Attr::dtype, Attr::shape, Attr::axis};
constexpr std::string_view no_operands = "has no operands";
} // namespace

constinit const OpBlock blocks::Input = {
    .summary = "data of the call",
    .formula = "row `index` of the signature's inputs",
    .attributes = by_index,
    .not_differentiable = no_operands,
    .zero_gradient = true,
};

constinit const OpBlock blocks::State = {
    .summary = "state before the step",
    .formula = "row `index` of the signature's states",
    .attributes = by_index,
    .not_differentiable = no_operands,
    .zero_gradient = true,
};

constinit const OpBlock blocks::Scalar = {
    .summary = "number given at each call",
    .formula = "row `index` of the signature's scalars",
    .attributes = by_index,
    .not_differentiable = no_operands,
    .zero_gradient = true,
};

constinit const OpBlock blocks::Constant = {
    .summary = "literal elements",
    .formula = "value",
    .attributes = by_value,
    .infer =
        [](const TypeRequest& request) {
          rules::need(request, Attr::value);
          return request.attributes.array(Attr::value).type();
        },
    .not_differentiable = no_operands,
    .zero_gradient = true,
    .reference_tensor =
        [](std::span<const ReferenceTensor>, const TensorType&, const Attributes& attributes) {
          const Array& array = attributes.array(Attr::value);
          std::vector<double> values(array.elements());
          for (int64_t i = 0; i < array.elements(); ++i)
            values[i] = array.at(i);
          return values;
        },
};

constinit const OpBlock blocks::Iota = {
    .summary = "the index along an axis",
    .formula = "result[.., i, ..] = i, at axis `axis`",
    .attributes = iota_attributes,
    .infer =
        [](const TypeRequest& request) {
          Shape shape = rules::shape_attribute(request);
          rules::normalize_axis(request, shape.rank());
          rules::need(request, Attr::dtype);
          TensorType type{request.attributes.dtype(Attr::dtype), shape};
          if (type.dtype == DType::boolean)
            rules::fail("gives numbers, not bool", "choose a number type and compare");
          return type;
        },
    .not_differentiable = no_operands,
    .zero_gradient = true,
    .expand =
        [](const Expansion& x) {
          Shape shape = to_shape(x.attributes.integers(Attr::shape));
          int axis = static_cast<int>(x.attributes.integer(Attr::axis));
          int64_t stride = 1;
          for (int i = axis + 1; i < shape.rank(); ++i)
            stride *= shape[i];
          ScalarValue row = stride == 1 ? x[0] : x[0] / static_cast<double>(stride);
          if (axis > 0)
            row = loop::binary(ScalarOp::rem, row, static_cast<double>(shape[axis]));
          return loop::convert(row, x.type);
        },
    .reference_tensor =
        [](std::span<const ReferenceTensor>, const TensorType& result,
           const Attributes& attributes) {
          std::vector<double> values;
          for (int64_t i = 0; i < result.elements(); ++i)
            values.push_back(static_cast<double>(
                reference::unravel(i, result.shape)[attributes.integer(Attr::axis)]));
          return values;
        },
};

} // namespace gdjit
