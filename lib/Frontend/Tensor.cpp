// Tensors and pointwise ops: which type a number takes, which shape operands broadcast to.
#include "Declaration.h"

#include <fmt/format.h>

namespace gdjit {

TensorType Tensor::type(Place at) const {
  if (empty())
    throw Error(ErrorCode::graph, "type: the Tensor is empty", location_of(at),
                {{"assign it from m.input, a parameter or a function first", {}}});
  return declaration_->type(value_);
}

const Graph& Tensor::graph() const {
  GDJIT_CHECK(declaration_);
  return declaration_->graph;
}

void require_common_model(const std::string& what, std::initializer_list<const Tensor*> tensors,
                          Place at) {
  common_declaration(what, tensors, at);
}

int64_t Tensor::extent(int axis, Place at) const {
  Shape s = shape(at);
  if (axis < -s.rank() || axis >= s.rank())
    declaration_->fail(
        fmt::format("extent: axis {} is out of range for {}", axis, to_string(type())), at);
  return s[axis < 0 ? axis + s.rank() : axis];
}

Tensor apply_one(Opcode op, const Tensor& x, Attributes attributes, Place at) {
  Declaration& d = common_declaration(name(op), {&x}, at);
  return d.tensor(d.append(op, {x.value()}, std::move(attributes), at));
}

namespace {

/// What pointwise knows while it looks at its operands.
struct Pointwise {
  Opcode op;
  std::span<const Operand> operands;
  Declaration& d;
  Place at;

  std::string role(size_t i) const {
    return operands.size() == 1   ? "operand"
           : operands.size() == 2 ? (i == 0 ? "lhs" : "rhs")
                                  : fmt::format("operand {}", i + 1);
  }
  std::vector<Note> notes() const {
    std::vector<Note> all;
    for (size_t i = 0; i < operands.size(); ++i)
      if (operands[i].tensor)
        all.push_back(d.note(role(i), operands[i].tensor->value()));
      else
        all.push_back({fmt::format("{} {}", role(i), to_string(operands[i].number)), {}});
    return all;
  }
  [[noreturn]] void fail(std::string message, std::string remedy) const {
    std::vector<Note> all = notes();
    all.push_back({std::move(remedy), {}});
    d.fail(fmt::format("{}: {}", name(op), message), at, std::move(all));
  }

  /// The element type of the operands from `first` on, which numbers take.
  DType common_type(size_t first) const {
    const Tensor* known = nullptr;
    for (const Operand& operand : operands.subspan(first)) {
      if (!operand.tensor)
        continue;
      if (!known)
        known = operand.tensor;
      DType a = d.type(known->value()).dtype, b = d.type(operand.tensor->value()).dtype;
      if (a != b)
        fail(fmt::format("element types differ, {} and {}", name(a), name(b)),
             "convert one operand with cast(x, DType::…)");
    }
    return known ? d.type(known->value()).dtype : d.dtype;
  }

  Shape common_shape() const {
    Shape shape;
    for (const Operand& operand : operands) {
      if (!operand.tensor)
        continue;
      const Shape& s = d.type(operand.tensor->value()).shape;
      Shape longer = s.rank() > shape.rank() ? s : shape;
      const Shape& shorter = s.rank() > shape.rank() ? shape : s;
      int ahead = longer.rank() - shorter.rank();
      for (int i = 0; i < shorter.rank(); ++i) {
        int64_t& extent = longer[ahead + i];
        if (extent != shorter[i] && extent != 1 && shorter[i] != 1)
          fail(fmt::format("shapes {} and {} do not broadcast", to_string(shape), to_string(s)),
               "from the right, extents must be equal or 1");
        extent = extent == 1 ? shorter[i] : extent;
      }
      shape = longer;
    }
    return shape;
  }

  void check_number(Number number, DType type) const {
    if (type == DType::boolean)
      fail(fmt::format("the number {} with a bool tensor", to_string(number)),
           "convert the tensor with cast(x, DType::…)");
    if (is_float(type))
      return;
    if (number.is_float)
      fail(fmt::format("the float {} with an {} tensor", to_string(number), name(type)),
           "convert the tensor with cast(x, DType::f32), or write an integer");
    Array array(TensorType{type, {}});
    if (!store(array, 0, number))
      fail(fmt::format("{} does not fit {}", to_string(number), name(type)),
           type == DType::i64 ? "i64 is the widest integer: it goes to 2^63 - 1"
                              : "convert the tensor with cast(x, DType::i64)");
  }
};

} // namespace

Tensor pointwise(Opcode op, std::initializer_list<Operand> operands, Place at) {
  std::vector<const Tensor*> tensors;
  for (const Operand& operand : operands)
    if (operand.tensor)
      tensors.push_back(operand.tensor);
  GDJIT_CHECK(!tensors.empty());
  Declaration& d = common_declaration(name(op), tensors, at);
  Pointwise p{op, {operands.begin(), operands.size()}, d, at};

  // A select's first operand is its condition; all others of a pointwise op have one type.
  DType type = p.common_type(op == Opcode::Select ? 1 : 0);
  Shape shape = p.common_shape();
  std::vector<Value> values;
  for (const Operand& operand : operands) {
    if (operand.tensor) {
      values.push_back(d.broadcast(operand.tensor->value(), shape, at));
    } else {
      p.check_number(operand.number, type);
      values.push_back(d.number(operand.number, {type, shape}, at));
    }
  }
  return d.tensor(d.append(op, values, {}, at));
}

} // namespace gdjit
