// Model: a plain function that declares inputs, parameters, outputs and updates; and ModelStep, one
// of the steps (training, evaluation, prediction) that follow from it.
//
//   void line(Model& m) {
//     Tensor x = m.input("x", {m.batch(), 1}), y = m.input("y", {m.batch(), 1});
//     Parameter w = m.parameter("w", zeros({1, 1}));
//     m.minimize(mse_loss(matmul(x, w), y), SGD{.lr = 0.1});
//   }
//   Model m(line, {.batch = 64});
//
// The function runs for each batch size and has no side effects. A Model without a function is
// declared directly and has one batch size.
#pragma once

#include "gdjit/Frontend/Functions.h"
#include "gdjit/Frontend/UpdateRule.h"
#include "gdjit/IR/Step.h"

#include <concepts>
#include <limits>
#include <string>
#include <vector>

namespace gdjit {

/// A value for m.option: {"hidden", 256}.
struct OptionValue {
  std::string name;
  Number value;
};

struct ModelOptions {
  /// Rows per step; 0: as many as m.data has, 1 without m.data.
  Extent batch = 0;
  /// Of inputs, parameters and scalars that do not say otherwise.
  DType dtype = DType::f32;
  /// For m.option; one that the model does not read is an Error.
  std::vector<OptionValue> options = {};
  std::string name = "model";
  /// Takes the place of every minimize's rule, and of those of its groups. Where its lr is NaN each
  /// keeps its own learning rate.
  std::shared_ptr<const AnyUpdateRule> optimizer = {};
};

/// What minimize trains, and under which name.
struct MinimizeOptions {
  /// Of its scalar "<name>/lr" and state "<name>/step"; needed from the second on.
  std::string name = {};
  /// A pattern of names, "generator/*"; empty: all that the loss depends on.
  std::string parameters = {};
  /// A pattern of those left as they are: "*/b".
  std::string except = {};
  /// Parameters with a rule and a learning rate of their own.
  std::vector<ParameterGroup> groups = {};
  /// Each element of the gradients is clamped to +-clip_value first; 0: not.
  double clip_value = 0;
  /// All gradients together are scaled by min(1, clip_norm / (norm + 1e-6)), norm their global
  /// Euclidean norm over every group; 0: not. As PyTorch's clip_grad_norm_.
  double clip_norm = 0;
  /// Keeps the state that m.gradients() and m.apply() need.
  bool accumulate = false;
};

/// Rows of one input: {"x", {{1, 2}, {2, 3}}}.
struct DataColumn {
  std::string input;
  Literal rows;
};

class Model;
class ModelStep;
struct ModelCore; // lib/Frontend/Declaration.h

/// Names declared while it lives are prefixed: auto block = m.scope("block1").
class [[nodiscard]] Scope {
public:
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

private:
  friend class Model;
  explicit Scope(std::shared_ptr<Declaration> declaration) : declaration_(std::move(declaration)) {}
  std::shared_ptr<Declaration> declaration_;
};

class Model {
public:
  /// Runs the function: once, or where it asks for batch() two or three times, since another number
  /// of rows shows which axes grow with it, and the model's data give the batch size. Error(graph)
  /// for what it declares wrongly, Error(usage) for options that it does not have.
  template <std::invocable<Model&> F> explicit Model(F function, ModelOptions options = {}) {
    struct Wrapped final : Body {
      F function;
      explicit Wrapped(F function) : function(std::move(function)) {}
      void run(Model& model) override { function(model); }
    };
    construct(std::make_shared<Wrapped>(std::move(function)), std::move(options));
  }
  /// Without a function: declare on it directly. Its batch size is options.batch, 1 if 0.
  explicit Model(ModelOptions options = {});
  /// A copy is the same model; so is what one is moved to, and what it is moved from.
  Model(const Model&) = default;
  Model& operator=(const Model&) = default;

  // What a model's function calls. Names are scoped, start with a letter or _ and go on with
  // letters, digits, _ . - and are unique among inputs, state, scalars and named nodes, and among
  // outputs; a second use is an Error with both lines.

  /// Rows per step.
  int64_t batch(Place at = Place::current());
  /// The model's element type.
  DType dtype() const;
  /// A number that --set NAME=VALUE or ModelOptions::options may change: an integer, float or bool
  /// as its default is.
  template <class T>
    requires(Arithmetic<T> || std::same_as<T, bool>)
  T option(const std::string& name, T value, Place at = Place::current()) {
    OptionRange range;
    range.is_bool = std::same_as<T, bool>;
    if constexpr (std::same_as<T, bool>) {
      range.least = 0, range.greatest = 1;
      return option_value(name, Number(value ? 1 : 0), range, at).value != 0;
    } else {
      range.is_float = std::is_floating_point_v<T>;
      range.least = std::numeric_limits<T>::lowest(),
      range.greatest = std::numeric_limits<T>::max();
      return static_cast<T>(option_value(name, value, range, at).value);
    }
  }

  /// Data of a call.
  Tensor input(const std::string& name, const Extents& shape, Place at = Place::current());
  Tensor input(const std::string& name, const Extents& shape, DType type,
               Place at = Place::current());
  /// Trained state.
  Parameter parameter(const std::string& name, const Initial& start, Place at = Place::current());
  Parameter parameter(const std::string& name, const Initial& start, DType type,
                      Place at = Place::current());
  /// State that only update changes: running statistics, counters.
  Variable variable(const std::string& name, const Initial& start, Place at = Place::current());
  Variable variable(const std::string& name, const Initial& start, DType type,
                    Place at = Place::current());
  /// A number of each call; without a value every call must give it.
  Tensor scalar(const std::string& name, Place at = Place::current());
  Tensor scalar(const std::string& name, Number value, Place at = Place::current());
  Tensor scalar(const std::string& name, Number value, DType type, Place at = Place::current());
  /// A constant of the model's type, or another.
  Tensor constant(const Literal& values, Place at = Place::current());
  Tensor constant(const Literal& values, DType type, Place at = Place::current());
  /// 0, 1, 2 … along an axis, of an integer or float type.
  Tensor iota(const Extents& shape, int axis = 0, DType type = DType::i64,
              Place at = Place::current());

  /// True in training: a bool of rank 0 that is a constant in each compiled step, so that the other
  /// branch of a select vanishes.
  Tensor is_training(Place at = Place::current());
  /// The number of the call, from 1 in training; and the seed of all random draws. i64 of rank 0.
  Tensor step_number(Place at = Place::current());
  Tensor seed(Place at = Place::current());

  /// Random draws: a function of seed, step, stream and position only. The stream is the scoped
  /// name, with #1, #2 … for further draws of one name.
  Tensor uniform(const std::string& name, const Extents& shape, Number low = 0.0, Number high = 1.0,
                 Place at = Place::current());
  Tensor normal(const std::string& name, const Extents& shape, Number mean = 0.0,
                Number stddev = 1.0, Place at = Place::current());
  /// 32 (i32) or 64 (i64) random bits per element.
  Tensor random_bits(const std::string& name, const Extents& shape, DType type = DType::i64,
                     Place at = Place::current());

  /// Names declared until the result is destroyed are prefixed with "name/".
  Scope scope(const std::string& name, Place at = Place::current());
  /// Names a node for dumps and messages.
  Tensor named(const std::string& name, const Tensor& value, Place at = Place::current());
  /// A result that the program can read. One with a leading batch is per example: prediction gives
  /// those.
  void output(const std::string& name, const Tensor& value, Place at = Place::current());
  /// Outputs that describe a value of any size: "<name>/shape" (i64), "/min", "/mean", "/max"
  /// (a NaN anywhere makes them NaN; a bool counts as 0 and 1) and "/nonfinite", the i64 number of
  /// NaNs and infinities. Error where the value has no element.
  void watch(const std::string& name, const Tensor& value, Place at = Place::current());

  /// State <- value at the end of a training step; every read sees the value before. Two updates of
  /// one state are an Error with both lines.
  void update(const Variable& variable, const Operand& value, Place at = Place::current());
  /// Updates that make the loss (rank 0, float) smaller, by a rule, for each parameter that it
  /// depends on. The loss becomes the output "loss" ("<name>/loss" where it has a name). Owns the
  /// i64 state "<name>/step", the number of its updates, and the scalar "lr" ("<name>/lr"); without
  /// a name the state is "minimize/step".
  template <UpdateRule Rule> void minimize(const Tensor& loss, const Rule& rule,
                                           const MinimizeOptions& options = {},
                                           Place at = Place::current()) {
    struct Wrapped final : AnyUpdateRule {
      const Rule& rule;
      explicit Wrapped(const Rule& rule) : rule(rule) {}
      double lr() const override { return static_cast<double>(rule.lr); }
      void apply(Minimization& m) const override { rule.apply(m); }
    };
    minimize_by(loss, Wrapped(rule), options, at);
  }
  template <UpdateRule Rule, std::convertible_to<std::string> Name> void
  minimize(const Tensor& loss, const Rule& rule, const Name& name, Place at = Place::current()) {
    minimize(loss, rule, MinimizeOptions{.name = name}, at);
  }

  /// Training rows by input; every input that scales with the batch gets as many.
  void data(const std::vector<DataColumn>& columns, Place at = Place::current());
  /// The same from a function, which is called once, however often the model's is run (for two
  /// batch sizes at least): for rows that take time to make. They do not follow the batch.
  template <class Make>
    requires std::is_invocable_r_v<std::vector<DataColumn>, const Make&>
  void data(const Make& make, Place at = Place::current()) {
    if (wants_made_rows(at))
      take_made_rows(make(), at);
  }
  /// Rows whose outputs are shown after training; targets may be left out.
  void examples(const std::vector<DataColumn>& columns, Place at = Place::current());

  // What a program does with a model.

  const std::string& name() const;
  /// Every update at once and every output; `training` is true. With a name only that minimize (and
  /// plain updates): models that alternate declare several steps over one State.
  ModelStep training() const;
  ModelStep training(const std::string& minimize, Place at = Place::current()) const;
  /// Gradient accumulation, for minimizes with `.accumulate = true`: call gradients() once for each
  /// of several batches, then apply() once, which takes no data. All run on the State that
  /// training() uses, which stays as it is.
  ///
  /// gradients() keeps the mean of the gradients, weighted by rows, in the states
  /// "<minimize>/gradient/<parameter>" and makes the plain updates; apply() clips that mean,
  /// updates by the rule and sets it back to 0. So a loss that is a mean over rows gets its
  /// gradient over the rows of all batches, up to rounding; after a single batch the bits are those
  /// of training(), as long as nothing is drawn by the step's number (each call counts as one, for
  /// Dropout). apply() without gradients since the last is an update by gradients of 0.
  /// Without a name: of all that accumulate. Error(usage) where there is none.
  ModelStep gradients(const std::string& minimize = {}, Place at = Place::current()) const;
  ModelStep apply(const std::string& minimize = {}, Place at = Place::current()) const;
  /// Every output, no update; `training` is false.
  ModelStep evaluation() const;
  /// Outputs with a leading batch (all but losses where there is none), and of the inputs those
  /// that they need.
  ModelStep prediction() const;
  /// prediction().with_outputs(outputs), where any are named.
  ModelStep prediction(const std::vector<std::string>& outputs, Place at = Place::current()) const;
  /// The options that the function read, with the values it got.
  std::vector<OptionValue> options() const;
  /// Rows of m.data and m.examples by input.
  std::vector<Rows> data_rows() const;
  std::vector<Rows> example_rows() const;
  /// The name of an input by its row in the signature.
  const std::string& input_name(uint32_t row) const;

private:
  struct Body {
    virtual ~Body() = default;
    virtual void run(Model& model) = 0;
  };
  friend struct ModelCore;
  friend class Minimization;
  friend class ModelStep;
  explicit Model(std::shared_ptr<ModelCore> core);

  void construct(std::shared_ptr<Body> body, ModelOptions options);
  Declaration& open(Place at) const;
  /// The run in progress, to which `value` must belong.
  Declaration& own(const std::string& what, const Tensor& value, Place at) const;
  struct OptionRange {
    bool is_bool = false;
    bool is_float = false;
    Number least, greatest;
  };
  Number option_value(const std::string& name, Number value, const OptionRange& range, Place at);
  bool wants_made_rows(Place at) const;
  void take_made_rows(std::vector<DataColumn> columns, Place at);
  void minimize_by(const Tensor& loss, const AnyUpdateRule& rule, const MinimizeOptions& options,
                   Place at);

  std::shared_ptr<ModelCore> core_;
};

/// One of a model's steps, for any batch size; keeps what it needs of the model alive.
class ModelStep {
public:
  /// The declared step; `batch` 0 is the model's own. Runs the model's function for a batch size
  /// seen first; Error(graph) where parameters, inputs, scalars or outputs differ from the model's.
  /// Updates may differ: those of statistics that a single row does not have.
  Step step(int64_t batch = 0) const;
  /// The same step with these of the model's outputs in the place of its own, in the model's order;
  /// may be none. What neither they nor updates need is not computed, the rest keeps its bits, and
  /// inputs stay. A prediction is what it were if only these had been declared: it asks for the
  /// inputs that they need. Without the output "loss" a call returns NaN. Error(usage) for an
  /// output that the model does not have, and for apply(), which has none.
  ModelStep with_outputs(std::vector<std::string> outputs, Place at = Place::current()) const;
  /// The model's batch size; 0 where its function never asks for one.
  int64_t batch() const;
  /// False for a training step that would train nothing: compile refuses it.
  bool has_updates() const;
  /// What the scalar `training` is.
  bool training() const { return kind_ == Kind::training; }
  /// Only the inputs that its outputs and updates need are wanted.
  bool prunes_inputs() const { return kind_ == Kind::prediction || part_ == Part::apply; }
  /// "training", "evaluation", "prediction", "gradients", "apply" or the minimize's name, with
  /// "/gradients" or "/apply" behind it.
  const std::string& name() const { return name_; }
  const std::string& model_name() const;

private:
  friend class Model;
  enum class Kind : uint8_t { training, evaluation, prediction };
  /// What of a training step: gradients and update at once, or one of them.
  enum class Part : uint8_t { whole, gradients, apply };
  ModelStep(std::shared_ptr<ModelCore> core, Kind kind, std::string name)
      : core_(std::move(core)), kind_(kind), name_(std::move(name)) {}
  bool takes_update(const Declaration& d, size_t i) const;

  std::shared_ptr<ModelCore> core_;
  Kind kind_;
  Part part_ = Part::whole;
  std::string name_;
  std::string only_;                 ///< training: the minimize that takes part, empty for all
  bool outputs_named_ = false;       ///< else its kind tells which it has
  std::vector<std::string> outputs_; ///< those named
};

} // namespace gdjit
