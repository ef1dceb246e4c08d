// Numbers as text for people; JSON and .gdir have their own printers.
#include "gdjit/Driver/Values.h"

#include "gdjit/IR/TextWriter.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Figure.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gdjit {

std::string format_element(const Array& array, int64_t i) {
  if (std::isnan(array.at(i)))
    return "nan"; // whatever its sign: all NaNs are one
  switch (array.type().dtype) {
  case DType::f32:
    return fmt::format("{}", array.data<float>()[i]);
  case DType::f64:
    return fmt::format("{}", array.data<double>()[i]);
  case DType::i32:
    return fmt::format("{}", array.data<int32_t>()[i]);
  case DType::i64:
    return fmt::format("{}", array.data<int64_t>()[i]);
  case DType::boolean:
    return array.data<bool>()[i] ? "true" : "false";
  }
  return "";
}

namespace {

std::string summarize(const Array& array) {
  double least = HUGE_VAL, greatest = -HUGE_VAL, sum = 0;
  int64_t finite = 0;
  for (int64_t i = 0; i < array.elements(); ++i)
    if (double v = array.at(i); std::isfinite(v)) {
      least = std::min(least, v);
      greatest = std::max(greatest, v);
      sum += v;
      ++finite;
    }
  std::string text = to_string(array.type());
  if (finite > 0)
    text += fmt::format("  min {}  mean {}  max {}", format_figure(least),
                        format_figure(sum / static_cast<double>(finite)), format_figure(greatest));
  if (finite < array.elements())
    text += fmt::format("  not finite {} of {}", array.elements() - finite, array.elements());
  return text;
}

} // namespace

std::string format_values(const Array& array, int64_t most) {
  const Shape& shape = array.type().shape;
  if (array.elements() > most)
    return summarize(array);
  if (array.elements() == 0)
    return to_string(array.type()) + " without elements";
  // Row-major order: brackets open and close where the index of an axis is at its first or last
  // value.
  std::string text;
  for (int64_t i = 0; i < array.elements(); ++i) {
    int opens = 0, closes = 0;
    int64_t inner = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      inner *= shape[axis];
      opens += i % inner == 0;
      closes += (i + 1) % inner == 0;
    }
    text += i ? ", " : "";
    text += std::string(static_cast<size_t>(opens), '[') + format_element(array, i) +
            std::string(static_cast<size_t>(closes), ']');
  }
  return text;
}

std::string print_values(const Step& step, const CallArguments& arguments, CallStatus& status) {
  const Graph& g = step.graph;
  std::vector<Array> values = interpret_nodes(g, arguments, status);
  std::vector<std::string> names(g.size());
  size_t width = 0;
  for (NodeId n = 0; n < g.size(); ++n) {
    const std::string* row = row_name(step.signature, g, n);
    std::string read = row ? " " + *row : "";
    names[n] = fmt::format("%{} = {}{}", g.name(n).empty() ? std::to_string(n) : g.name(n),
                           name(g.op(n)), read);
    width = std::max(width, std::min<size_t>(names[n].size(), 40));
  }
  std::string text;
  Part part = Part::forward;
  for (NodeId n = 0; n < g.size(); ++n) {
    if (g.origin(n).part != part) {
      part = g.origin(n).part;
      text += std::string(name(part)) + ":\n";
    }
    std::string type = values[n].elements() > 64 ? "" : to_string(g.type(n)) + "  ";
    text += fmt::format("  {:<{}}  {}{}\n", names[n], width, type, format_values(values[n]));
  }
  return text;
}

} // namespace gdjit
