// One look for all pictures: thin axes on two sides, a light grid, few colours.
#include "PlotScript.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gdjit::tool {

namespace {

/// A text as gnuplot quotes it.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text)
    out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "NaN"; }

constexpr const char* colours[] = {"#1f6fb4", "#d1582b", "#3a9a4b", "#8455a8",
                                   "#b08a1e", "#4c4c4c", "#c23b78"};
const char* colour(size_t i) { return colours[i % std::size(colours)]; }

/// The same colour as a ground to draw on.
std::string tint(size_t i) {
  const std::string text = colour(i);
  std::string tinted = "#";
  for (size_t at : {1, 3, 5})
    tinted += fmt::format("{:02x}", 255 - (255 - std::stoi(text.substr(at, 2), nullptr, 16)) / 3);
  return tinted;
}

/// Class numbers each in their own colour; other values from one side of the border to the other,
/// white where it is.
std::string palette(const Plane& plane) {
  auto [low, high] = std::ranges::minmax(plane.values);
  if (!plane.classes) {
    std::string script = "set palette defined (0 '#bcd6ee', 1 '#fbfbfb', 2 '#f3c9b5')\n";
    const double level = plane.levels[0], most = std::max(level - low, high - level);
    if (level == 0 && most > 0)
      script += fmt::format("set cbrange [{}:{}]\n", number(-most), number(most));
    return script;
  }
  std::string steps;
  for (double c = low; c <= high && steps.size() < 10'000; ++c)
    steps += fmt::format("{0}{1} '{3}', {2} '{3}'", steps.empty() ? "" : ", ", c - 0.5, c + 0.5,
                         tint(static_cast<size_t>(std::max(c, 0.0))));
  return fmt::format("set palette defined ({})\nset cbrange [{}:{}]\nunset colorbox\n", steps,
                     low - 0.5, high + 0.5);
}

std::string head(const std::string& title, const std::string& x_name, const std::string& y_name) {
  return fmt::format(
      "set encoding utf8\nset termoption noenhanced\nset title {}\n"
      "set xlabel {}\nset ylabel {}\n"
      "set border 3 lc '#606060'\nset tics nomirror\nset grid lt 1 lc '#e4e4e4' lw 1\n"
      "set key top right\n",
      quoted(title), quoted(x_name), quoted(y_name));
}

/// $name << EOD … EOD.
std::string block(const std::string& name, const Series& s) {
  std::string text = fmt::format("${} << EOD\n", name);
  for (size_t i = 0; i < s.x.size(); ++i)
    text += number(s.x[i]) + " " + number(s.y[i]) + "\n";
  return text + "EOD\n";
}

class Plot {
public:
  void add(const Series& s, const std::string& how) {
    std::string name = fmt::format("d{}", elements_.size());
    blocks_ += block(name, s);
    elements_.push_back(fmt::format("${} using 1:2 {} title {}", name, how, quoted(s.name)));
  }
  std::string text() const {
    return fmt::format("{}plot {}\n", blocks_, fmt::join(elements_, ", \\\n     "));
  }

private:
  std::string blocks_;
  std::vector<std::string> elements_;
};

/// Least and greatest of what is finite.
std::pair<double, double> range(const std::vector<double>& values) {
  double least = HUGE_VAL, greatest = -HUGE_VAL;
  for (double v : values)
    if (std::isfinite(v)) {
      least = std::min(least, v);
      greatest = std::max(greatest, v);
    }
  return {least, greatest};
}

/// Distance of tics, 1, 2 or 5 times a power of ten, so that there are at most `most`.
double tic_step(double low, double high, int most) {
  double least = (high - low) / most;
  double step = std::pow(10, std::floor(std::log10(least)));
  for (double factor : {1.0, 2.0, 5.0})
    if (factor * step >= least)
      return factor * step;
  return 10 * step;
}

std::string line(size_t i) { return fmt::format("with lines lw 2 lc '{}'", colour(i)); }
std::string dots(size_t i) { return fmt::format("with points pt 7 ps 0.9 lc '{}'", colour(i)); }

} // namespace

std::string script_of_cost(const std::string& title, const std::vector<Series>& losses) {
  double least = HUGE_VAL, greatest = -HUGE_VAL;
  for (const Series& s : losses) {
    auto [low, high] = range(s.y);
    least = std::min(least, low);
    greatest = std::max(greatest, high);
  }
  if (!(least <= greatest))
    throw Error(ErrorCode::data, "--plot cost: no loss is finite");
  std::string script = head(title, "updates", "loss");
  if (least > 0 && greatest > 100 * least)
    script += "set logscale y\nset format y '%h'\n";
  Plot plot;
  for (size_t i = 0; i < losses.size(); ++i)
    plot.add(losses[i],
             std::ranges::count_if(losses[i].y, [](double y) { return std::isfinite(y); }) > 25
                 ? line(i)
                 : fmt::format("with linespoints pt 7 ps 0.5 lw 2 lc '{}'", colour(i)));
  return script + plot.text();
}

std::string script_of_fit(const std::string& title, const Fit& fit) {
  Plot plot;
  for (size_t i = 0; i < fit.lines.size(); ++i)
    plot.add(fit.lines[i], line(i));
  for (size_t i = 0; i < fit.points.size(); ++i)
    plot.add(fit.points[i], dots(fit.lines.size() + i));
  for (size_t i = 0; i < fit.examples.size(); ++i)
    plot.add(fit.examples[i], fmt::format("with points pt 8 ps 1.3 lw 2 lc '{}'", colour(i)));
  return head(title, fit.x_name, fit.y_name) +
         "set key top left\nset offsets graph 0, 0, 0.05, 0.05\n" + plot.text();
}

std::string script_of_agreement(const std::string& title, const std::string& target,
                                const std::vector<Series>& predictions) {
  Plot plot;
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const Series& s : predictions) {
    auto [least, greatest] = range(s.x);
    low = std::min(low, least);
    high = std::max(high, greatest);
  }
  plot.add({"predicted = given", {low, high}, {low, high}}, "with lines lw 1 dt 2 lc '#808080'");
  for (size_t i = 0; i < predictions.size(); ++i)
    plot.add(predictions[i], dots(i));
  return head(title, "given " + target, "predicted " + predictions[0].name) + "set key top left\n" +
         plot.text();
}

std::string script_of_curves(const std::string& title, const std::string& x_name,
                             const std::vector<Series>& lines) {
  if (lines.size() == 1) {
    Plot plot;
    plot.add(lines[0], line(0));
    return head(title, x_name, lines[0].name) + "unset key\n" + plot.text();
  }
  // One below the other, over the same axis.
  std::string script = head("", "", "");
  script +=
      fmt::format("unset title\nunset key\nset lmargin 14\nset multiplot layout {},1 title {}\n",
                  lines.size(), quoted(title));
  for (size_t i = 0; i < lines.size(); ++i) {
    Plot plot;
    plot.add(lines[i], line(i));
    script += fmt::format("set ylabel {} offset -1,0\nset xlabel {}\n", quoted(lines[i].name),
                          quoted(i + 1 == lines.size() ? x_name : ""));
    if (auto [low, high] = range(lines[i].y); low < high)
      script += fmt::format("set ytics {}\n", tic_step(low, high, lines.size() > 3 ? 2 : 4));
    else
      script += "set ytics autofreq\n";
    script += plot.text();
  }
  return script + "unset multiplot\n";
}

std::string script_of_plane(const std::string& title, const Plane& plane) {
  std::string cells = "$cells << EOD\n";
  for (size_t i = 0; i < plane.values.size(); ++i) {
    cells += fmt::format("{} {} {}\n", number(plane.grid.x[i]), number(plane.grid.y[i]),
                         number(plane.values[i]));
    if ((i + 1) % static_cast<size_t>(plane.columns) == 0)
      cells += "\n"; // the next row of the grid
  }
  std::string script = cells + "EOD\n";
  // The line between decisions first, into a table of its own.
  script += fmt::format("set contour base\nunset surface\nset cntrparam levels discrete {}\n"
                        "set table $border\nsplot $cells using 1:2:3\nunset table\n"
                        "unset contour\nset surface\n",
                        fmt::join(plane.levels, ","));
  script += head(title, plane.x_name, plane.y_name);
  auto [x0, x1] = range(plane.grid.x);
  auto [y0, y1] = range(plane.grid.y);
  script += fmt::format("set xrange [{}:{}]\nset yrange [{}:{}]\nunset grid\nset key outside\n"
                        "set cblabel {}\n",
                        x0, x1, y0, y1, quoted(plane.value_name));
  script += palette(plane);
  Plot plot;
  std::string text;
  std::vector<std::string> elements = {
      "$cells using 1:2:3 with image notitle",
      "$border using 1:2 with lines lw 2 lc '#404040' title 'border'"};
  for (size_t i = 0; i < plane.rows.size(); ++i) {
    text += block(fmt::format("rows{}", i), plane.rows[i]);
    elements.push_back(fmt::format("$rows{} using 1:2 {} title {}", i, dots(plane.shades[i]),
                                   quoted(plane.rows[i].name)));
  }
  return script + text + fmt::format("plot {}\n", fmt::join(elements, ", \\\n     "));
}

std::string script_of_images(const std::string& title, const Images& images) {
  constexpr int64_t a_row = 10; // images
  const auto count = static_cast<int64_t>(images.grey.size());
  const int64_t columns = std::min(count, a_row), rows = (count + a_row - 1) / a_row;
  const int64_t across = images.width + images.width / 4, down = images.height * 3 / 2;
  std::string cells = "$cells << EOD\n", labels;
  for (int64_t y = 0; y < rows * down; ++y) {
    for (int64_t x = 0; x < columns * across; ++x) {
      const int64_t i = y / down * a_row + x / across, within_x = x % across;
      const int64_t within_y = y % down - (down - images.height);
      const bool inside = i < count && within_x < images.width && within_y >= 0;
      cells += inside ? number(images.grey[static_cast<size_t>(i)]
                                          [static_cast<size_t>(within_y * images.width + within_x)])
                      : "NaN";
      cells += x + 1 == columns * across ? "\n" : " ";
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    const auto k = static_cast<size_t>(i);
    const int64_t left = i % a_row * across, row = i / a_row;
    labels += fmt::format("set label {} at {},{} center tc rgb '{}'\n", quoted(images.words[k]),
                          0.5 * static_cast<double>(2 * left + images.width),
                          0.5 * static_cast<double>(2 * row * down + down - images.height),
                          images.marked[k] ? "#d11a1a" : "#202020");
  }
  return head(title, "", "") + cells + "EOD\n" + labels +
         fmt::format("unset key\nunset border\nunset tics\nunset grid\nunset colorbox\n"
                     "set palette gray negative\nset size ratio -1\n"
                     "set xrange [-1:{}]\nset yrange [{}:-1]\n"
                     "plot $cells matrix with image\n",
                     columns * across, rows * down);
}

std::string script_of_histogram(const std::string& title, const std::string& name,
                                const std::vector<double>& values) {
  auto [least, greatest] = range(values);
  if (!(least <= greatest))
    throw Error(ErrorCode::data, fmt::format("--plot histogram: no element of {} is finite", name));
  int64_t count = 0;
  double sum = 0, squares = 0;
  for (double v : values)
    if (std::isfinite(v)) {
      ++count;
      sum += v;
    }
  double mean = sum / static_cast<double>(count);
  for (double v : values)
    if (std::isfinite(v))
      squares += (v - mean) * (v - mean);
  // Rice's rule, at most what one can see.
  auto bins = static_cast<int64_t>(
      std::clamp(std::ceil(2 * std::cbrt(static_cast<double>(count))), 1.0, 60.0));
  double width = greatest > least ? (greatest - least) / static_cast<double>(bins) : 1;
  Series boxes{name, {}, {}};
  for (int64_t i = 0; i < bins; ++i) {
    boxes.x.push_back(least + (static_cast<double>(i) + 0.5) * width);
    boxes.y.push_back(0);
  }
  for (double v : values)
    if (std::isfinite(v))
      ++boxes.y[static_cast<size_t>(std::min(static_cast<int64_t>((v - least) / width), bins - 1))];
  double deviation = count > 1 ? std::sqrt(squares / static_cast<double>(count - 1)) : 0;
  Plot plot;
  plot.add(boxes, fmt::format("with boxes lc '{0}' fs solid 0.55 border lc '{0}'", colour(0)));
  return head(title,
              fmt::format("{} (mean {:.4g}, standard deviation {:.4g})", name, mean, deviation),
              fmt::format("count, of {}", count)) +
         fmt::format("unset key\nset boxwidth {}\nset yrange [0:*]\n", width) + plot.text();
}

} // namespace gdjit::tool
