// The key of a draft; the passes over its nests.
#include "EqualDrafts.h"

#include "Passes.h"

#include <iterator>
#include <numeric>

namespace gdjit::lowering {

namespace {

/// Nests one behind another, as the body of a kernel, and how many statements each has.
std::vector<Statement> joined(std::vector<std::vector<Statement>>&& nests,
                              std::vector<size_t>& sizes) {
  for (const std::vector<Statement>& nest : nests)
    sizes.push_back(nest.size());
  std::vector<Statement> body;
  body.reserve(std::accumulate(sizes.begin(), sizes.end(), size_t{0}));
  for (std::vector<Statement>& nest : nests)
    std::move(nest.begin(), nest.end(), std::back_inserter(body));
  return body;
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

} // namespace

loop::Kernel EqualDrafts::loops_of(KernelDraft&& draft,
                                   const std::function<bool(BufferId)>& is_private) {
  std::vector<size_t> sizes;
  loop::Kernel kernel = std::move(draft.kernel);
  kernel.body = joined(std::move(draft.nests), sizes);
  alone_.take(kernel);

  std::string known;
  auto put = [&known](auto number) {
    known.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  std::vector<bool> is_own;
  for (BufferId b : alone_.buffers())
    put(static_cast<char>(is_own.emplace_back(is_private(b))));
  put(sizes.size());
  for (size_t size : sizes)
    put(size);
  for (const LoopFacts& facts : draft.loops) {
    put(facts.extent);
    put(facts.partials);
    put(facts.sealed);
  }
  for (LoopId partials : draft.partials_loop)
    put(partials);

  const loop::AloneResult& result = alone_.result(kernel, known, [&](loop::AloneResult& made) {
    loop::Program& program = made.program;
    draft.kernel = std::move(program.kernels[0]);
    draft.nests = cut(std::move(draft.kernel.body), sizes);
    draft.kernel.body.clear();
    fuse_loops(draft, program);
    forward_stores(draft.kernel, program);
    contract_arrays(draft, program, [&](BufferId b) { return is_own[b]; });
    split_partials(draft);
    program.kernels[0] = std::move(draft.kernel);
  });
  alone_.write_back(result, kernel);
  return kernel;
}

} // namespace gdjit::lowering
