// The meaning of each statement.
#include "LoopKernel.h"

#include "gdjit/Support/Error.h"

#include <fmt/format.h>

namespace gdjit {

using loop::Bits;
using loop::Statement;
using loop::StatementKind;

void LoopKernel::run(const std::vector<Statement>& body) {
  for (const Statement& s : body)
    run(s);
}

void LoopKernel::run(const Statement& s) {
  switch (s.kind) {
  case StatementKind::For:
    for (int64_t i = s.begin; i < s.end; i += s.step) {
      loops_[s.loop] = i;
      run(s.body);
    }
    break;
  case StatementKind::Compute:
    compute(s);
    break;
  case StatementKind::Index:
    values_[s.result].resize(s.type.lanes);
    types_[s.result] = DType::i64;
    for (int64_t lane = 0; lane < s.type.lanes; ++lane)
      values_[s.result][static_cast<size_t>(lane)] =
          static_cast<Bits>(coordinate(s.index[0], lane));
    break;
  case StatementKind::Load:
  case StatementKind::Store:
    access(s);
    break;
  case StatementKind::Tile: {
    Tile& t = tiles_[s.tile];
    t = {s.type.dtype, s.type.lanes, s.extents, {}};
    int64_t elements = s.type.lanes;
    for (int64_t e : s.extents)
      elements *= e;
    t.elements.assign(static_cast<size_t>(elements), s.bits);
    break;
  }
  case StatementKind::Get:
  case StatementKind::Set:
    tile(s);
    break;
  case StatementKind::Join:
    join(s);
    break;
  case StatementKind::Transpose:
    transpose(s);
    break;
  case StatementKind::Check:
    check(s);
    break;
  case StatementKind::Prefetch:
    break;
  }
}

void LoopKernel::compute(const Statement& s) {
  Lanes& out = values_[s.result];
  out.resize(s.type.lanes);
  types_[s.result] = s.type.dtype;
  if (s.op == loop::ScalarOp::constant) {
    out.assign(out.size(), s.bits);
    return;
  }
  if (s.op == loop::ScalarOp::call)
    return call(s);
  DType operand = types_[s.operands.back()];
  Bits arguments[3] = {};
  for (int64_t lane = 0; lane < s.type.lanes; ++lane) {
    for (size_t i = 0; i < s.operands.size(); ++i)
      arguments[i] = lane_of(s.operands[i], lane);
    out[static_cast<size_t>(lane)] =
        evaluate(s.op, s.type.dtype, operand, std::span(arguments, s.operands.size()));
  }
}

void LoopKernel::call(const Statement& s) {
  auto function = static_cast<Opcode>(s.bits);
  auto [at, added] = functions_.try_emplace({function, s.type.dtype});
  if (added)
    at->second = expansion(function, s.type.dtype);
  std::vector<const Bits*> arguments;
  for (loop::ValueId v : s.operands)
    arguments.push_back(values_[v].data());
  Bits* out = values_[s.result].data();
  loop::run(at->second, arguments, {&out, 1}, s.type.lanes);
}

int64_t LoopKernel::coordinate(const loop::Index& index, int64_t lane) const {
  int64_t at = index.affine.constant + index.lane * lane;
  for (const loop::Term& term : index.affine.terms)
    at += term.factor * loops_[term.loop];
  if (index.dynamic != loop::none)
    at += static_cast<int64_t>(lane_of(index.dynamic, lane));
  return at;
}

int64_t LoopKernel::position(const Statement& s, std::span<const int64_t> extents, int64_t lane,
                             const std::string& what) const {
  GDJIT_CHECK(s.index.size() == extents.size());
  int64_t at = 0;
  for (size_t axis = 0; axis < extents.size(); ++axis) {
    int64_t i = coordinate(s.index[axis], lane);
    if (i < 0 || i >= extents[axis]) {
      std::string message = fmt::format("kernel {}: {}: index {} of axis {} lies outside 0..{}",
                                        kernel_.name, what, i, axis, extents[axis]);
      if (program_.from_text)
        throw Error(ErrorCode::graph, message);
      throw InternalError(message);
    }
    at = at * extents[axis] + i;
  }
  return at;
}

void LoopKernel::access(const Statement& s) {
  const loop::Buffer& buffer = program_.buffers[s.buffer];
  const Shape& shape = buffer.type.shape;
  std::span<const int64_t> extents(shape.begin(), shape.end());
  char* data = static_cast<char*>(memory_.data(s.buffer));
  bool load = s.kind == StatementKind::Load;
  if (load) {
    values_[s.result].resize(s.type.lanes);
    types_[s.result] = s.type.dtype;
  }
  for (int64_t lane = 0; lane < s.type.lanes; ++lane) {
    if (!active(s, lane)) {
      if (load)
        values_[s.result][static_cast<size_t>(lane)] =
            s.fill == loop::none ? 0 : lane_of(s.fill, lane);
      continue;
    }
    char* element = data + position(s, extents, lane, (load ? "load " : "store ") + buffer.name) *
                               byte_size(s.type.dtype);
    if (load)
      values_[s.result][static_cast<size_t>(lane)] = loop::load_bits(s.type.dtype, element);
    else
      loop::store_bits(s.type.dtype, element, lane_of(s.operands[0], lane));
  }
}

void LoopKernel::tile(const Statement& s) {
  Tile& t = tiles_[s.tile];
  GDJIT_CHECK(s.type.lanes == t.lanes && s.type.dtype == t.type);
  int64_t row = position(s, t.extents, 0, fmt::format("tile t{}", s.tile)) * t.lanes;
  if (s.kind == StatementKind::Get) {
    values_[s.result].assign(t.elements.begin() + row, t.elements.begin() + row + t.lanes);
    types_[s.result] = t.type;
    return;
  }
  for (int64_t lane = 0; lane < t.lanes; ++lane)
    if (active(s, lane))
      t.elements[static_cast<size_t>(row + lane)] = lane_of(s.operands[0], lane);
}

LoopKernel::Part LoopKernel::part(const Statement& s) const {
  const Tile& t = tiles_[s.tile];
  std::span<const int64_t> leading(t.extents.data(), s.index.size());
  auto first = static_cast<size_t>(position(s, leading, 0, fmt::format("tile t{}", s.tile)));
  auto count = static_cast<size_t>(t.lanes);
  for (size_t axis = s.index.size(); axis < t.extents.size(); ++axis)
    count *= static_cast<size_t>(t.extents[axis]);
  return {first * count, count};
}

void LoopKernel::join(const Statement& s) {
  const Tile& t = tiles_[s.tile];
  auto [first, count] = part(s);
  const size_t rows = s.type.lanes == 1 ? 1 : static_cast<size_t>(t.extents[s.index.size()]);
  values_[s.result].assign(s.type.lanes, 0);
  types_[s.result] = t.type;
  for (size_t row = 0; row < rows; ++row) {
    auto begin = t.elements.begin() + static_cast<int64_t>(first + row * (count / rows));
    Lanes partials(begin, begin + static_cast<int64_t>(count / rows));
    for (size_t half = partials.size() / 2; half > 0; half /= 2)
      for (size_t l = 0; l < half; ++l) {
        Bits pair[2] = {partials[l], partials[l + half]};
        partials[l] = evaluate(s.op, t.type, t.type, pair);
      }
    values_[s.result][row] = partials.at(0);
  }
}

void LoopKernel::transpose(const Statement& s) {
  Tile& t = tiles_[s.tile];
  const auto [first, count] = part(s);
  const auto lanes = static_cast<size_t>(t.lanes);
  const size_t n = count / lanes;
  for (size_t group = first; group < first + lanes; group += n)
    for (size_t e = 0; e < n; ++e)
      for (size_t lane = 0; lane < e; ++lane)
        std::swap(t.elements[group + e * lanes + lane], t.elements[group + lane * lanes + e]);
}

void LoopKernel::check(const Statement& s) {
  for (int64_t lane = 0; lane < static_cast<int64_t>(values_[s.operands[0]].size()); ++lane)
    if (status_.ok() && active(s, lane) && lane_of(s.operands[0], lane) == 0)
      status_ = {s.node, coordinate(s.index[0], lane)};
}

} // namespace gdjit
