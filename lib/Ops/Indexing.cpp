// Indexing: places that come from data. An index out of range touches nothing and is reported by
// the call.
#include "Rules.h"
#include "gdjit/Ops/Vjp.h"

#include <fmt/format.h>

namespace gdjit {

namespace {

constexpr Attr scatter_attributes[] = {Attr::rows};
constexpr Attr one_hot_attributes[] = {Attr::dtype, Attr::depth};

constexpr SampleRange row_numbers[] = {{-3, 3}, {0, 2}};
constexpr SampleRange class_numbers[] = {{0, 2}};

void require_indices(const TypeRequest& request, int operand) {
  if (!is_integer(request.operands[operand].dtype))
    rules::fail(
        fmt::format("indices are {}, not i32 or i64", name(request.operands[operand].dtype)),
        "convert them with cast");
}

TensorType infer_gather(const TypeRequest& request) {
  const TensorType &data = request.operands[0], &indices = request.operands[1];
  require_indices(request, 1);
  if (data.shape.rank() == 0)
    rules::fail("data of rank 0 has no rows", "reshape it");
  TensorType result{data.dtype, indices.shape};
  if (indices.shape.rank() + data.shape.rank() - 1 > Shape::max_rank)
    rules::fail(
        fmt::format("the result would have rank {}", indices.shape.rank() + data.shape.rank() - 1),
        "reshape the indices or the data");
  for (int i = 1; i < data.shape.rank(); ++i)
    result.shape.push_back(data.shape[i]);
  return result;
}

TensorType infer_scatter(const TypeRequest& request) {
  const TensorType &data = request.operands[0], &indices = request.operands[1];
  rules::require(request, 0, rules::numbers);
  require_indices(request, 1);
  rules::need(request, Attr::rows);
  int64_t rows = request.attributes.integer(Attr::rows);
  if (rows < 0 || rows > max_elements)
    rules::fail(fmt::format("{} rows", rows), "give 0 to 2^40");
  bool fits = data.shape.rank() >= indices.shape.rank();
  for (int i = 0; fits && i < indices.shape.rank(); ++i)
    fits = data.shape[i] == indices.shape[i];
  if (!fits)
    rules::fail(fmt::format("data {} does not begin with the extents of the indices, {}",
                            to_string(data.shape), to_string(indices.shape)),
                "give one row of data per index");
  TensorType result{data.dtype, {}};
  if (data.shape.rank() - indices.shape.rank() + 1 > Shape::max_rank)
    rules::fail(fmt::format("the result would have rank {}", Shape::max_rank + 1),
                "reshape the data");
  result.shape.push_back(rows);
  for (int i = indices.shape.rank(); i < data.shape.rank(); ++i)
    result.shape.push_back(data.shape[i]);
  return result;
}

TensorType infer_one_hot(const TypeRequest& request) {
  const TensorType& indices = request.operands[0];
  require_indices(request, 0);
  rules::need(request, Attr::depth);
  rules::need(request, Attr::dtype);
  int64_t depth = request.attributes.integer(Attr::depth);
  if (depth < 0 || depth > max_elements)
    rules::fail(fmt::format("{} classes", depth), "give 0 to 2^40");
  if (indices.shape.rank() == Shape::max_rank)
    rules::fail(fmt::format("the result would have rank {}", Shape::max_rank + 1),
                "reshape the indices");
  TensorType result{request.attributes.dtype(Attr::dtype), indices.shape};
  result.shape.push_back(depth);
  return result;
}

/// Elements of one row of data: those behind the indices' extents (scatter) or behind axis 0
/// (gather).
int64_t row_size(const Shape& shape, int from) {
  int64_t n = 1;
  for (int i = from; i < shape.rank(); ++i)
    n *= shape[i];
  return n;
}

} // namespace

constinit const OpBlock blocks::Gather = {
    .summary = "rows of the data, by index",
    .formula = "result[i.., j..] = data[indices[i..], j..]; an index out of range gives zeros and "
               "is reported",
    .infer = infer_gather,
    .vjp =
        [](Vjp& v) {
          if (v.wants(0))
            v.add(0, apply(Opcode::ScatterAdd, v.g(), v.operand(1),
                           Attributes().integer(Attr::rows, v.operand(0).shape()[0])));
        },
    .index_use = IndexUse::gather,
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType&, const Attributes&) {
          int64_t n = row_size(operands[0].type.shape, 1);
          std::vector<double> values;
          for (double index : operands[1].values)
            for (int64_t j = 0; j < n; ++j) {
              bool inside = index >= 0 && index < static_cast<double>(operands[0].type.shape[0]);
              values.push_back(inside ? operands[0].values[static_cast<int64_t>(index) * n + j]
                                      : 0);
            }
          return values;
        },
    .samples = row_numbers,
};

constinit const OpBlock blocks::ScatterAdd = {
    .summary = "adds rows to the rows of a tensor of zeros, by index",
    .formula = "result = 0; in order of i: result[indices[i..], j..] += data[i.., j..]; an index "
               "out of range is "
               "skipped and reported",
    .attributes = scatter_attributes,
    .infer = infer_scatter,
    .vjp =
        [](Vjp& v) {
          if (v.wants(0))
            v.add(0, apply(Opcode::Gather, v.g(), v.operand(1)));
        },
    .index_use = IndexUse::scatter,
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType& result, const Attributes&) {
          int64_t n = row_size(operands[0].type.shape, operands[1].type.shape.rank());
          std::vector<double> values(result.elements(), 0.0);
          for (size_t i = 0; i < operands[1].values.size(); ++i)
            for (int64_t j = 0; j < n; ++j) {
              double index = operands[1].values[i];
              if (index >= 0 && index < static_cast<double>(result.shape[0]))
                values[static_cast<int64_t>(index) * n + j] += operands[0].values[i * n + j];
            }
          return values;
        },
    .samples = row_numbers,
};

constinit const OpBlock blocks::OneHot = {
    .summary = "class numbers as rows with a single 1",
    .formula =
        "result[i.., c] = (indices[i..] == c); an index out of range gives zeros and is reported",
    .attributes = one_hot_attributes,
    .infer = infer_one_hot,
    .not_differentiable = "class numbers are integers",
    .zero_gradient = true,
    .index_use = IndexUse::one_hot,
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType& result, const Attributes&) {
          std::vector<double> values;
          for (double index : operands[0].values)
            for (int64_t c = 0; c < result.shape[result.shape.rank() - 1]; ++c)
              values.push_back(index == static_cast<double>(c));
          return values;
        },
    .samples = class_numbers,
};

} // namespace gdjit
