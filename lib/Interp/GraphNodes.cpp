// Values of pointwise, source, movement and indexing nodes.
#include "GraphNodes.h"

#include "Elements.h"

#include <algorithm>
#include <cstring>

namespace gdjit::interp {

Array evaluate_expansion(const Graph& graph, NodeId node, Operands operands) {
  const bool source = info(graph.op(node)).kind == OpKind::Source;
  const loop::ScalarProgram program = expansion(graph, node);
  Array result(graph.type(node));
  const int64_t total = result.elements();
  std::vector<Column> columns(program.parameters.size());
  std::vector<const Bits*> arguments(columns.size());
  Column out(std::min(chunk, total));
  for (Column& column : columns)
    column.resize(out.size());
  for (size_t i = 0; i < columns.size(); ++i)
    arguments[i] = columns[i].data();

  for (int64_t first = 0; first < total; first += chunk) {
    const int64_t n = std::min(chunk, total - first);
    for (size_t i = 0; i < operands.size(); ++i) {
      if (source) { // a number of the call, the same for every element
        load(*operands[i], 0, std::span(columns[i]).first(1));
        std::fill(columns[i].begin() + 1, columns[i].end(), columns[i][0]);
      } else {
        load(*operands[i], first, std::span(columns[i]).first(n));
      }
    }
    if (source)
      for (int64_t i = 0; i < n; ++i)
        columns.back()[i] = static_cast<Bits>(first + i);
    Bits* results[] = {out.data()};
    loop::run(program, arguments, results, n);
    store(result, first, std::span(out).first(n));
  }
  return result;
}

Array evaluate_movement(const Graph& graph, NodeId node, Operands operands) {
  const Accesses all = accesses(graph, node);
  Array result(graph.type(node));
  const TensorType& type = result.type();
  const Bits fill = loop::to_bits(type.dtype, all.fill);
  std::vector<Places> places;
  for (size_t i = 0; i < operands.size(); ++i)
    places.emplace_back(all.operands[i], operands[i]->type().shape, type.shape, Shape{});
  Column column, out;
  for (int64_t first = 0; first < type.elements(); first += chunk) {
    const int64_t n = std::min(chunk, type.elements() - first);
    out.assign(n, fill);
    column.resize(n);
    for (size_t i = 0; i < operands.size(); ++i) {
      places[i].move_to(first, n);
      std::span<const int64_t> at = places[i].at(0);
      gather(*operands[i], at, fill, column);
      for (int64_t k = 0; k < n; ++k)
        if (at[k] >= 0)
          out[k] = column[k];
    }
    store(result, first, out);
  }
  return result;
}

namespace {

/// The indices of an Indexing node, each in range or noted.
class Indices {
public:
  Indices(const Array& indices, int64_t rows, NodeId node, CallStatus& status)
      : column_(indices.elements()), rows_(rows), node_(node), status_(status),
        wide_(indices.type().dtype == DType::i64) {
    load(indices, 0, column_);
  }
  int64_t count() const { return static_cast<int64_t>(column_.size()); }
  /// Index i, or -1 where it is out of range.
  int64_t operator[](int64_t i) {
    int64_t index = wide_ ? static_cast<int64_t>(column_[i]) : static_cast<int32_t>(column_[i]);
    if (index >= 0 && index < rows_)
      return index;
    if (status_.ok())
      status_ = {node_, i};
    return -1;
  }

private:
  Column column_;
  int64_t rows_;
  NodeId node_;
  CallStatus& status_;
  bool wide_;
};

int64_t elements_behind(const Shape& shape, int axis) {
  int64_t n = 1;
  for (int i = axis; i < shape.rank(); ++i)
    n *= shape[i];
  return n;
}

} // namespace

Array evaluate_indexing(const Graph& graph, NodeId node, Operands operands, CallStatus& status) {
  const IndexUse use = info(graph.op(node)).block->index_use;
  const Array& indices = *operands.back();
  const Array& data = *operands.front();
  Array result(graph.type(node));
  const TensorType& type = result.type();
  const int last = type.shape.rank() - 1;
  const int64_t rows = use == IndexUse::gather    ? data.type().shape[0]
                       : use == IndexUse::scatter ? type.shape[0]
                                                  : type.shape[last];
  Indices index(indices, rows, node, status);
  const int64_t row = use == IndexUse::gather    ? elements_behind(data.type().shape, 1)
                      : use == IndexUse::scatter ? elements_behind(type.shape, 1)
                                                 : 0;
  const int64_t bytes = row * byte_size(type.dtype);
  Column sum(row), term(row);
  for (int64_t i = 0; i < index.count(); ++i) {
    const int64_t to = index[i];
    if (to < 0)
      continue;
    if (use == IndexUse::gather) {
      if (bytes > 0)
        std::memcpy(static_cast<char*>(result.bytes()) + i * bytes,
                    static_cast<const char*>(data.bytes()) + to * bytes,
                    static_cast<size_t>(bytes));
    } else if (use == IndexUse::scatter) {
      load(result, to * row, sum);
      load(data, i * row, term);
      loop::evaluate_many(loop::ScalarOp::add, type.dtype, type.dtype, sum.data(), term.data(),
                          nullptr, sum.data(), row);
      store(result, to * row, sum);
    } else {
      const Bits one = loop::to_bits(type.dtype, 1);
      store(result, i * rows + to, {&one, 1});
    }
  }
  return result;
}

} // namespace gdjit::interp
