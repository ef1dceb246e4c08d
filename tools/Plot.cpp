// What is asked for, checked before a run and drawn behind it.
#include "Plot.h"

#include "PlotGnuplot.h"
#include "PlotPictures.h"

#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace gdjit::tool {

LossCurve::LossCurve(const Signature& signature) {
  for (const OutputDecl& d : signature.outputs)
    if (d.type.shape.rank() == 0 && is_float(d.type.dtype) && is_loss(d.name))
      lines_.push_back({d.name, {}, {}});
}

void LossCurve::record(int64_t k, const StepFunction& step) {
  if (k % every_ != 0)
    return;
  for (Line& line : lines_) {
    line.k.push_back(static_cast<double>(k));
    line.loss.push_back(step.output(line.name).at(0));
  }
  if (lines_.empty() || lines_[0].k.size() < 2 * most)
    return;
  every_ *= 2; // every second goes
  for (Line& line : lines_)
    for (std::vector<double>* v : {&line.k, &line.loss}) {
      for (size_t i = 0; i < most; ++i)
        (*v)[i] = (*v)[2 * i];
      v->resize(most);
    }
}

namespace {

std::vector<std::string> picture_names() {
  std::vector<std::string> names;
  for (const Picture& p : pictures())
    names.emplace_back(p.name);
  return names;
}

const Picture& picture(const std::string& name) {
  auto found = std::ranges::find(pictures(), name, &Picture::name);
  if (found == pictures().end())
    throw Error(ErrorCode::usage,
                fmt::format("--plot: there is no picture '{}', there are {}{}", name,
                            fmt::join(picture_names(), ", "), did_you_mean(name, picture_names())));
  return *found;
}

} // namespace

void Plots::add_to(CLI::App& command, std::vector<std::string>& words, const std::string& alone) {
  command
      .add_option(
          "--plot", words,
          fmt::format("draw to an .svg or .png file: {}fit (rows and prediction), curve (outputs "
                      "over a single input: a likelihood, a density), boundary (decisions over "
                      "two), histogram (of an "
                      "output), images (with the class that each is taken for)",
                      alone == "cost" ? "cost (losses by update, also without its name), " : ""))
      ->allow_extra_args(false)
      ->type_name(alone.empty() ? "PICTURE=FILE" : "[PICTURE=]FILE");
}

Plots::Plots(const std::vector<std::string>& words, const std::string& alone, Tool& tool) {
  for (const std::string& word : words) {
    size_t at = word.find('=');
    Asked asked = at == std::string::npos ? Asked{alone, word}
                                          : Asked{word.substr(0, at), word.substr(at + 1)};
    if (asked.picture.empty())
      throw Error(ErrorCode::usage,
                  fmt::format("--plot {}: expected PICTURE=FILE, with one of the pictures {}", word,
                              fmt::join(picture_names(), ", ")));
    (void)picture(asked.picture);
    if (!is_picture_file(asked.file))
      throw Error(ErrorCode::usage,
                  fmt::format("--plot: '{}' ends neither in .svg nor in .png", asked.file));
    require_output("--plot", asked.file, tool);
    asked_.push_back(std::move(asked));
  }
  if (!asked_.empty())
    require_gnuplot();
}

void Plots::check(const PlotSource& source) const {
  if (asked_.empty())
    return;
  Roles r = roles(source);
  for (const Asked& asked : asked_) {
    std::string reason = picture(asked.picture).lacks(source, r);
    if (reason.empty())
      continue;
    std::vector<std::string> others;
    for (const Picture& p : pictures())
      if (p.lacks(source, r).empty())
        others.emplace_back(p.name);
    throw Error(ErrorCode::usage,
                fmt::format("--plot: model '{}' has no picture '{}': {}; it has {}",
                            source.signature.name, asked.picture, reason,
                            others.empty() ? "none" : fmt::format("{}", fmt::join(others, ", "))));
  }
}

void Plots::draw(const PlotSource& source) const {
  if (asked_.empty())
    return;
  Roles r = roles(source);
  for (const Asked& asked : asked_)
    write_file(asked.file, draw_picture(picture(asked.picture).script(source, r), asked.file));
}

} // namespace gdjit::tool
