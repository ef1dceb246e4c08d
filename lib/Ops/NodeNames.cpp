// Numbers and names of nodes in a text; a name that is not known comes with one that is near.
#include "NodeNames.h"

#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace gdjit {

NodeNames::Id NodeNames::read() {
  in_.expect('%', "before a node");
  Id id;
  char c = in_.peek();
  if (c >= '0' && c <= '9')
    id.number = static_cast<uint64_t>(
        in_.integer("the number of a node", 0, std::numeric_limits<int64_t>::max()));
  else
    id.name = in_.name("the number or name of a node");
  if (c == '"' && id.name.empty())
    in_.fail("a node's name is empty");
  return id;
}

void NodeNames::define(const Id& id, const Defined& defined) {
  bool added = true;
  size_t before = 0;
  if (id.name.empty()) {
    auto [place, fresh] = numbered_.emplace(id.number, defined);
    added = fresh, before = place->second.at;
  } else {
    auto [place, fresh] = named_.emplace(id.name, defined);
    added = fresh, before = place->second.at;
  }
  if (!added)
    in_.fail_at(
        defined.at,
        fmt::format("%{} is defined twice", id.name.empty() ? std::to_string(id.number) : id.name),
        {{"first here", in_.location(before)}});
}

Value NodeNames::use() {
  size_t at = (in_.peek(), in_.offset());
  Id id = read();
  const Defined* defined = nullptr;
  if (id.name.empty()) {
    if (auto place = numbered_.find(id.number); place != numbered_.end())
      defined = &place->second;
  } else if (auto place = named_.find(id.name); place != named_.end()) {
    defined = &place->second;
  }
  if (!defined)
    undefined(at, id);
  Value value = defined->value;
  if (in_.try_char('#')) {
    int64_t result = in_.integer("the number of a result", 0, 255);
    if (value.valid() && result >= defined->results)
      in_.fail_at(at, fmt::format("the node has {} result{}", defined->results,
                                  defined->results == 1 ? "" : "s"));
    value.result = static_cast<uint32_t>(result);
  }
  return value;
}

void NodeNames::undefined(size_t at, const Id& id) {
  if (id.name.empty())
    in_.fail_at(at,
                fmt::format("%{} is not defined above; nodes stand before their users", id.number));
  constexpr size_t most = 1000; // names looked at for a near one
  std::vector<std::string> known;
  for (const auto& entry : named_)
    if (known.size() < most)
      known.push_back(entry.first);
  std::sort(known.begin(), known.end()); // the same suggestion in every run
  std::string near = did_you_mean(id.name, known);
  in_.fail_at(at, fmt::format("%{} is not defined above{}", id.name,
                              near.empty() ? "; nodes stand before their users" : near));
}

} // namespace gdjit
