// What makes drafts equal; the passes over the nests of the first.
#include "EqualDrafts.h"

#include "Passes.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <tuple>

namespace gdjit::lowering {

namespace {

/// Puts nests one behind another, as the body of a kernel; how many statements each has.
void join(std::vector<std::vector<Statement>>& nests, std::vector<size_t>& sizes,
          std::vector<Statement>& body) {
  for (std::vector<Statement>& nest : nests) {
    sizes.push_back(nest.size());
    std::move(nest.begin(), nest.end(), std::back_inserter(body));
  }
}

std::vector<std::vector<Statement>> cut(std::vector<Statement>&& body,
                                        const std::vector<size_t>& sizes) {
  std::vector<std::vector<Statement>> nests;
  auto at = std::make_move_iterator(body.begin());
  for (size_t size : sizes) {
    const auto end = at + static_cast<std::ptrdiff_t>(size);
    nests.emplace_back(at, end);
    at = end;
  }
  return nests;
}

/// The places of `ids` in the order in which these ascend.
std::vector<uint32_t> sorted_order(const std::vector<uint32_t>& ids) {
  std::vector<uint32_t> order(ids.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t i) { return ids[i]; });
  return order;
}

} // namespace

/// What is known of a draft beside its statements, as bytes.
void EqualDrafts::add_facts(std::string& facts, const KernelDraft& draft,
                            const std::vector<size_t>& sizes,
                            const std::function<bool(BufferId)>& is_private) const {
  auto put = [&facts](auto number) {
    facts.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  for (BufferId b : key_.buffers())
    put(static_cast<char>(is_private(b)));
  put(sizes.size());
  for (size_t size : sizes)
    put(size);
  for (const LoopFacts& loop : draft.loops) {
    put(loop.extent);
    put(loop.partials);
    put(loop.sealed);
  }
  for (LoopId partials : draft.partials_loop)
    put(partials);
  // Which nodes have names, and which stand on one line of the user's.
  const std::vector<NodeId>& nodes = key_.nodes();
  auto line = [&](NodeId n) {
    const Origin& origin = graph_.origin(n);
    return std::tuple(origin.file, origin.line, origin.part);
  };
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto first = std::find_if(nodes.begin(), nodes.begin() + static_cast<ptrdiff_t>(i),
                                    [&](NodeId n) { return line(n) == line(nodes[i]); });
    put(static_cast<uint32_t>(first - nodes.begin()));
    put(static_cast<char>(graph_.name(nodes[i]).empty()));
  }
}

loop::Kernel EqualDrafts::loops_of(KernelDraft& draft,
                                   const std::function<bool(BufferId)>& is_private) {
  std::vector<size_t> sizes;
  join(draft.nests, sizes, draft.kernel.body);
  key_.take(draft.kernel);
  draft_ = key_.bytes();
  add_facts(draft_, draft, sizes, is_private);
  auto at = known_.find(draft_);
  const bool added = at == known_.end();
  if (added)
    at = known_
             .try_emplace(draft_, Known{static_cast<uint32_t>(program_.kernels.size()),
                                        sorted_order(key_.buffers()), sorted_order(key_.nodes())})
             .first;
  loop::Kernel kernel;
  for (uint32_t i : at->second.buffers)
    kernel.buffers.push_back(key_.buffers()[i]);
  for (uint32_t i : at->second.nodes)
    kernel.nodes.push_back(key_.nodes()[i]);
  if (!added) {
    kernel.name = std::move(draft.kernel.name);
    kernel.title = std::move(draft.kernel.title);
    kernel.reason = std::move(draft.kernel.reason);
    kernel.same_as = at->second.kernel;
    return kernel;
  }
  draft.kernel.buffers = std::move(kernel.buffers);
  draft.kernel.nodes = std::move(kernel.nodes);
  draft.nests = cut(std::move(draft.kernel.body), sizes);
  draft.kernel.body.clear();
  fuse_loops(draft, program_, signature_);
  forward_stores(draft.kernel, program_);
  contract_arrays(draft, program_, is_private);
  split_partials(draft);
  return std::move(draft.kernel);
}

} // namespace gdjit::lowering
