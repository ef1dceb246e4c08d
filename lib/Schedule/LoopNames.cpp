// One walk for the nodes that each loop computes, then names against the other loops'.
#include "LoopNames.h"

#include <algorithm>

namespace gdjit::scheduling {

namespace {

constexpr const char* within = "inner ";
constexpr const char* computing = " of ";

struct Named {
  LoopId loop = loop::none;
  bool inner = false;             ///< within another one of its name
  std::vector<LoopId> related;    ///< of its name, around it or within it
  std::vector<std::string> nodes; ///< in their order
};

class Collector {
public:
  Collector(const Program& program, const Kernel& kernel) : program_(program), kernel_(kernel) {}

  std::vector<Named> loops() {
    collect(kernel_.body);
    return std::move(loops_);
  }

private:
  void collect(const std::vector<Statement>& body) {
    for (const Statement& s : body) {
      note(s.node);
      if (s.kind != StatementKind::For)
        continue;
      Named& own = loops_.emplace_back();
      own.loop = s.loop;
      const size_t at = loops_.size() - 1;
      for (const size_t outer : around_)
        if (kernel_.loop_names[loops_[outer].loop] == kernel_.loop_names[s.loop]) {
          own.inner = true;
          own.related.push_back(loops_[outer].loop);
          loops_[outer].related.push_back(s.loop);
        }
      around_.push_back(at);
      collect(s.body);
      around_.pop_back();
    }
  }

  void note(NodeId node) {
    const loop::Note* found = loop::find_note(program_.notes, node);
    if (found == nullptr)
      return;
    for (const size_t outer : around_)
      if (std::ranges::find(loops_[outer].nodes, found->name) == loops_[outer].nodes.end())
        loops_[outer].nodes.push_back(found->name);
  }

  const Program& program_;
  const Kernel& kernel_;
  std::vector<Named> loops_;
  std::vector<size_t> around_; ///< of loops_
};

/// The first node that no other loop of the name computes, or the first; none where it is alone.
std::string distinction(const Kernel& kernel, const Named& own, const std::vector<Named>& all) {
  std::vector<const Named*> others;
  for (const Named& other : all)
    if (other.loop != own.loop && std::ranges::find(own.related, other.loop) == own.related.end() &&
        kernel.loop_names[other.loop] == kernel.loop_names[own.loop])
      others.push_back(&other);
  if (others.empty() || own.nodes.empty())
    return "";
  const auto unique = std::ranges::find_if(own.nodes, [&](const std::string& node) {
    return std::ranges::all_of(others, [&](const Named* other) {
      return std::ranges::find(other->nodes, node) == other->nodes.end();
    });
  });
  return unique == own.nodes.end() ? own.nodes.front() : *unique;
}

} // namespace

void tell_loops_apart(const Program& program, Kernel& kernel) {
  const std::vector<Named> loops = Collector(program, kernel).loops();
  std::vector<std::string> names = kernel.loop_names;
  for (const Named& own : loops) {
    std::string& name = names[own.loop];
    if (own.inner)
      name.insert(0, within);
    if (const std::string node = distinction(kernel, own, loops); !node.empty())
      name += computing + node;
  }
  kernel.loop_names = std::move(names);
}

void restore_loop_names(Kernel& kernel) {
  for (std::string& name : kernel.loop_names) {
    if (name.starts_with(within))
      name.erase(0, std::string_view(within).size());
    if (const size_t at = name.find(computing); at != std::string::npos)
      name.erase(at);
  }
}

} // namespace gdjit::scheduling
