// gnuplot as a child process: a script goes in, a picture comes out.
#pragma once

#include <string>

namespace gdjit::tool {

/// The file endings that have a picture format: ".svg", ".png".
bool is_picture_file(const std::string& path);

/// What the script draws, in the format of the path's ending. Error(usage) where gnuplot is not
/// installed, Error(data) with its own words where it fails.
std::string draw_picture(const std::string& script, const std::string& path);

/// The error above, before an hour has gone by.
void require_gnuplot();

} // namespace gdjit::tool
