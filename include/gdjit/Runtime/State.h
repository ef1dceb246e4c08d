// State: what training changes. Parameters, optimizer state and running statistics as named arrays,
// the step counter and the seed; owned by the program, shared by any number of compiled functions.
//
// The arrays lie in one allocation in the order in which they were given, each aligned to
// Array::alignment, so that parameters, moments and gradients that were declared in equal order lie
// in equal order.
#pragma once

#include "gdjit/Runtime/TensorView.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

struct StateStorage;

/// Moves, does not copy (clone() does). A StepFunction keeps the memory of its State alive.
class State {
public:
  /// One array per name, with its first value; each is given back as soon as it is copied, so that
  /// values moved here never lie beside all of their copies. Error(graph) where a name is given
  /// twice.
  State(std::vector<std::string> names, std::vector<Array> values, int64_t seed = 0);
  /// One array per name whose elements nobody has written yet.
  State(std::vector<std::string> names, const std::vector<TensorType>& types, int64_t seed);
  State(State&&) noexcept;
  State& operator=(State&&) noexcept;
  ~State();

  /// Another State of equal values.
  State clone() const;

  int size() const;
  /// The array of that name, -1 where there is none.
  int find(std::string_view name) const;
  std::string_view name(int i) const;
  const TensorType& type(int i) const;

  /// Elements without a copy; they change with the next training call.
  TensorView view(int i) const;
  /// By name; Error(usage) that lists the names where there is none.
  TensorView view(std::string_view name) const;
  /// Writes an array, for loading and for rules outside the compiled step. Error(data) where the
  /// type differs.
  void set(int i, const Array& value);
  void set(std::string_view name, const Array& value);
  /// Values of all arrays, in order.
  std::vector<Array> values() const;

  /// Training calls done so far; initial values belong to step 0, the first training call is
  /// step 1.
  int64_t step() const;
  void set_step(int64_t step);
  /// What random numbers depend on, besides step, stream and position.
  int64_t seed() const;
  void set_seed(int64_t seed);

  /// For compiled functions: the memory itself. Error(usage), as in all of the above, where the
  /// State was moved away.
  const std::shared_ptr<StateStorage>& storage() const;

private:
  std::shared_ptr<StateStorage> storage_;
};

} // namespace gdjit
