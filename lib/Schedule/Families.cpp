// Groups kernels by what is left of them without numbers; compares the members' loops.
#include "Families.h"

#include "gdjit/Loop/KernelKey.h"

#include <unordered_map>

namespace gdjit::scheduling {

namespace {

constexpr int64_t common_extent =
    1024; ///< of whole vectors: which loop wins is not their rest's to say

/// Adds what differs between two bodies that are the same without numbers.
void compare(const std::vector<Statement>& a, const std::vector<Statement>& b, Varying& varying) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].begin != b[i].begin || a[i].end != b[i].end)
      varying.loops.insert(a[i].loop);
    if (a[i].extents != b[i].extents)
      varying.tiles.insert(a[i].tile);
    compare(a[i].body, b[i].body, varying);
  }
}

} // namespace

std::vector<Varying> families(const Program& program, const PassContext& context) {
  std::vector<Varying> varying(program.kernels.size());
  std::unordered_map<std::string, std::vector<size_t>> members;
  loop::KernelKey key(program, loop::KernelKey::Numbers::left_out);
  for (size_t k = 0; k < program.kernels.size(); ++k)
    if (program.kernels[k].same_as == loop::none) {
      key.take(program.kernels[k]);
      members[key.bytes()].push_back(k);
    }
  for (const auto& [structure, family] : members) {
    if (static_cast<int64_t>(family.size()) <= context.machine.most_shapes)
      continue;
    Varying common;
    for (size_t k : family)
      compare(program.kernels[family[0]].body, program.kernels[k].body, common);
    for (size_t k : family)
      varying[k] = common;
  }
  return varying;
}

Kernel with_common_extents(Kernel kernel, const Varying& varying) {
  for_each(kernel.body, [&](Statement& s) {
    if (s.kind == StatementKind::For && varying.loops.count(s.loop)) {
      s.begin = 0;
      s.end = common_extent * s.step;
    }
    if (s.kind == StatementKind::Tile && varying.tiles.count(s.tile))
      s.extents.back() = common_extent;
  });
  return kernel;
}

} // namespace gdjit::scheduling
