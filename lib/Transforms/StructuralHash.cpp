// structural_hash: a walk over the fields.
#include "gdjit/Transforms/StructuralHash.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Support/Hash.h"

namespace gdjit {

namespace {

/// Folds fields one by one into a hash.
class Hasher {
public:
  void add(uint64_t value) { hash_ = combine(hash_, value); }
  void add(const std::string& text) { add(hash_bytes(text)); }
  void add(const TensorType& type) {
    add(static_cast<uint64_t>(type.dtype));
    add(static_cast<uint64_t>(type.shape.rank()));
    for (int64_t extent : type.shape)
      add(static_cast<uint64_t>(extent));
  }
  void add(const Graph& graph);
  void add(const Signature& signature);
  void add(const loop::Statement& statement);
  void add(const loop::Affine& affine) {
    add(static_cast<uint64_t>(affine.constant));
    add(affine.terms.size());
    for (const loop::Term& t : affine.terms) {
      add(t.loop);
      add(static_cast<uint64_t>(t.factor));
    }
  }
  uint64_t hash() const { return hash_; }

private:
  uint64_t hash_ = 0;
};

void Hasher::add(const Graph& graph) {
  add(graph.size());
  for (NodeId n = 0; n < graph.size(); ++n) {
    add(static_cast<uint64_t>(graph.op(n)));
    for (Value v : graph.operands(n))
      add(uint64_t{v.node} << 32 | v.result);
    add(graph.attributes(n).hash());
    for (int r = 0; r < graph.result_count(n); ++r)
      add(graph.type(Value{n, static_cast<uint32_t>(r)}));
    add(graph.name(n));
    add(static_cast<uint64_t>(graph.origin(n).part));
  }
}

void Hasher::add(const Signature& signature) {
  add(signature.name);
  add(signature.step);
  for (const InputDecl& input : signature.inputs) {
    add(input.name);
    add(input.type);
  }
  for (const StateDecl& state : signature.states) {
    add(state.name);
    add(state.type);
    add(state.initial.node);
  }
  for (const ScalarDecl& scalar : signature.scalars) {
    add(scalar.name);
    add(static_cast<uint64_t>(scalar.dtype));
  }
  for (const OutputDecl& output : signature.outputs) {
    add(output.name);
    add(output.type);
  }
  for (const UpdateDecl& update : signature.updates)
    add(update.state);
  add(signature.initial);
}

void Hasher::add(const loop::Statement& s) {
  add(static_cast<uint64_t>(s.kind));
  add(static_cast<uint64_t>(s.op));
  add(static_cast<uint64_t>(s.loop_kind));
  add(s.streaming);
  add(static_cast<uint64_t>(s.type.dtype) << 32 | s.type.lanes);
  for (uint32_t id : {s.result, s.mask, s.fill, s.buffer, s.tile, s.loop, s.node})
    add(id);
  for (uint32_t id : s.operands)
    add(id);
  for (int64_t number : {s.begin, s.end, s.step, static_cast<int64_t>(s.bits)})
    add(static_cast<uint64_t>(number));
  for (int64_t extent : s.extents)
    add(static_cast<uint64_t>(extent));
  add(s.index.size());
  for (const loop::Index& index : s.index) {
    add(index.affine);
    add(index.dynamic);
    add(static_cast<uint64_t>(index.lane));
  }
  add(s.body.size());
  for (const loop::Statement& inner :
       s.body) // loops nest as deep as a tensor has axes, not as a graph is long
    add(inner);
}

} // namespace

uint64_t structural_hash(const Step& step) {
  Hasher hasher;
  hasher.add(step.signature);
  hasher.add(step.graph);
  for (const std::vector<Value>* values : {&step.outputs, &step.updates}) {
    hasher.add(values->size());
    for (Value v : *values)
      hasher.add(uint64_t{v.node} << 32 | v.result);
  }
  hasher.add(step.partition.kernels.size());
  for (const KernelGroup& kernel : step.partition.kernels) {
    hasher.add(kernel.name);
    hasher.add(kernel.title);
    hasher.add(kernel.reason);
  }
  for (uint32_t kernel : step.partition.kernel_of)
    hasher.add(kernel);
  return hasher.hash();
}

uint64_t structural_hash(const loop::Program& program) {
  Hasher hasher;
  hasher.add(program.signature);
  hasher.add(program.buffers.size());
  for (const loop::Buffer& buffer : program.buffers) {
    hasher.add(buffer.name);
    hasher.add(buffer.type);
    for (uint64_t field :
         {static_cast<uint64_t>(buffer.role), uint64_t{buffer.number}, uint64_t{buffer.same_as},
          static_cast<uint64_t>(buffer.place), static_cast<uint64_t>(buffer.offset)})
      hasher.add(field);
    if (buffer.literal)
      hasher.add(hash(*buffer.literal));
  }
  hasher.add(program.kernels.size());
  for (const loop::Kernel& same : program.kernels) {
    const loop::Kernel kernel = loop::written_out(program, same);
    hasher.add(kernel.name);
    hasher.add(kernel.title);
    hasher.add(kernel.body.size());
    for (const loop::Statement& statement : kernel.body)
      hasher.add(statement);
  }
  hasher.add(static_cast<uint64_t>(program.arena_bytes));
  return hasher.hash();
}

} // namespace gdjit
