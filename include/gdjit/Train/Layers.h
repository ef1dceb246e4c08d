// Layers as values: Embedding, Dropout, BatchNorm, LayerNorm, and Sequential, which composes layers
// and functions. (Linear has its own header.) Called twice a layer shares its parameters;
// constructed twice under one name it is an Error with both lines.
#pragma once

#include "gdjit/Train/Linear.h"

#include <concepts>

namespace gdjit {

struct EmbeddingOptions {
  Initial w = {}; ///< empty: normal with mean 0 and standard deviation 1
};

/// A row per number: parameter "name/w" [rows, width].
class Embedding {
public:
  Embedding(Model& m, const std::string& name, Extent rows, Extent width,
            const EmbeddingOptions& options = {}, Place at = Place::current());

  /// Numbers [..] (i32 or i64) give [.., width]. One out of range stops the call with its position.
  Tensor operator()(const Tensor& numbers, Place at = Place::current()) const;

  const Parameter& w() const { return w_; }

private:
  Parameter w_;
};

/// Srivastava et al. 2014: in training each element is 0 with probability p, else x / (1 - p); in
/// evaluation x itself. Each call draws anew: from the stream "name" (under the scopes open at the
/// call), seed, step and position. p in [0, 1).
class Dropout {
public:
  Dropout(Model& m, const std::string& name, double p = 0.5, Place at = Place::current());

  Tensor operator()(const Tensor& x, Place at = Place::current()) const;

private:
  Model model_; ///< a handle of the same model
  std::string name_;
  double p_;
  Tensor keep_; ///< "name/keep": 1 - p
};

struct BatchNormOptions {
  double momentum = 0.1; ///< running = (1 - momentum) running + momentum batch
  double eps = 1e-5;
};
struct BatchNormCall {
  /// False for further calls in one step: the running statistics are updated once.
  bool update_running = true;
};

/// Ioffe, Szegedy 2015: (x - mean) / sqrt(var + eps) w + b per feature, the last axis; over all
/// other axes. Training takes mean and (biased) variance of the batch and moves the running ones,
/// the variance unbiased, n / (n - 1); evaluation takes the running ones. Parameters "name/w"
/// (ones) and "name/b" (zeros), variables "name/mean" (zeros) and "name/var" (ones), all
/// [features]. A batch of one row has no variance: it gives b and leaves the running statistics as
/// they are (where PyTorch refuses it).
class BatchNorm {
public:
  BatchNorm(Model& m, const std::string& name, Extent features,
            const BatchNormOptions& options = {}, Place at = Place::current());

  /// x [.., features], of rank 2 or more. A second call that updates the running statistics is an
  /// Error with both lines.
  Tensor operator()(const Tensor& x, Place at = Place::current()) const;
  Tensor operator()(const Tensor& x, const BatchNormCall& call, Place at = Place::current()) const;

  const Parameter& w() const { return w_; }
  const Parameter& b() const { return b_; }
  const Variable& running_mean() const { return mean_; }
  const Variable& running_var() const { return var_; }

private:
  Model model_;
  std::string name_;
  BatchNormOptions options_;
  Parameter w_, b_;
  Variable mean_, var_;
};

struct LayerNormOptions {
  double eps = 1e-5;
};

/// Ba, Kiros, Hinton 2016: (x - mean) / sqrt(var + eps) w + b, mean and (biased) variance over the
/// last axis. Parameters "name/w" (ones) and "name/b" (zeros) [width].
class LayerNorm {
public:
  LayerNorm(Model& m, const std::string& name, Extent width, const LayerNormOptions& options = {},
            Place at = Place::current());

  /// x [.., width] gives the same shape.
  Tensor operator()(const Tensor& x, Place at = Place::current()) const;

  const Parameter& w() const { return w_; }
  const Parameter& b() const { return b_; }

private:
  Parameter w_, b_;
  double eps_;
};

/// A layer or a function from Tensor to Tensor, without its type.
class Module {
public:
  /// Functions of ops: relu, tanh …
  Module(Tensor (*function)(const Tensor&, Place)) : Module(Function{function}) {}
  template <class F>
    requires std::invocable<const F&, const Tensor&, Place> && (!std::same_as<F, Module>)
  Module(F layer) {
    struct Kept final : Held {
      F layer;
      explicit Kept(F layer) : layer(std::move(layer)) {}
      Tensor call(const Tensor& x, Place at) const override { return layer(x, at); }
    };
    held_ = std::make_shared<Kept>(std::move(layer));
  }
  /// A lambda of one parameter.
  template <class F>
    requires std::invocable<const F&, const Tensor&> &&
             (!std::invocable<const F&, const Tensor&, Place>) && (!std::same_as<F, Module>)
  Module(F function) {
    struct Kept final : Held {
      F function;
      explicit Kept(F function) : function(std::move(function)) {}
      Tensor call(const Tensor& x, Place) const override { return function(x); }
    };
    held_ = std::make_shared<Kept>(std::move(function));
  }

  Tensor operator()(const Tensor& x, Place at = Place::current()) const {
    return held_->call(x, at);
  }

private:
  struct Function {
    Tensor (*function)(const Tensor&, Place);
    Tensor operator()(const Tensor& x, Place at) const { return function(x, at); }
  };
  struct Held {
    virtual ~Held() = default;
    virtual Tensor call(const Tensor& x, Place at) const = 0;
  };
  std::shared_ptr<const Held> held_;
};

/// One behind the other, the first first:
///   Sequential net = {Linear(m, "fc1", 2, 16), relu, Linear(m, "fc2", 16, 1)};
class Sequential {
public:
  Sequential(std::initializer_list<Module> modules) : modules_(modules) {}
  explicit Sequential(std::vector<Module> modules) : modules_(std::move(modules)) {}

  Tensor operator()(const Tensor& x, Place at = Place::current()) const {
    Tensor y = x;
    for (const Module& module : modules_)
      y = module(y, at);
    return y;
  }

private:
  std::vector<Module> modules_;
};

} // namespace gdjit
