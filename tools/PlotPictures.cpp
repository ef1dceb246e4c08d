// Each picture in two functions: what a model lacks for it, and its script.
#include "PlotPictures.h"

#include "Evaluate.h"
#include "PlotRoles.h"
#include "PlotScript.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace gdjit::tool {

namespace {

std::vector<double> steps(double low, double high, int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i)
    values.push_back(low + (high - low) * i / (count - 1));
  return values;
}

/// Least and greatest value of feature k, with a margin of the range on both sides.
std::pair<double, double> extent(const std::vector<double>& features, size_t width, size_t k,
                                 double margin) {
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (size_t i = k; i < features.size(); i += width) {
    low = std::min(low, features[i]);
    high = std::max(high, features[i]);
  }
  double add = high > low ? margin * (high - low) : 1;
  return {low - add, high + add};
}

// ---- cost ----

std::string cost_lacks(const PlotSource& source, const Roles&) {
  if (!source.losses)
    return "only train has updates";
  return source.losses->lines().empty() ? "it declares no loss" : "";
}

std::string cost_script(const PlotSource& source, const Roles&) {
  std::vector<Series> losses;
  for (const LossCurve::Line& line : source.losses->lines())
    losses.push_back({line.name, line.k, line.loss});
  // What --split keeps apart is looked at once an epoch.
  std::map<std::string, Series> apart;
  for (const History::Row& row : source.history->rows())
    for (const auto& [name, value] : row.figures)
      if (is_loss(name) && name.starts_with("dev/")) {
        Series& series = apart[name];
        series.name = name;
        series.x.push_back(static_cast<double>(row.step));
        series.y.push_back(value);
      }
  for (auto& [name, series] : apart)
    losses.push_back(std::move(series));
  return script_of_cost(source.signature.name, losses);
}

// ---- fit ----

constexpr const char* one_size = "a text holds a step for one batch size";

std::string fit_lacks(const PlotSource& source, const Roles& roles) {
  if (source.subject.is_text())
    return one_size;
  if (roles.features.empty() || roles.targets.empty())
    return "it has no target of one number a row beside what the prediction needs";
  return roles.number() ? "" : "it has no output of one number a row";
}

/// The example rows, scaled as the others.
std::vector<double> example_features(const PlotSource& source, const Roles& roles) {
  if (source.signature.examples.empty())
    return {};
  Work prediction = source.subject.work(StepKind::prediction);
  return features_of(roles,
                     scaled(source.scalings, example_rows(source.subject, prediction.signature())));
}

std::string fit_script(const PlotSource& source, const Roles& roles) {
  const std::string &target = roles.targets[0].name, &output = roles.number()->name;
  if (roles.width > 1) {
    std::vector<Series> parts;
    for (const Part& part : source.parts)
      parts.push_back({part.prefix + output, numbers(part.rows, target),
                       predict(source, roles, features_of(roles, part.rows))[output]});
    return script_of_agreement(source.signature.name, target, parts);
  }
  Fit fit{roles.features[0].name, output, {}, {}, {}};
  std::vector<double> seen = example_features(source, roles);
  if (!seen.empty())
    fit.examples.push_back(
        {"examples", roles.as_they_came(0, seen), predict(source, roles, seen)[output]});
  for (const Part& part : source.parts) {
    std::vector<double> x = features_of(roles, part.rows);
    fit.points.push_back(
        {part.prefix + target, roles.as_they_came(0, x), numbers(part.rows, target)});
    seen.insert(seen.end(), x.begin(), x.end());
  }
  auto [low, high] = extent(seen, 1, 0, 0.1);
  std::vector<double> grid = steps(low, high, 200);
  fit.lines.push_back({output, roles.as_they_came(0, grid), predict(source, roles, grid)[output]});
  return script_of_fit(source.signature.name, fit);
}

// ---- curve ----

std::string curve_lacks(const PlotSource& source, const Roles& roles) {
  if (source.subject.is_text())
    return one_size;
  if (roles.width != 1 || !roles.targets.empty())
    return "it is no function of a single number";
  return roles.number() ? "" : "it has no output of one number a row";
}

std::string curve_script(const PlotSource& source, const Roles& roles) {
  auto [low, high] = extent(features_of(roles, source.parts[0].rows), 1, 0, 0);
  std::vector<double> grid = steps(low, high, 300);
  auto predicted = predict(source, roles, grid);
  std::vector<Series> lines;
  for (const OutputDecl& output : roles.outputs)
    if (is_float(output.type.dtype) && row_width(output.type) == 1)
      lines.push_back({output.name, roles.as_they_came(0, grid), predicted[output.name]});
  return script_of_curves(source.signature.name, roles.features[0].name, lines);
}

// ---- boundary ----

std::string boundary_lacks(const PlotSource& source, const Roles& roles) {
  if (source.subject.is_text())
    return one_size;
  if (roles.width != 2)
    return fmt::format("its prediction takes {} number{} a row, a plane has two", roles.width,
                       roles.width == 1 ? "" : "s");
  return roles.outputs.empty() ? "it has no output per row" : "";
}

/// The training rows by the first target, or as one class.
void add_rows_by_class(const PlotSource& source, const Roles& roles, Plane& plane) {
  const Dataset& rows = source.parts[0].rows;
  std::vector<double> features = features_of(roles, rows), classes(features.size() / 2);
  if (!roles.targets.empty())
    classes = numbers(rows, roles.targets[0].name);
  std::map<double, Series> series;
  for (size_t i = 0; i < classes.size(); ++i) {
    Series& s = series[classes[i]];
    s.name =
        roles.targets.empty() ? "rows" : fmt::format("{} = {}", roles.targets[0].name, classes[i]);
    s.x.push_back(roles.as_they_came(0, {features[2 * i]})[0]);
    s.y.push_back(roles.as_they_came(1, {features[2 * i + 1]})[0]);
  }
  for (auto& [value, s] : series) {
    const bool number = plane.classes && value >= 0 && value == std::floor(value);
    plane.shades.push_back(number ? static_cast<size_t>(value) : plane.rows.size());
    plane.rows.push_back(std::move(s));
  }
}

/// One number per row: a probability, a score, a class; of several scores the greatest one's place.
std::vector<double> decision_values(const std::vector<double>& values, size_t rows) {
  size_t width = values.size() / rows;
  if (width == 1)
    return values;
  std::vector<double> classes;
  for (size_t i = 0; i < rows; ++i) {
    auto begin = values.begin() + static_cast<std::ptrdiff_t>(i * width);
    classes.push_back(static_cast<double>(
        std::max_element(begin, begin + static_cast<std::ptrdiff_t>(width)) - begin));
  }
  return classes;
}

/// Between classes; at 0.5 of probabilities, at 0 of scores. Where no target tells what the values
/// are, their range does.
std::vector<double> decision_levels(const std::vector<double>& values, bool classes,
                                    std::optional<bool> logits) {
  auto [low, high] = std::ranges::minmax(values);
  if (!classes)
    return {logits.value_or(low < 0 || high > 1) ? 0.0 : 0.5};
  std::vector<double> levels = {std::floor(low) + 0.5};
  while (levels.back() + 1 < high && levels.size() < 100)
    levels.push_back(levels.back() + 1);
  return levels;
}

std::string boundary_script(const PlotSource& source, const Roles& roles) {
  constexpr int side = 80;
  std::vector<double> seen = features_of(roles, source.parts[0].rows), points;
  auto [x0, x1] = extent(seen, 2, 0, 0.15);
  auto [y0, y1] = extent(seen, 2, 1, 0.15);
  Plane plane;
  plane.columns = side;
  for (double y : steps(y0, y1, side))
    for (double x : steps(x0, x1, side)) {
      plane.grid.x.push_back(roles.as_they_came(0, {x})[0]);
      plane.grid.y.push_back(roles.as_they_came(1, {y})[0]);
      points.insert(points.end(), {x, y});
    }
  const OutputDecl& output = roles.number() ? *roles.number() : roles.outputs[0];
  std::optional<bool> logits;
  if (!roles.targets.empty())
    logits = roles.logits[static_cast<size_t>(&output - roles.outputs.data())];
  const std::string& name = roles.features[0].name;
  bool two = roles.features.size() == 2;
  plane.x_name = two ? name : name + "[0]";
  plane.y_name = two ? roles.features[1].name : name + "[1]";
  plane.value_name = output.name;
  plane.values = decision_values(predict(source, roles, points)[output.name], plane.grid.x.size());
  plane.classes = row_width(output.type) > 1 || !is_float(output.type.dtype);
  plane.levels = decision_levels(plane.values, plane.classes, logits);
  add_rows_by_class(source, roles, plane);
  return script_of_plane(source.signature.name, plane);
}

// ---- histogram ----

/// The first of floats, else of integers.
const OutputDecl* many_numbers(const Signature& signature) {
  const OutputDecl* integers = nullptr;
  for (const OutputDecl& d : signature.outputs)
    if (d.type.elements() > 1 || d.batch_axis == 0) {
      if (is_float(d.type.dtype))
        return &d;
      if (is_integer(d.type.dtype) && !integers)
        integers = &d;
    }
  return integers;
}

std::string histogram_lacks(const PlotSource& source, const Roles&) {
  return many_numbers(source.signature) ? "" : "it has no output of more than one number";
}

std::string histogram_script(const PlotSource& source, const Roles&) {
  const std::string& name = many_numbers(source.signature)->name;
  std::vector<double> values;
  Evaluator evaluator(source.subject, StepKind::evaluation, source.state, source.scalars,
                      source.options);
  evaluator.run(source.parts[0].rows, source.signature.batch, [&](const SeenBatch& batch) {
    for (const TensorView& output : batch.outputs)
      if (output.name == name)
        for (double v : numbers(output))
          values.push_back(v);
  });
  return script_of_histogram(source.signature.name, name, values);
}

// ---- images ----

/// Height and width of what the one input holds per row; 0 where that is no image.
std::pair<int64_t, int64_t> image_size(const Roles& roles) {
  if (roles.features.size() != 1 || roles.features[0].batch_axis != 0)
    return {0, 0};
  const Shape& shape = roles.features[0].type.shape;
  if (shape.rank() == 3)
    return {shape[1], shape[2]};
  const auto side = std::llround(std::sqrt(static_cast<double>(roles.width)));
  return side >= 4 && side * side == roles.width ? std::pair{side, side} : std::pair{0LL, 0LL};
}

const OutputDecl* class_output(const Roles& roles) {
  auto found = std::ranges::find_if(roles.outputs, [](const OutputDecl& d) {
    return is_integer(d.type.dtype) && row_width(d.type) == 1;
  });
  return found == roles.outputs.end() ? nullptr : &*found;
}

std::string images_lacks(const PlotSource& source, const Roles& roles) {
  if (source.subject.is_text())
    return one_size;
  if (image_size(roles).first == 0)
    return "its prediction takes no image: one input of height x width, or of a square's numbers";
  return class_output(roles) ? "" : "it has no output of a class per row";
}

std::string images_script(const PlotSource& source, const Roles& roles) {
  constexpr int64_t shown = 50;
  const Part& part = source.parts.back(); // not those that were learned, where there are others
  const std::string& output = class_output(roles)->name;
  std::vector<double> features = features_of(roles, part.rows);
  const auto each = static_cast<size_t>(roles.width);
  const auto count = std::min<size_t>(features.size() / each, shown);
  features.resize(count * each);
  const std::vector<double> classes = predict(source, roles, features)[output];
  std::vector<double> truth;
  if (!roles.targets.empty())
    truth = numbers(part.rows, roles.targets[0].name);
  auto [height, width] = image_size(roles);
  Images images{height, width, {}, {}, {}};
  for (size_t i = 0; i < count; ++i) {
    images.grey.emplace_back(features.begin() + static_cast<std::ptrdiff_t>(i * each),
                             features.begin() + static_cast<std::ptrdiff_t>((i + 1) * each));
    images.marked.push_back(!truth.empty() && truth[i] != classes[i]);
    images.words.push_back(fmt::format("{}", classes[i]));
  }
  return script_of_images(fmt::format("{}: {}", source.signature.name, output), images);
}

constexpr Picture all[] = {
    {"cost", cost_lacks, cost_script},
    {"fit", fit_lacks, fit_script},
    {"curve", curve_lacks, curve_script},
    {"boundary", boundary_lacks, boundary_script},
    {"histogram", histogram_lacks, histogram_script},
    {"images", images_lacks, images_script},
};

} // namespace

std::span<const Picture> pictures() { return all; }

} // namespace gdjit::tool
