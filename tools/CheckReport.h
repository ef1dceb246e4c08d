// The lines of `gdjit check`: one per comparison.
#pragma once

#include "Figures.h"
#include "Tool.h"

namespace gdjit::tool {

class CheckReport {
public:
  /// `print` writes each line to standard output as it is known.
  explicit CheckReport(bool print) : print_(print) {}

  void result(const std::string& what, bool ok, const std::string& detail = "") {
    add(what, ok ? "ok" : "FAILED", detail);
    ++checks_;
    failures_ += !ok;
  }
  /// Something that cannot be checked here, and why.
  void skip(const std::string& what, const std::string& reason) {
    add(what, "skipped", reason);
    ++skips_;
  }
  int checks() const { return checks_; }
  int failures() const { return failures_; }
  int skips() const { return skips_; }
  Json json() const { return {{"checks", lines_}, {"failed", failures_}, {"skipped", skips_}}; }

private:
  void add(const std::string& what, const std::string& result, const std::string& detail) {
    lines_.push_back({{"check", what}, {"result", result}});
    if (!detail.empty())
      lines_.back()["detail"] = detail;
    if (print_)
      write_output(fmt::format("{:<8} {}{}{}\n", result, what, detail.empty() ? "" : ": ", detail));
  }

  bool print_;
  int checks_ = 0, failures_ = 0, skips_ = 0;
  Json lines_ = Json::array();
};

} // namespace gdjit::tool
