// EqualDrafts: the nests of kernels made into loops, once for those that are equal up to their
// buffers and nodes: a thousand layers are fused like one, and are the same kernel from here on.
#pragma once

#include "Body.h"

#include "gdjit/Loop/KernelKey.h"

#include <functional>
#include <string>
#include <unordered_map>

namespace gdjit::lowering {

class EqualDrafts {
public:
  EqualDrafts(const Step& step, const loop::Program& program)
      : graph_(step.graph), signature_(step.signature), program_(program), key_(program) {}

  /// The kernel that is to be the program's next, of a draft, which is used up: the same as an
  /// equal one, else its nests as loops: fused, forwarded, contracted, split. `is_private` tells
  /// whether the rest of the program is indifferent to a buffer.
  loop::Kernel loops_of(KernelDraft& draft, const std::function<bool(BufferId)>& is_private);

private:
  /// The first of its kind.
  struct Known {
    uint32_t kernel = loop::none;
    std::vector<uint32_t> buffers, nodes; ///< `sorted_order` of the first's, for all
  };

  void add_facts(std::string& facts, const KernelDraft& draft, const std::vector<size_t>& sizes,
                 const std::function<bool(BufferId)>& is_private) const;

  const Graph& graph_;
  const Signature& signature_;
  const loop::Program& program_;
  loop::KernelKey key_;
  std::string draft_; ///< what a draft is, as bytes: the key and facts of the one at hand
  std::unordered_map<std::string, Known> known_;
};

} // namespace gdjit::lowering
