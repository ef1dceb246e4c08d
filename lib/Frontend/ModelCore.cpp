// A model's function and its runs: one per batch size, checked against each other, and the steps
// built from them.
#include "Declaration.h"
#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>

#include <algorithm>

namespace gdjit {

namespace {

/// Rows for which a model is declared while its own number is not known yet; twice as many find the
/// batch axes.
constexpr int64_t first_batch = 2;

/// The axis that is `batch` long in one run and `other_batch` in another, -1 for none.
int batch_axis(const Shape& shape, int64_t batch, const Shape& other, int64_t other_batch) {
  for (int i = 0; i < shape.rank() && shape.rank() == other.rank(); ++i)
    if (shape[i] == batch && other[i] == other_batch)
      return i;
  return -1;
}

/// What two runs must agree in: a row of the signature, by name and type.
struct Row {
  std::string_view name;
  TensorType type;
  Origin origin;
};

/// `scales`: extents may follow the batch size.
bool same(const Row& a, const Row& b, bool scales) {
  return a.name == b.name && a.type.dtype == b.type.dtype &&
         (scales ? a.type.shape.rank() == b.type.shape.rank() : a.type.shape == b.type.shape);
}

void check_same_rows(const char* one, const char* all, const Declaration& a, const Declaration& b,
                     const std::vector<Row>& of_a, const std::vector<Row>& of_b, bool scales) {
  size_t i = 0;
  while (i < of_a.size() && i < of_b.size() && same(of_a[i], of_b[i], scales))
    ++i;
  if (i == of_a.size() && i == of_b.size())
    return;
  std::vector<Note> notes;
  for (auto [d, rows] : {std::pair{&a, &of_a}, std::pair{&b, &of_b}})
    notes.push_back(i < rows->size()
                        ? Note{fmt::format("for {} rows: '{}' {}", d->batch, (*rows)[i].name,
                                           to_string((*rows)[i].type)),
                               d->signature.initial.location((*rows)[i].origin)}
                        : Note{fmt::format("for {} rows: none", d->batch), {}});
  notes.push_back({"declare the same at every batch size: what follows the rows is an input, "
                   "m.input(name, {m.batch(), …})",
                   {}});
  const Declaration& longer = i < of_b.size() ? b : a;
  const Row& row = i < of_b.size() ? of_b[i] : of_a[i];
  throw Error(
      ErrorCode::graph,
      i < of_a.size() && i < of_b.size()
          ? fmt::format("{} '{}' of model '{}' changes with the batch size", one, row.name, a.model)
          : fmt::format("the list of {} of model '{}' changes with the batch size", all, a.model),
      longer.signature.initial.location(row.origin), notes);
}

template <class Decls> std::vector<Row> rows_of(const Decls& decls) {
  std::vector<Row> rows;
  for (const auto& decl : decls)
    rows.push_back({decl.name, decl.type, decl.origin});
  return rows;
}

std::vector<Row> rows_of(const std::vector<ScalarDecl>& decls) {
  std::vector<Row> rows;
  for (const ScalarDecl& decl : decls)
    rows.push_back({decl.name, {decl.dtype, {}}, decl.origin});
  return rows;
}

/// The runs of one model share one State, and calls with any number of rows give the same inputs
/// and scalars and read the same outputs. Updates may differ (statistics of a single row).
void check_same_signature(const Declaration& a, const Declaration& b) {
  const Signature &s = a.signature, &t = b.signature;
  check_same_rows("state", "parameters", a, b, rows_of(s.states), rows_of(t.states), false);
  check_same_rows("input", "inputs", a, b, rows_of(s.inputs), rows_of(t.inputs), true);
  check_same_rows("scalar", "scalars", a, b, rows_of(s.scalars), rows_of(t.scalars), false);
  check_same_rows("output", "outputs", a, b, rows_of(s.outputs), rows_of(t.outputs), true);
}

std::vector<std::string> read_options(const Declaration& d) {
  std::vector<std::string> names;
  names.reserve(d.options.size());
  for (const Declaration::OptionRead& read : d.options)
    names.push_back(read.name);
  return names;
}

} // namespace

void ModelCore::require_returned() const {
  if (body && current)
    throw Error(
        ErrorCode::graph,
        fmt::format("model '{}' is being declared: its steps exist once its function has returned",
                    options.name));
}

const Declaration& ModelCore::whole() const {
  std::lock_guard lock(mutex); // another thread may declare it for other rows
  require_returned();
  return *primary;
}

std::shared_ptr<Declaration> ModelCore::declare(int64_t rows, bool may_fail) {
  require_returned();
  auto d = std::make_shared<Declaration>(options.name, options.dtype, rows);
  struct Run {
    ModelCore& core;
    Declaration& declaration;
    ~Run() {
      core.current = nullptr;
      declaration.open = false;
    }
  };
  current = d;
  Run run{*this, *d};
  Model model(shared_from_this());
  try {
    body->run(model);
    d->complete = true;
  } catch (const Error& error) {
    if (!may_fail)
      throw;
  }
  return d;
}

void ModelCore::check_options() const {
  std::vector<std::string> known = read_options(*primary);
  for (const OptionValue& given : options.options)
    if (std::find(known.begin(), known.end(), given.name) == known.end()) {
      std::string list;
      for (const std::string& name : known)
        list += (list.empty() ? "" : ", ") + name;
      throw Error(ErrorCode::usage,
                  fmt::format("model '{}' has no option '{}'{}", options.name, given.name,
                              did_you_mean(given.name, known)),
                  {}, {{known.empty() ? "it has none" : "it has " + list, {}}});
    }
  for (auto given = options.options.begin(); given != options.options.end(); ++given)
    if (std::any_of(options.options.begin(), given,
                    [&](const OptionValue& before) { return before.name == given->name; }))
      throw Error(ErrorCode::usage,
                  fmt::format("option '{}' of model '{}' is given twice; leave one value of it",
                              given->name, options.name));
  if (options.optimizer && primary->minimizes.empty())
    throw Error(ErrorCode::usage,
                fmt::format("model '{}' minimizes nothing, so there is no optimizer for another "
                            "one to take the place of",
                            options.name),
                {},
                {{"leave the optimizer out, or call m.minimize(loss, SGD{…}) in the model", {}}});
}

bool ModelCore::depends_on_rows(const Error& error) {
  try {
    // Where the function failed before it asked for the rows, they have no part in it.
    if (!declare(first_batch, true)->asked_batch)
      return false;
    declare(first_batch + 1, false);
  } catch (const Error& other) {
    // Types beside the message follow the number of rows in any case.
    const Diagnostic &here = error.diagnostics().front(), &there = other.diagnostics().front();
    return here.message != there.message || here.location != there.location;
  } catch (...) { // of the user's own
    return true;
  }
  return true;
}

void ModelCore::start() {
  if (options.batch.value < 0)
    throw Error(ErrorCode::usage,
                fmt::format("batch {}: a step has at least one row", options.batch.value));
  std::lock_guard lock(mutex);
  if (!body) {
    batch = options.batch.value > 0 ? options.batch.value : 1;
    primary = std::make_shared<Declaration>(options.name, options.dtype, batch);
    current = variants[batch] = primary;
    return;
  }
  int64_t wanted = options.batch.value;
  try {
    primary = declare(wanted > 0 ? wanted : first_batch, false);
  } catch (const Error& error) {
    if (wanted > 0 || !depends_on_rows(error))
      throw;
    std::vector<Diagnostic> all = error.diagnostics();
    all.front().notes.push_back(
        {fmt::format(
             "the model was declared for {} rows; give a batch size where it works for one only",
             first_batch),
         {}});
    throw Error(error.code(), std::move(all));
  }
  check_options();
  if (!primary->asked_batch) {
    variants[0] = primary;
  } else {
    {
      auto twice = declare(2 * primary->batch, true);
      find_batch_axes(*twice, primary->batch, twice->batch);
      if (twice->complete)
        check_same_signature(*primary, *twice);
    }
    if (wanted == 0) {
      wanted = std::max<int64_t>(count_rows(*primary), 1);
      if (wanted != primary->batch) {
        std::shared_ptr<Declaration> first = primary;
        std::vector<Declaration::Column> made = std::move(first->data);
        std::erase_if(made, [](const Declaration::Column& column) { return !column.made; });
        first->forget_rows();
        primary = declare(wanted, false);
        primary->data.insert(primary->data.end(), made.begin(), made.end());
        check_same_signature(*first, *primary);
      }
    }
    batch = wanted;
    variants[batch] = primary;
  }
  settle();
}

void ModelCore::find_batch_axes(const Declaration& other, int64_t rows, int64_t other_rows) {
  const Signature &a = primary->signature, &b = other.signature;
  input_axes.assign(a.inputs.size(), -1);
  output_axes.assign(a.outputs.size(), -1);
  for (size_t i = 0; i < a.inputs.size() && i < b.inputs.size(); ++i)
    if (a.inputs[i].name == b.inputs[i].name)
      input_axes[i] = batch_axis(a.inputs[i].type.shape, rows, b.inputs[i].type.shape, other_rows);
  for (size_t i = 0; i < a.outputs.size() && i < b.outputs.size(); ++i)
    if (a.outputs[i].name == b.outputs[i].name)
      output_axes[i] =
          batch_axis(a.outputs[i].type.shape, rows, b.outputs[i].type.shape, other_rows);
}

void ModelCore::settle() {
  std::lock_guard lock(mutex);
  const Signature& s = whole().signature;
  if (!body) {
    // No second run shows what scales: the leading axis where it is as long as the batch that was
    // asked for.
    auto leading = [&](const Shape& shape) {
      return primary->asked_batch && shape.rank() > 0 && shape[0] == batch ? 0 : -1;
    };
    input_axes.clear();
    output_axes.clear();
    for (const InputDecl& input : s.inputs)
      input_axes.push_back(leading(input.type.shape));
    for (const OutputDecl& output : s.outputs)
      output_axes.push_back(leading(output.type.shape));
  }
  input_axes.resize(s.inputs.size(), -1);
  output_axes.resize(s.outputs.size(), -1);
  // Rows are handed out as views: collected once, and again only where a model without a function
  // declares more.
  if (data.size() != primary->data.size())
    data = collect_rows(*primary, primary->data);
  if (examples.size() != primary->examples.size())
    examples = collect_rows(*primary, primary->examples);
  if (body) // no more will come
    primary->forget_rows();
}

Declaration& ModelCore::variant(int64_t rows) {
  std::lock_guard lock(mutex);
  if (rows == 0 || !whole().asked_batch)
    return *primary;
  auto it = variants.find(rows);
  if (it != variants.end())
    return *it->second;
  if (!body)
    throw Error(
        ErrorCode::graph,
        fmt::format("model '{}' was declared for {} rows without a function, {} are asked for",
                    options.name, batch, rows),
        {}, {{"construct it with a function, which is run once per batch size", {}}});
  std::shared_ptr<Declaration> d = declare(rows, false);
  check_same_signature(*primary, *d);
  d->forget_rows(); // those of the model are the first run's
  return *(variants[rows] = d);
}

} // namespace gdjit
