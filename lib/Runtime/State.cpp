// State: arrays by name in one allocation, the step counter and the seed.
#include "gdjit/Runtime/State.h"

#include "gdjit/Runtime/StateStorage.h"
#include "gdjit/Support/AlignedMemory.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <numeric>
#include <utility>

namespace gdjit {

namespace {

constexpr int64_t aligned(int64_t bytes) {
  constexpr auto a = static_cast<int64_t>(Array::alignment);
  return (bytes + a - 1) / a * a;
}

void require_type(const StateStorage::Entry& entry, const Array& value) {
  if (!(entry.type == value.type()))
    throw Error(ErrorCode::data, fmt::format("state {} is {}, the value given is {}", entry.name,
                                             to_string(entry.type), to_string(value.type())));
}

std::vector<TensorType> types_of(const std::vector<Array>& values) {
  std::vector<TensorType> types;
  types.reserve(values.size());
  for (const Array& value : values)
    types.push_back(value.type());
  return types;
}

} // namespace

StateStorage::StateStorage(std::vector<Entry> list) : entries(std::move(list)) {
  by_name.resize(entries.size());
  std::iota(by_name.begin(), by_name.end(), 0u);
  std::stable_sort(by_name.begin(), by_name.end(),
                   [&](uint32_t a, uint32_t b) { return entries[a].name < entries[b].name; });
  for (size_t i = 1; i < by_name.size(); ++i)
    if (entries[by_name[i - 1]].name == entries[by_name[i]].name)
      throw Error(ErrorCode::graph,
                  fmt::format("two states are named {}", entries[by_name[i]].name));
  for (const Entry& entry : entries)
    bytes += aligned(entry.type.bytes());
  memory = static_cast<char*>(aligned_memory(bytes, Array::alignment));
  if (memory == nullptr)
    fail_memory("a State", bytes);
  int64_t offset = 0;
  for (Entry& entry : entries) {
    entry.data = memory + offset;
    offset += aligned(entry.type.bytes());
  }
}

StateStorage::~StateStorage() { std::free(memory); }

const StateStorage::Entry& StateStorage::entry(int i) const {
  if (i < 0 || static_cast<size_t>(i) >= entries.size())
    throw Error(ErrorCode::usage,
                fmt::format("no array {}: the State has {}, counted from 0", i, entries.size()));
  return entries[static_cast<size_t>(i)];
}

int StateStorage::find(std::string_view name) const {
  auto at = std::lower_bound(by_name.begin(), by_name.end(), name,
                             [&](uint32_t e, std::string_view n) { return entries[e].name < n; });
  return at != by_name.end() && entries[*at].name == name ? static_cast<int>(*at) : -1;
}

State::State(std::vector<std::string> names, const std::vector<TensorType>& types, int64_t seed) {
  GDJIT_CHECK(names.size() == types.size());
  std::vector<StateStorage::Entry> entries(names.size());
  for (size_t i = 0; i < names.size(); ++i)
    entries[i] = {std::move(names[i]), types[i], nullptr};
  storage_ = std::make_shared<StateStorage>(std::move(entries));
  storage_->seed = seed;
}

State::State(std::vector<std::string> names, std::vector<Array> values, int64_t seed)
    : State(std::move(names), types_of(values), seed) {
  for (size_t i = 0; i < values.size(); ++i)
    set(static_cast<int>(i), std::exchange(values[i], Array()));
}

State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;
State::~State() = default;

State State::clone() const {
  std::vector<std::string> names;
  for (const StateStorage::Entry& entry : storage()->entries)
    names.push_back(entry.name);
  State copy(std::move(names), values(), seed());
  copy.set_step(step());
  return copy;
}

const std::shared_ptr<StateStorage>& State::storage() const {
  if (!storage_)
    throw Error(ErrorCode::usage, "this State was moved to another; use that one");
  return storage_;
}

int State::size() const { return static_cast<int>(storage()->entries.size()); }
int State::find(std::string_view name) const { return storage()->find(name); }
std::string_view State::name(int i) const { return storage()->entry(i).name; }
const TensorType& State::type(int i) const { return storage()->entry(i).type; }

TensorView State::view(int i) const {
  const StateStorage::Entry& entry = storage()->entry(i);
  return {entry.name, entry.type, entry.data};
}

TensorView State::view(std::string_view name) const {
  int i = find(name);
  if (i < 0) {
    std::vector<std::string_view> names;
    for (const StateStorage::Entry& entry : storage()->entries)
      names.push_back(entry.name);
    throw Error(ErrorCode::usage,
                fmt::format("no state is named {}; there are: {}", name, fmt::join(names, ", ")));
  }
  return view(i);
}

void State::set(int i, const Array& value) {
  const StateStorage::Entry& entry = storage()->entry(i);
  require_type(entry, value);
  if (entry.type.bytes() > 0)
    std::memcpy(entry.data, value.bytes(), static_cast<size_t>(entry.type.bytes()));
}

void State::set(std::string_view name, const Array& value) {
  view(name); // throws with the list of names
  set(find(name), value);
}

std::vector<Array> State::values() const {
  std::vector<Array> all;
  for (int i = 0; i < size(); ++i)
    all.push_back(view(i).copy());
  return all;
}

int64_t State::step() const { return storage()->step; }
void State::set_step(int64_t step) { storage()->step = step; }
int64_t State::seed() const { return storage()->seed; }
void State::set_seed(int64_t seed) { storage()->seed = seed; }

} // namespace gdjit
