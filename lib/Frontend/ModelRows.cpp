// Rows that a model carries: m.data and m.examples, matched to the inputs.
#include "Declaration.h"
#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>

namespace gdjit {

namespace {

uint32_t find_input(const Declaration& d, const Declaration::Column& column) {
  std::vector<std::string> names;
  for (const InputDecl& input : d.signature.inputs) {
    if (input.name == column.data.input)
      return static_cast<uint32_t>(names.size());
    names.push_back(input.name);
  }
  d.fail(fmt::format("data: there is no input '{}'{}", column.data.input,
                     did_you_mean(column.data.input, names)),
         column.place, {{fmt::format("inputs: {}", fmt::join(names, ", ")), {}}});
}

/// Elements of one row: all extents behind the batch axis.
int64_t row_elements(const TensorType& type, int axis) {
  int64_t elements = 1;
  for (int i = 0; i < type.shape.rank(); ++i)
    elements *= i == axis ? 1 : type.shape[i];
  return elements;
}

/// The number of rows of a literal for an input that scales with the batch.
int64_t rows_of(const Declaration& d, const InputDecl& input, int axis,
                const Declaration::Column& column) {
  const Literal& rows = column.data.rows;
  Note note{fmt::format("input {} : {}", input.name, to_string(input.type)),
            d.signature.initial.location(input.origin)};
  if (axis != 0)
    d.fail(fmt::format("data: rows of '{}' need the batch as the first axis, it is axis {}",
                       input.name, axis),
           column.place, {note});
  if (!rows.regular())
    d.fail(fmt::format("data: rows of '{}' differ in length", input.name), column.place,
           {note, {"give each row as many numbers", {}}});
  if (rows.extents().empty())
    d.fail(fmt::format("data: '{}' is one number, not rows", input.name), column.place,
           {note, {"write rows in braces: {{1}, {2}}", {}}});
  int64_t count = rows.extents()[0], wanted = row_elements(input.type, 0);
  int64_t given = rows.elements();
  if (count == 0)
    d.fail(fmt::format("data: '{}' has no rows", input.name), column.place, {note});
  if (given != count * wanted)
    d.fail(fmt::format("data: a row of '{}' has {} numbers, the input takes {}", input.name,
                       given / count, wanted),
           column.place, {note});
  return count;
}

} // namespace

int64_t ModelCore::count_rows(const Declaration& d) const {
  for (const Declaration::Column& column : d.data) {
    uint32_t row = find_input(d, column);
    if (input_axes[row] >= 0)
      return rows_of(d, d.signature.inputs[row], input_axes[row], column);
  }
  return 0;
}

std::vector<Rows> ModelCore::collect_rows(const Declaration& d,
                                          const std::vector<Declaration::Column>& columns) const {
  std::vector<Rows> all;
  std::vector<const Declaration::Column*> seen(d.signature.inputs.size());
  const InputDecl* first = nullptr;
  int64_t count = 0;
  for (const Declaration::Column& column : columns) {
    uint32_t row = find_input(d, column);
    const InputDecl& input = d.signature.inputs[row];
    if (seen[row])
      d.fail(fmt::format("data: rows of '{}' are given twice", input.name), column.place,
             {{"the first ones stand here", location_of(seen[row]->place)}});
    seen[row] = &column;
    Shape shape = input.type.shape;
    std::string what = fmt::format("data: '{}'", input.name);
    if (input_axes[row] >= 0) {
      shape[0] = rows_of(d, input, input_axes[row], column);
      if (first && shape[0] != count)
        d.fail(fmt::format("data: '{}' has {} rows, '{}' has {}", first->name, count, input.name,
                           shape[0]),
               column.place);
      first = &input;
      count = shape[0];
    } else if (column.data.rows.elements() != shape.elements()) {
      d.fail(fmt::format("data: '{}' takes {} numbers, {} are given", input.name, shape.elements(),
                         column.data.rows.elements()),
             column.place,
             {{"its shape does not scale with the batch",
               d.signature.initial.location(input.origin)}});
    }
    std::shared_ptr<const Array> values = column.data.rows.array();
    if (!values || values->type() != TensorType{input.type.dtype, shape})
      values = std::make_shared<const Array>(
          to_array(column.data.rows, input.type.dtype, shape, what, column.place));
    all.push_back({.input = row, .values = std::move(values), .file = {}});
  }
  return all;
}

} // namespace gdjit
