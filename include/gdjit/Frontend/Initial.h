// Initial: the first value of a parameter, as a recipe that becomes an expression in the
// signature's `initial` graph.
//
// Random ones draw from the stream of the parameter's name at step 0, so that a layer inserted
// elsewhere changes nothing.
#pragma once

#include "gdjit/Frontend/Tensor.h"

namespace gdjit {

class Initial {
public:
  enum class Kind : uint8_t {
    constant, ///< every element is `a`
    literal,
    uniform,        ///< in [a, b)
    normal,         ///< mean a, standard deviation b
    scaled_uniform, ///< in +-a * sqrt(6 / fans): Xavier; He with gain a
    scaled_normal,  ///< standard deviation a * sqrt(2 / fans)
  };
  /// What `fans` is: fan_in + fan_out (Xavier) or 2 * fan_in (He).
  enum class Fans : uint8_t { both, in };

  /// Empty: a layer's default.
  Initial() = default;

  Kind kind = Kind::constant;
  Fans fans = Fans::both;
  bool given = false;
  bool has_shape = false; ///< otherwise the layer that uses it knows the shape
  Extents shape;
  Number a, b;
  Literal values;
};

/// Every element 0 (or 1, or `value`). Without extents: the shape that the layer needs.
Initial zeros();
Initial zeros(Extents shape);
Initial ones();
Initial ones(Extents shape);
Initial constant(Extents shape, Number value);
/// The elements themselves: values({{1, 2}, {3, 4}}).
Initial values(Literal elements);
/// Uniform in [low, high).
Initial uniform(Extents shape, Number low = 0.0, Number high = 1.0);
Initial normal(Extents shape, Number mean = 0.0, Number stddev = 1.0);

// Scaled by the fans of a weight [in, out] (fan_in = extent 0, fan_out = extent 1). Without
// extents: the layer's shape.

/// Glorot and Bengio 2010: uniform in +-gain * sqrt(6 / (in + out)).
Initial xavier_uniform(Extents shape = {}, double gain = 1);
/// Glorot and Bengio 2010: standard deviation gain * sqrt(2 / (in + out)).
Initial xavier_normal(Extents shape = {}, double gain = 1);
/// He et al. 2015: uniform in +-gain * sqrt(3 / in), gain sqrt(2) for relu.
Initial he_uniform(Extents shape = {}, double gain = 1.4142135623730951);
/// He et al. 2015: standard deviation gain / sqrt(in), gain sqrt(2) for relu.
Initial he_normal(Extents shape = {}, double gain = 1.4142135623730951);
/// Uniform in +-1 / sqrt(in): PyTorch's default for linear layers, of weight and bias. `in` counts
/// as fan_in.
Initial fan_in_uniform(Extent in, Extents shape = {});

} // namespace gdjit
