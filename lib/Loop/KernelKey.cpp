// The key of a kernel, number by number.
#include "gdjit/Loop/KernelKey.h"

#include "gdjit/Loop/Rewrite.h"

namespace gdjit::loop {

namespace {

/// Numbers 0, 1 … by id, grown as ids come.
uint32_t& number_of(std::vector<uint32_t>& numbers, uint32_t id) {
  if (id >= numbers.size())
    numbers.resize(id + 1, none);
  return numbers[id];
}

} // namespace

void KernelKey::take(const Kernel& kernel) {
  for (BufferId b : buffers_)
    buffer_number_[b] = none;
  for (NodeId n : nodes_)
    node_number_[n] = none;
  buffers_.clear();
  nodes_.clear();
  numbers_.clear();
  for_each(kernel.body, [&](const Statement& s) {
    for (BufferId b = s.buffer; b != none; b = of_.buffers[b].same_as)
      if (uint32_t& number = number_of(buffer_number_, b); number == none) {
        number = static_cast<uint32_t>(buffers_.size());
        buffers_.push_back(b);
      }
    if (s.node == no_node)
      return;
    if (uint32_t& number = number_of(node_number_, s.node); number == none) {
      number = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back(s.node);
    }
  });

  for (uint32_t number : {kernel.values, kernel.loops, kernel.tiles})
    put(number);
  put(kernel.loop_names.size());
  put(buffers_.size());
  for (BufferId b : buffers_) {
    const Buffer& buffer = of_.buffers[b];
    put(static_cast<uint32_t>(buffer.type.dtype), static_cast<uint32_t>(buffer.type.shape.rank()));
    for (int64_t extent : buffer.type.shape)
      put_number(extent);
    put(buffer.same_as == none ? none : buffer_number_[buffer.same_as]);
  }
  write(kernel.body);
  bytes_.assign(reinterpret_cast<const char*>(numbers_.data()),
                numbers_.size() * sizeof numbers_[0]); // whose lengths it begins with
  for (const std::string& name : kernel.loop_names)
    (bytes_ += name) += '\0';
}

void KernelKey::write(const std::vector<Statement>& body) {
  put(body.size()); // lengths first: no key begins another
  for (const Statement& s : body)
    write(s);
}

void KernelKey::write(const Statement& s) {
  put(static_cast<uint32_t>(s.kind) << 24 | static_cast<uint32_t>(s.op) << 16 |
          (static_cast<uint32_t>(s.loop_kind) | static_cast<uint32_t>(s.streaming) << 2) << 8 |
          static_cast<uint32_t>(s.type.dtype),
      static_cast<uint32_t>(s.type.lanes) << 16 | static_cast<uint32_t>(s.operands.size()));
  put(s.node == no_node ? none : node_number_[s.node],
      s.buffer == none ? none : buffer_number_[s.buffer]);
  put(s.result, s.tile);
  put(s.mask, s.fill);
  if (s.kind == StatementKind::Compute && s.op == ScalarOp::constant)
    put_number(static_cast<int64_t>(s.bits));
  else
    put(s.bits);
  for (ValueId operand : s.operands)
    put(operand);
  put(static_cast<uint32_t>(s.extents.size()), static_cast<uint32_t>(s.index.size()));
  for (int64_t extent : s.extents)
    put_number(extent);
  for (const Index& index : s.index)
    write(index);
  if (s.kind != StatementKind::For)
    return;
  put(s.loop);
  put_number(s.begin);
  put_number(s.end);
  put(static_cast<uint64_t>(s.step));
  write(s.body);
}

void KernelKey::write(const Index& index) {
  put(static_cast<uint32_t>(index.affine.terms.size()), index.dynamic);
  put_number(index.affine.constant);
  put(static_cast<uint64_t>(index.lane));
  for (const Term& term : index.affine.terms) {
    put(term.loop);
    put_number(term.factor);
  }
}

} // namespace gdjit::loop
