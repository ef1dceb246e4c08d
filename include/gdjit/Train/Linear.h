// Linear: x w + b, a layer as a value that holds its parameters.
#pragma once

#include "gdjit/Frontend/Model.h"

namespace gdjit {

struct LinearOptions {
  bool bias = true;
  Initial w = {}; ///< empty: uniform in +-1 / sqrt(in)
  Initial b = {}; ///< the same
};

/// Parameters "name/w" [in, out] and "name/b" [out]. Called twice it shares them; constructed twice
/// under one name is an Error with both lines.
class Linear {
public:
  Linear(Model& m, const std::string& name, Extent in, Extent out,
         const LinearOptions& options = {}, Place at = Place::current());

  /// x [.., in] gives [.., out].
  Tensor operator()(const Tensor& x, Place at = Place::current()) const;

  const Parameter& w() const { return w_; }
  /// Without bias an Error.
  const Parameter& b(Place at = Place::current()) const;

private:
  Parameter w_;
  std::vector<Parameter> b_; ///< one or none
};

} // namespace gdjit
