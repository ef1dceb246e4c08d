// What a model's function calls, and the steps that follow from it.
#include "gdjit/Frontend/Model.h"

#include "Declaration.h"
#include "DrawRange.h"
#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gdjit {

Scope::~Scope() { declaration_->pop_scope(); }

Model::Model(std::shared_ptr<ModelCore> core) : core_(std::move(core)) {}

Model::Model(ModelOptions options) { construct(nullptr, std::move(options)); }

void Model::construct(std::shared_ptr<Body> body, ModelOptions options) {
  core_ = std::make_shared<ModelCore>();
  core_->body = std::move(body);
  core_->options = std::move(options);
  core_->start();
}

Declaration& Model::open(Place at) const {
  if (!core_->current)
    throw Error(
        ErrorCode::graph,
        fmt::format("the function of model '{}' has returned: nothing can be declared now", name()),
        location_of(at));
  return *core_->current;
}

Declaration& Model::own(const std::string& what, const Tensor& value, Place at) const {
  Declaration& d = open(at);
  Declaration& other = common_declaration(what, {&value}, at);
  if (&d != &other)
    d.fail(
        fmt::format("{}: the value belongs to model '{}', not to '{}'", what, other.model, d.model),
        at, {other.note("value", value.value())});
  return d;
}

const std::string& Model::name() const { return core_->options.name; }
DType Model::dtype() const { return core_->options.dtype; }

int64_t Model::batch(Place at) {
  Declaration& d = open(at);
  d.asked_batch = true;
  return d.batch;
}

Number Model::option_value(const std::string& name, Number value, const OptionRange& range,
                           Place at) {
  Declaration& d = open(at);
  Number chosen = value;
  for (const OptionValue& given : core_->options.options)
    if (given.name == name)
      chosen = given.value;
  bool whole = chosen.value == std::floor(chosen.value);
  if (std::isnan(chosen.value) || chosen.value < range.least.value ||
      chosen.value > range.greatest.value || (!range.is_float && !whole))
    throw Error(ErrorCode::usage,
                fmt::format("option '{}': {} is no {}{}", name, to_string(chosen),
                            range.is_bool    ? "bool, 0 or 1"
                            : range.is_float ? "float"
                                             : "integer of its range",
                            range.is_float || range.is_bool
                                ? ""
                                : fmt::format(", {} to {}", to_string(range.least),
                                              to_string(range.greatest))),
                location_of(at));
  d.options.push_back({name, chosen, value, at});
  return chosen;
}

Tensor Model::input(const std::string& name, const Extents& shape, Place at) {
  return input(name, shape, dtype(), at);
}

Tensor Model::input(const std::string& name, const Extents& extents, DType type, Place at) {
  Declaration& d = open(at);
  std::string full = d.scoped(name, at);
  Shape shape = to_shape(extents, fmt::format("input '{}'", full), at);
  d.claim("input", full, at);
  d.signature.inputs.push_back({.name = full, .type = {type, shape}, .origin = d.origin(at)});
  d.builder.set_origin(d.origin(at));
  Value value = d.builder.input(static_cast<uint32_t>(d.signature.inputs.size() - 1));
  d.graph.set_name(value.node, full);
  return d.tensor(value);
}

namespace {

Shape start_shape(const Declaration& d, const std::string& what, const Initial& start, Place at) {
  if (!start.given || !start.has_shape)
    d.fail(what + ": the initial value has no shape", at, {{"give extents: zeros({3, 1})", {}}});
  return to_shape(start.shape, what, at);
}

} // namespace

Parameter Model::parameter(const std::string& name, const Initial& start, Place at) {
  return parameter(name, start, dtype(), at);
}

Parameter Model::parameter(const std::string& name, const Initial& start, DType type, Place at) {
  Declaration& d = open(at);
  std::string full = d.scoped(name, at);
  std::string what = fmt::format("parameter '{}'", full);
  if (!is_float(type))
    d.fail(fmt::format("{}: of type {}", what, gdjit::name(type)), at,
           {{"parameters are f32 or f64; other state is a variable", {}}});
  Variable state =
      d.declare_state("parameter", full, start, start_shape(d, what, start, at), type, at);
  d.parameters.push_back(state.row());
  return Parameter(state);
}

Variable Model::variable(const std::string& name, const Initial& start, Place at) {
  return variable(name, start, dtype(), at);
}

Variable Model::variable(const std::string& name, const Initial& start, DType type, Place at) {
  Declaration& d = open(at);
  std::string full = d.scoped(name, at);
  Shape shape = start_shape(d, fmt::format("variable '{}'", full), start, at);
  return d.declare_state("variable", full, start, shape, type, at);
}

Tensor Model::scalar(const std::string& name, Place at) {
  Declaration& d = open(at);
  return d.declare_scalar(d.scoped(name, at), nullptr, dtype(), at);
}

Tensor Model::scalar(const std::string& name, Number value, Place at) {
  return scalar(name, value, dtype(), at);
}

Tensor Model::scalar(const std::string& name, Number value, DType type, Place at) {
  Declaration& d = open(at);
  return d.declare_scalar(d.scoped(name, at), &value, type, at);
}

Tensor Model::constant(const Literal& values, Place at) { return constant(values, dtype(), at); }

Tensor Model::constant(const Literal& values, DType type, Place at) {
  Declaration& d = open(at);
  Extents extents;
  extents.values = values.extents();
  Array array = to_array(values, type, to_shape(extents, "constant", at), "constant", at);
  d.builder.set_origin(d.origin(at));
  return d.tensor(d.builder.constant(std::move(array)));
}

Tensor Model::iota(const Extents& shape, int axis, DType type, Place at) {
  Declaration& d = open(at);
  return d.tensor(d.append(Opcode::Iota, std::initializer_list<Value>{},
                           Attributes()
                               .dtype(Attr::dtype, type)
                               .shape(Attr::shape, to_shape(shape, "iota", at))
                               .integer(Attr::axis, axis),
                           at));
}

Tensor Model::is_training(Place at) {
  Declaration& d = open(at);
  return d.tensor(d.builtin_scalar("training", at));
}
Tensor Model::step_number(Place at) {
  Declaration& d = open(at);
  return d.tensor(d.builtin_scalar("step", at));
}
Tensor Model::seed(Place at) {
  Declaration& d = open(at);
  return d.tensor(d.builtin_scalar("seed", at));
}

namespace {

Tensor draw(Declaration& d, Opcode op, const std::string& name, const Extents& extents, DType type,
            Place at) {
  std::string full = d.scoped(name, at);
  Shape shape = to_shape(extents, full, at);
  Value seed = d.builtin_scalar("seed", at), step = d.builtin_scalar("step", at);
  return d.tensor(d.append(op, {seed, step},
                           Attributes()
                               .dtype(Attr::dtype, type)
                               .shape(Attr::shape, shape)
                               .text(Attr::stream, d.stream(full)),
                           at));
}

double real(Number number) { return static_cast<double>(number.value); }

} // namespace

Tensor Model::uniform(const std::string& name, const Extents& shape, Number low, Number high,
                      Place at) {
  Declaration& d = open(at);
  check_uniform(d, fmt::format("uniform '{}'", d.scoped(name, at)), low, high, at);
  Tensor u = draw(d, Opcode::Uniform, name, shape, dtype(), at);
  double width = real(high) - real(low);
  if (width != 1)
    u = mul(u, width, at);
  return real(low) != 0 ? add(u, real(low), at) : u;
}

Tensor Model::normal(const std::string& name, const Extents& shape, Number mean, Number stddev,
                     Place at) {
  Declaration& d = open(at);
  check_normal(d, fmt::format("normal '{}'", d.scoped(name, at)), mean, stddev, at);
  Tensor z = draw(d, Opcode::Normal, name, shape, dtype(), at);
  if (real(stddev) != 1)
    z = mul(z, real(stddev), at);
  return real(mean) != 0 ? add(z, real(mean), at) : z;
}

Tensor Model::random_bits(const std::string& name, const Extents& shape, DType type, Place at) {
  return draw(open(at), Opcode::RandomBits, name, shape, type, at);
}

Scope Model::scope(const std::string& name, Place at) {
  Declaration& d = open(at);
  (void)d.scoped(name, at); // a name?
  d.push_scope(name);
  return Scope(core_->current);
}

Tensor Model::named(const std::string& name, const Tensor& value, Place at) {
  Declaration& d = own("named", value, at);
  if (const std::string& given = d.graph.name(value.value().node); !given.empty())
    d.fail(fmt::format("named: the value is called '{}' already", given), at,
           {d.note("value", value.value())});
  std::string full = d.scoped(name, at);
  d.claim("node", full, at);
  d.graph.set_name(value.value().node, full);
  return value;
}

void Model::output(const std::string& name, const Tensor& value, Place at) {
  Declaration& d = own("output", value, at);
  d.add_output(d.scoped(name, at), value.value(), at);
}

void Model::update(const Variable& variable, const Operand& value, Place at) {
  own("update", variable, at)
      .add_update(variable, value, std::string(plain_update), UpdatePhase::plain, at);
}

void Model::data(const std::vector<DataColumn>& columns, Place at) {
  Declaration& d = open(at);
  for (const DataColumn& column : columns)
    d.data.push_back({column, at});
}

bool Model::wants_made_rows(Place at) const {
  (void)open(at);
  return !core_->body || !core_->primary;
}

void Model::take_made_rows(std::vector<DataColumn> columns, Place at) {
  Declaration& d = open(at);
  for (DataColumn& column : columns)
    d.data.push_back({std::move(column), at, true});
}

void Model::examples(const std::vector<DataColumn>& columns, Place at) {
  Declaration& d = open(at);
  for (const DataColumn& column : columns)
    d.examples.push_back({column, at});
}

ModelStep Model::training() const { return {core_, ModelStep::Kind::training, "training"}; }

namespace {

const Declaration::MinimizeMade& find(const Declaration& d, const std::string& minimize, Place at) {
  std::vector<std::string> known;
  known.reserve(d.minimizes.size());
  for (const Declaration::MinimizeMade& made : d.minimizes)
    known.push_back(made.name);
  if (const Declaration::MinimizeMade* made = d.find_minimize(minimize))
    return *made;
  throw Error(ErrorCode::usage,
              fmt::format("model '{}' has no minimize '{}'{}", d.model, minimize,
                          did_you_mean(minimize, known)),
              location_of(at));
}

/// gradients() and apply() are made of minimizes that accumulate.
void check_accumulates(const Declaration& d, const std::string& what, const std::string& minimize,
                       Place at) {
  std::string remedy = "write m.minimize(loss, rule, {.accumulate = true})";
  if (!minimize.empty() && !find(d, minimize, at).accumulates)
    throw Error(ErrorCode::usage,
                fmt::format("{}: minimize '{}' does not accumulate gradients", what, minimize),
                location_of(at),
                {{"it stands here", location_of(find(d, minimize, at).place)}, {remedy, {}}});
  if (std::none_of(d.minimizes.begin(), d.minimizes.end(),
                   [](const Declaration::MinimizeMade& made) { return made.accumulates; }))
    throw Error(ErrorCode::usage,
                fmt::format("{}: no minimize of model '{}' accumulates gradients", what, d.model),
                location_of(at), {{remedy, {}}});
}

} // namespace

ModelStep Model::gradients(const std::string& minimize, Place at) const {
  check_accumulates(core_->whole(), "gradients", minimize, at);
  ModelStep step(core_, ModelStep::Kind::training,
                 minimize.empty() ? "gradients" : minimize + "/gradients");
  step.only_ = minimize;
  step.part_ = ModelStep::Part::gradients;
  return step;
}

ModelStep Model::apply(const std::string& minimize, Place at) const {
  check_accumulates(core_->whole(), "apply", minimize, at);
  ModelStep step(core_, ModelStep::Kind::training,
                 minimize.empty() ? "apply" : minimize + "/apply");
  step.only_ = minimize;
  step.part_ = ModelStep::Part::apply;
  return step;
}

ModelStep Model::training(const std::string& minimize, Place at) const {
  (void)find(core_->whole(), minimize, at);
  ModelStep step(core_, ModelStep::Kind::training, minimize);
  step.only_ = minimize;
  return step;
}

ModelStep Model::evaluation() const { return {core_, ModelStep::Kind::evaluation, "evaluation"}; }
ModelStep Model::prediction() const { return {core_, ModelStep::Kind::prediction, "prediction"}; }

ModelStep Model::prediction(const std::vector<std::string>& outputs, Place at) const {
  return outputs.empty() ? prediction() : prediction().with_outputs(outputs, at);
}

std::vector<OptionValue> Model::options() const {
  std::vector<OptionValue> all;
  for (const Declaration::OptionRead& read : core_->whole().options)
    all.push_back({read.name, read.value});
  return all;
}

std::vector<Rows> Model::data_rows() const {
  core_->settle();
  return core_->data;
}

const std::string& Model::input_name(uint32_t row) const {
  const std::vector<InputDecl>& inputs = core_->whole().signature.inputs;
  if (row >= inputs.size())
    throw Error(ErrorCode::usage,
                fmt::format("model '{}' has no input {}: it has {}, counted from 0", name(), row,
                            inputs.size()));
  return inputs[row].name;
}

std::vector<Rows> Model::example_rows() const {
  core_->settle();
  return core_->examples;
}

} // namespace gdjit
