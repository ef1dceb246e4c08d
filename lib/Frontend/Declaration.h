// Declaration: what one run of a model's function has declared so far, and ModelCore: a model's
// function with its runs. Private to Frontend.
#pragma once

#include "gdjit/Frontend/Model.h"
#include "gdjit/Ops/GraphBuilder.h"

#include <map>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace gdjit {

/// The group of an update made by m.update: it belongs to every training step.
inline constexpr std::string_view plain_update = "";

/// Which parts of a training step an update belongs to.
enum class UpdatePhase : uint8_t {
  plain,     ///< by m.update: the whole step, and gradients()
  rule,      ///< by minimize's rule: the whole step, and apply()
  gradients, ///< gradients() only
  apply,     ///< apply() only
};

class Declaration : public std::enable_shared_from_this<Declaration> {
public:
  Declaration(std::string model, DType dtype, int64_t batch);

  // What the run was asked for.
  std::string model;
  DType dtype;
  int64_t batch;
  bool asked_batch = false;
  bool open = true;      ///< false once the function has returned
  bool complete = false; ///< it has returned without an error

  // What it declared.
  Signature signature; ///< without rows, name and step
  Graph graph;
  GraphBuilder builder;
  GraphBuilder initial_builder;
  std::vector<Value> outputs;
  std::vector<Value> updates;
  std::vector<std::string> update_groups; ///< per update: the minimize's name, or plain_update
  std::vector<UpdatePhase> update_phases; ///< per update
  std::vector<uint32_t> parameters;       ///< rows of signature.states that minimize trains
  std::vector<Value> state_nodes;         ///< per row of signature.states
  std::vector<std::string> losses;        ///< names of outputs that minimize made
  struct MinimizeMade {
    std::string name;
    Place place;
    bool accumulates = false;
  };
  std::vector<MinimizeMade> minimizes;
  /// In apply(), `mean` stands in the place of `gradient`.
  struct Accumulated {
    Value gradient, mean;
  };
  std::vector<Accumulated> accumulated;
  struct Column {
    DataColumn data;
    Place place;
    bool made = false; ///< by a function, in the model's first run only
  };
  std::vector<Column> data, examples;
  /// Lets go of the numbers that the columns hold, which may be most of the memory.
  void forget_rows();
  struct OptionRead {
    std::string name;
    Number value;
    Number initial;
    Place place;
  };
  std::vector<OptionRead> options;

  /// `name` under the scopes that are open; Error where it is not a name.
  std::string scoped(const std::string& name, Place at) const;
  void push_scope(std::string scope) { scopes_.push_back(std::move(scope)); }
  void pop_scope() { scopes_.pop_back(); }
  /// Takes a name for an input, state, scalar or node; Error with both lines where it is taken.
  void claim(const std::string& what, const std::string& name, Place at);
  /// The same among outputs.
  void claim_output(const std::string& name, Place at);
  /// A stream of that scoped name which no earlier draw has.
  std::string stream(const std::string& scoped_name);

  /// The full name is taken as it is, without scopes.
  Variable declare_state(const std::string& what, const std::string& name, const Initial& start,
                         const Shape& shape, DType type, Place at);
  Variable variable(uint32_t row) {
    return Variable(tensor(state_nodes[row]), signature.states[row].name, row);
  }
  /// `value` null: every call gives it.
  Tensor declare_scalar(const std::string& name, const Number* value, DType type, Place at);
  /// Names the node where it has no name and the name is free.
  void name_if_free(Value value, const std::string& name, Place at);
  void add_output(const std::string& full_name, Value value, Place at);
  /// Adds state <- value in a group of updates; Error where the types differ or another update
  /// stands in the way.
  void add_update(const Variable& variable, const Operand& value, const std::string& group,
                  UpdatePhase phase, Place at);
  const MinimizeMade* find_minimize(const std::string& name) const;
  /// Two updates of one state in a training step: Error with both lines.
  [[noreturn]] void fail_updated_twice(size_t first, size_t second) const;

  Origin origin(Place at);
  Tensor tensor(Value value) { return Tensor(shared_from_this(), value); }
  /// Appends to the graph at a place.
  Value append(Opcode op, std::initializer_list<Value> operands, Attributes attributes, Place at);
  Value append(Opcode op, const std::vector<Value>& operands, Attributes attributes, Place at);
  /// A number as a constant of a type, as an explicit broadcast where the type has a shape.
  Value number(Number number, TensorType type, Place at);
  Value broadcast(Value value, Shape shape, Place at);
  /// The scalar of that name, declared when first asked for: training, seed, step.
  Value builtin_scalar(std::string_view name, Place at);
  uint32_t builtin_scalar_row(std::string_view name, Place at);

  const TensorType& type(Value value) const { return graph.type(value); }
  /// A note that shows an operand: "lhs x : f32[3,1]" with its line.
  Note note(const std::string& role, Value value) const;
  /// What to call a value in a message.
  std::string describe(Value value) const;
  [[noreturn]] void fail(std::string message, Place at, std::vector<Note> notes = {}) const;
  /// Whether `value` depends on each of `on`, through anything or where gradients pass; one walk.
  enum class Through : uint8_t { anything, gradients };
  std::vector<bool> depends(Value value, const std::vector<Value>& on, Through through) const;
  /// Whether the adjoint of node n gives one to `operand`, both being floats.
  bool passes_gradient(NodeId n, Value operand) const;

private:
  struct Claim {
    std::string what;
    Place place;
  };
  std::vector<std::string> scopes_;
  std::unordered_map<std::string, Claim> names_, output_names_;
  std::unordered_map<std::string, int> streams_;
  std::vector<std::pair<uint32_t, Value>> builtin_nodes_;
  std::unordered_map<uint32_t, std::vector<size_t>> updates_of_state_;
  const char* last_file_ = nullptr; ///< of the last origin, so that equal pointers cost no search
  uint32_t last_file_number_ = 0;
};

/// The declaration that an operation on `tensors` appends to; Errors: an empty Tensor, two models,
/// a model whose function has returned. `what` names the operation.
Declaration& common_declaration(std::string_view what, std::initializer_list<const Tensor*> tensors,
                                Place at);
Declaration& common_declaration(std::string_view what, const std::vector<const Tensor*>& tensors,
                                Place at);

/// Appends an op of one tensor operand.
Tensor apply_one(Opcode op, const Tensor& x, Attributes attributes, Place at);

/// The elements of a literal in a type, under `shape`, whose elements are as many. Error at `at`
/// for braces that do not fit, a float where an integer is wanted, an integer that does not fit.
Array to_array(const Literal& literal, DType type, const Shape& shape, std::string_view what,
               Place at);
/// Extents as a Shape; Error where they are none.
Shape to_shape(const Extents& extents, std::string_view what, Place at);
/// Writes a number into element i, rounded once. False where it does not fit the type.
bool store(Array& array, int64_t i, Number number);
std::string to_string(Number number);

/// Appends the initial value of a state to the graph of initial values.
Value append_initial(Declaration& declaration, const Initial& start, const Shape& shape, DType type,
                     const std::string& name, Place at);

/// True where `name` matches a pattern in which * is any sequence and ? any one character.
bool matches(std::string_view pattern, std::string_view name);

/// A model's function and its runs, one per batch size.
struct ModelCore : std::enable_shared_from_this<ModelCore> {
  std::shared_ptr<Model::Body> body; ///< null where the model is declared directly
  ModelOptions options;
  int64_t batch = 0; ///< 0 where the function never asks for it
  std::shared_ptr<Declaration> primary;
  std::shared_ptr<Declaration> current; ///< the run in progress
  std::map<int64_t, std::shared_ptr<Declaration>> variants;
  mutable std::recursive_mutex mutex;       ///< runs of the function, and `current` with them
  std::vector<int> input_axes, output_axes; ///< batch axis per input and output, -1 for none
  std::vector<Rows> data, examples;

  /// First runs: batch size, batch axes, rows.
  void start();
  /// What the function has declared. Error(graph) while it still runs.
  const Declaration& whole() const;
  /// The run for a batch size; 0 is the model's own. Error where the signatures differ.
  Declaration& variant(int64_t batch);
  /// Brings batch axes and rows up to date; for a model without a function at every use.
  void settle();

private:
  void require_returned() const; ///< of the function
  std::shared_ptr<Declaration> declare(int64_t batch, bool may_fail);
  /// Whether the function fails otherwise, or not at all, for another number of rows.
  bool depends_on_rows(const Error& error);
  void find_batch_axes(const Declaration& other, int64_t batch, int64_t other_batch);
  void check_options() const;
  int64_t count_rows(const Declaration& d) const;
  std::vector<Rows> collect_rows(const Declaration& d,
                                 const std::vector<Declaration::Column>& columns) const;
};

} // namespace gdjit
