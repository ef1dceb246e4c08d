// Each call in its place, then what a kernel says more than once, once.
#include "gdjit/Lowering/Expand.h"

#include "Passes.h"

#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <map>

namespace gdjit {

namespace {

using namespace lowering;

constexpr int vector_bytes_with_scaleb = 64; // AVX-512 does it by one instruction

class Expander {
public:
  Expander(loop::Program& program, const MachineTable& machine)
      : program_(program), scaleb_(machine.vector_bytes == vector_bytes_with_scaleb) {}

  /// False where the kernel calls nothing.
  bool run(loop::Kernel& kernel) {
    calls_ = 0;
    draft_.kernel = std::move(kernel);
    draft_.value_types.assign(draft_.kernel.values, DType::f32); // of no matter here
    if (has_calls(draft_.kernel.body)) {
      draft_.kernel.body = rewrite(std::move(draft_.kernel.body));
      for_each(draft_.kernel.body, [&](Statement& s) {
        for_each_use(s, [&](ValueId& v) {
          if (auto at = results_.find(v); at != results_.end())
            v = at->second;
        });
      });
    }
    share_computations(draft_.kernel, program_); // also what a text repeats
    results_.clear();
    kernel = std::move(draft_.kernel);
    return calls_ > 0;
  }

private:
  struct Function {
    loop::ScalarProgram program;
    std::vector<BufferId> tables;
  };

  static bool is_call(const Statement& s) {
    return s.kind == StatementKind::Compute && s.op == ScalarOp::call;
  }
  static bool has_calls(const std::vector<Statement>& body) {
    return std::any_of(body.begin(), body.end(),
                       [](const Statement& s) { return is_call(s) || has_calls(s.body); });
  }

  std::vector<Statement> rewrite(std::vector<Statement> body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (has_calls(s.body))
        s.body = rewrite(std::move(s.body));
      if (is_call(s))
        expand_call(out, s);
      else
        out.push_back(std::move(s));
    }
    return out;
  }

  void expand_call(std::vector<Statement>& out, const Statement& s) {
    ++calls_;
    const Function& f = function(static_cast<Opcode>(s.bits), s.type.dtype);
    Body body(draft_, s.node);
    results_[s.result] = body.expand(f.program, s.operands, f.tables);
    body.finish();
    for (Statement& written : draft_.nests.back())
      out.push_back(std::move(written));
    draft_.nests.clear();
  }

  const Function& function(Opcode op, DType type) {
    auto [at, added] = functions_.try_emplace({op, type});
    if (added) {
      at->second.program = expansion(op, type, scaleb_);
      for (const std::shared_ptr<const Array>& table : at->second.program.tables)
        at->second.tables.push_back(constant_buffer(table));
    }
    return at->second;
  }

  BufferId constant_buffer(const std::shared_ptr<const Array>& elements) {
    for (BufferId b = 0; b < program_.buffers.size(); ++b)
      if (const loop::Buffer& buffer = program_.buffers[b];
          buffer.role == loop::BufferRole::constant && same_bits(*buffer.literal, *elements))
        return b;
    loop::Buffer buffer;
    buffer.name = free_name("table");
    buffer.type = elements->type();
    buffer.role = loop::BufferRole::constant;
    buffer.literal = elements;
    program_.buffers.push_back(std::move(buffer));
    return static_cast<BufferId>(program_.buffers.size() - 1);
  }

  std::string free_name(const std::string& word) const {
    std::string name = word;
    auto taken = [&](const loop::Buffer& b) { return b.name == name; };
    for (int n = 1; std::any_of(program_.buffers.begin(), program_.buffers.end(), taken); ++n)
      name = word + "." + std::to_string(n);
    return name;
  }

  loop::Program& program_;
  const bool scaleb_;
  KernelDraft draft_;
  int64_t calls_ = 0;
  std::map<std::pair<Opcode, DType>, Function> functions_;
  std::map<ValueId, ValueId> results_; ///< of calls, by what stands in their place
};

/// Tables are one for all kernels: what is listed of a kernel has them under their own names.
void list_tables(loop::Program& program) {
  std::vector<std::vector<std::pair<size_t, BufferId>>> added(program.kernels.size());
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    loop::Kernel& kernel = program.kernels[k];
    if (kernel.same_as == loop::none && !kernel.buffers.empty())
      for_each(kernel.body, [&](const Statement& s) {
        auto at = std::ranges::lower_bound(kernel.buffers, s.buffer);
        if (s.buffer == loop::none || (at != kernel.buffers.end() && *at == s.buffer))
          return;
        added[k].emplace_back(at - kernel.buffers.begin(), s.buffer);
        kernel.buffers.insert(at, s.buffer);
      });
    else if (kernel.same_as != loop::none)
      for (auto [place, table] : added[kernel.same_as])
        kernel.buffers.insert(kernel.buffers.begin() + static_cast<ptrdiff_t>(place), table);
  }
}

} // namespace

loop::Program expand(loop::Program program, PassContext& context) {
  GDJIT_CHECK(program.stage == Stage::Loops);
  Expander expander(program, context.machine);
  bool any = false;
  for (loop::Kernel& kernel : program.kernels)
    if (kernel.same_as == loop::none)
      any |= expander.run(kernel);
  if (any)
    list_tables(program);
  if (any)
    remove_dead(program);
  context.changed = any;
  return program;
}

} // namespace gdjit
