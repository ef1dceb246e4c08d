// number_ids: values, loops and tiles in the order of the text.
#include "Passes.h"

namespace gdjit::lowering {

namespace {

/// Hands out 0, 1, 2 … in the order of first sight.
class Numbering {
public:
  explicit Numbering(uint32_t old) : ids_(old, loop::none) {}
  void operator()(uint32_t& id) {
    if (id == loop::none)
      return;
    if (ids_[id] == loop::none) {
      order_.push_back(id);
      ids_[id] = static_cast<uint32_t>(order_.size() - 1);
    }
    id = ids_[id];
  }
  const std::vector<uint32_t>& order() const { return order_; }

private:
  std::vector<uint32_t> ids_, order_;
};

} // namespace

void number_ids(loop::Kernel& kernel) {
  Numbering values(kernel.values), loops(kernel.loops), tiles(kernel.tiles);
  for_each(kernel.body, [&](Statement& s) { rename(s, values, loops, tiles); });
  std::vector<std::string> names;
  for (LoopId l : loops.order())
    names.push_back(kernel.loop_names[l]);
  kernel.loop_names = std::move(names);
  kernel.values = static_cast<uint32_t>(values.order().size());
  kernel.loops = static_cast<uint32_t>(loops.order().size());
  kernel.tiles = static_cast<uint32_t>(tiles.order().size());
}

} // namespace gdjit::lowering
