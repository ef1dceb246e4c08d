// The script goes to gnuplot as Graphviz gets its graphs.
#include "PlotGnuplot.h"

#include "gdjit/Driver/RunProgram.h"
#include "gdjit/Support/Error.h"

#include <fmt/format.h>

namespace gdjit::tool {

namespace {

/// The first line that says something.
std::string first_line(const std::string& text) {
  size_t begin = text.find_first_not_of(" \t\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

/// What gnuplot writes to its standard output.
std::string run(const std::string& script) {
  // -d: without the user's own settings
  std::optional<Filtered> drawn = run_filter("gnuplot", {"-d"}, script);
  if (!drawn)
    throw Error(ErrorCode::usage, "--plot draws with the program gnuplot, which is not found; "
                                  "install the package gnuplot-nox");
  if (!drawn->ended.well())
    throw Error(ErrorCode::data, fmt::format("gnuplot fails: {}", first_line(drawn->messages)));
  return std::move(drawn->output);
}

const char* terminal(const std::string& path) {
  if (path.ends_with(".svg"))
    return "set terminal svg size 640,400 font 'sans-serif,13' background '#ffffff'\n";
  return "set terminal pngcairo size 960,600 font 'sans-serif,13' background '#ffffff'\n";
}

} // namespace

bool is_picture_file(const std::string& path) {
  return path.ends_with(".svg") || path.ends_with(".png");
}

std::string draw_picture(const std::string& script, const std::string& path) {
  std::string picture = run(terminal(path) + script);
  if (picture.empty())
    throw Error(ErrorCode::data, fmt::format("gnuplot draws nothing for {}", path));
  return picture;
}

void require_gnuplot() { (void)run(""); }

} // namespace gdjit::tool
