// Values of pointwise, source, movement and indexing nodes.
#include "GraphNodes.h"

#include "Elements.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace gdjit::interp {

loop::ScalarRun& ExpansionRuns::of(NodeId node, const std::vector<bool>& uniform) {
  const loop::ScalarProgram& program = expansions_.of(node);
  auto [at, added] = runs_.try_emplace({&program, uniform}, nullptr);
  if (added)
    at->second = std::make_unique<loop::ScalarRun>(program, uniform);
  return *at->second;
}

void evaluate_expansion(const Graph& graph, NodeId node, Operands operands, ExpansionRuns& runs,
                        Array& result) {
  const bool source = info(graph.op(node)).kind == OpKind::Source;
  const int64_t total = result.elements();
  std::vector<bool> uniform;
  for (const Array* operand : operands)
    uniform.push_back(source || operand->elements() != total);
  if (source)
    uniform.push_back(false); // the position
  if (is_draw(graph, node))
    uniform.push_back(true); // the stream
  loop::ScalarRun& run = runs.of(node, uniform);
  for (size_t i = 0; i < operands.size(); ++i)
    if (uniform[i])
      load(*operands[i], 0, run.argument(i).first(1));
  if (is_draw(graph, node))
    run.argument(operands.size() + 1)[0] = stream_number(graph, node);
  run.begin(std::min(total, loop::ScalarRun::block));
  for (int64_t first = 0; first < total; first += loop::ScalarRun::block) {
    const int64_t n = std::min(loop::ScalarRun::block, total - first);
    for (size_t i = 0; i < operands.size(); ++i)
      if (!uniform[i])
        load(*operands[i], first, run.argument(i).first(n));
    if (source) {
      std::span<Bits> position = run.argument(operands.size()).first(n);
      std::iota(position.begin(), position.end(), static_cast<Bits>(first));
    }
    run.compute(n);
    store(result, first, run.result(0).first(n));
  }
}

bool repeats_one(const Graph& graph, NodeId node, Operands operands) {
  if (operands.size() != 1 || operands[0]->elements() != 1)
    return false;
  const Accesses all = accesses(graph, node);
  return std::ranges::none_of(all.operands[0].axes, &AxisMap::guarded);
}

Array repeated(const TensorType& type, const Array& one) {
  Array result(type);
  Bits element = 0;
  load(one, 0, {&element, 1});
  const Column same(std::min(chunk, type.elements()), element);
  for (int64_t first = 0; first < type.elements(); first += chunk)
    store(result, first, std::span(same).first(std::min(chunk, type.elements() - first)));
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
