// Pictures as gnuplot scripts with their data inside.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gdjit::tool {

/// Points of one kind under one name.
struct Series {
  std::string name;
  std::vector<double> x, y;
};

/// A loss by the number of updates done; a logarithmic axis where losses differ a hundredfold.
/// Error(data) where nothing is finite.
std::string script_of_cost(const std::string& title, const std::vector<Series>& losses);

/// Lines over `x_name`, the rows that were learned as points, example rows as triangles.
struct Fit {
  std::string x_name, y_name;
  std::vector<Series> lines, points, examples;
};
std::string script_of_fit(const std::string& title, const Fit& fit);

/// Predictions against targets, with the diagonal on which they agree.
std::string script_of_agreement(const std::string& title, const std::string& target,
                                const std::vector<Series>& predictions);

/// One panel below the other for each line, over one axis.
std::string script_of_curves(const std::string& title, const std::string& x_name,
                             const std::vector<Series>& lines);

/// A plane coloured by a value on a grid, the line where it passes `level`, and rows by class.
struct Plane {
  std::string x_name, y_name, value_name;
  Series grid; ///< with `values`, rows of `columns` points, y outside
  std::vector<double> values;
  int columns = 0;
  std::vector<double> levels; ///< where the decision changes
  bool classes = false;       ///< the values are class numbers: each has a colour
  std::vector<Series> rows;   ///< by class
  std::vector<size_t> shades; ///< of `rows`: the number of the colour, that of the class
};
std::string script_of_plane(const std::string& title, const Plane& plane);

/// Grey images side by side, each with a word above it, in red where it is marked.
struct Images {
  int64_t height = 0, width = 0;
  std::vector<std::vector<double>> grey; ///< row by row from the top
  std::vector<std::string> words;
  std::vector<bool> marked;
};
std::string script_of_images(const std::string& title, const Images& images);

/// How often values fall into each of equal bins. Error(data) where none is finite.
std::string script_of_histogram(const std::string& title, const std::string& name,
                                const std::vector<double>& values);

} // namespace gdjit::tool
