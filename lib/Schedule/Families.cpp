// Groups kernels by what is left of them without numbers; compares the members' loops.
#include "Families.h"

#include "gdjit/Loop/KernelKey.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace gdjit::scheduling {

namespace {

constexpr int64_t loops_of_large = 4; ///< as many statements as so many loops worth sharing

/// Adds what differs between two bodies that are the same without numbers.
void compare(const std::vector<Statement>& a, const std::vector<Statement>& b, Varying& varying) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].begin != b[i].begin || a[i].end != b[i].end)
      varying.loops.insert(a[i].loop);
    if (!a[i].extents.empty() && a[i].extents.back() != b[i].extents.back())
      varying.tiles.insert(a[i].tile);
    compare(a[i].body, b[i].body, varying);
  }
}

/// By which kernels of one structure are of different shapes: literals do not count.
std::vector<int64_t> extents(const Program& program, const Kernel& kernel) {
  std::vector<int64_t> all;
  for_each(kernel.body, [&](const Statement& s) {
    all.insert(all.end(), {s.begin, s.end});
    all.insert(all.end(), s.extents.begin(), s.extents.end());
    if (s.buffer != loop::none)
      for (int64_t extent : program.buffers[s.buffer].type.shape)
        all.push_back(extent);
  });
  return all;
}

/// So many shapes have code of their own: twice as many where each call takes long enough to pay
/// for it within some hundred steps.
int64_t most_shapes(const Program& program, const std::vector<size_t>& family,
                    const MachineTable& machine) {
  const bool large = std::ranges::all_of(family, [&](size_t k) {
    return work_of(program.kernels[k].body) >=
           static_cast<double>(loops_of_large * machine.least_shared);
  });
  return large ? machine.most_shapes * 2 : machine.most_shapes;
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
    std::set<std::vector<int64_t>> shapes;
    for (size_t k : family)
      shapes.insert(extents(program, program.kernels[k]));
    if (static_cast<int64_t>(shapes.size()) <= most_shapes(program, family, context.machine))
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
    if (s.kind == StatementKind::For && varying.loops.count(s.loop))
      s.end = s.begin + common_extent * s.step;
    if (s.kind == StatementKind::Tile && varying.tiles.count(s.tile))
      s.extents.back() = common_extent;
  });
  return kernel;
}

std::vector<Statement> copy_fresh(Kernel& kernel, const std::vector<Statement>& statements,
                                  Varying& varying) {
  loop::CopiedIds ids;
  std::vector<Statement> copy = loop::copy_fresh(kernel, statements, ids);
  for (const auto& [old, fresh] : ids.loops)
    if (varying.loops.count(old))
      varying.loops.insert(fresh);
  for (const auto& [old, fresh] : ids.tiles)
    if (varying.tiles.count(old))
      varying.tiles.insert(fresh);
  return copy;
}

} // namespace gdjit::scheduling
