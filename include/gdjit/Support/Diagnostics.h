// Diagnostics: collects many messages before giving up, for text tools and verifiers.
#pragma once

#include "gdjit/Support/Error.h"

#include <utility>

namespace gdjit {

class Diagnostics {
public:
  /// Adds a message; returns it so that notes can be added.
  Diagnostic& error(SourceLocation location, std::string message) {
    return all_.emplace_back(Diagnostic{std::move(message), std::move(location), {}});
  }
  bool empty() const { return all_.empty(); }
  size_t size() const { return all_.size(); }
  const std::vector<Diagnostic>& all() const { return all_; }
  /// Throws Error with all messages, if there are any.
  void throw_if_any(ErrorCode code) const {
    if (!all_.empty())
      throw Error(code, all_);
  }

private:
  std::vector<Diagnostic> all_;
};

} // namespace gdjit
