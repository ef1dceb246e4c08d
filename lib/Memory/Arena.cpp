// Best-fit placement by time: a block takes the smallest hole that holds it, and leaves a hole when
// its range ends. What then lies in the midst of the arena for long splits its holes: large blocks
// first, each in the lowest gap between those that it meets, is better there, and quadratic.
#include "Arena.h"

#include <algorithm>
#include <map>
#include <set>

namespace gdjit::memory {

namespace {

/// The free parts of the arena, found by place and by size; the arena grows at its end.
class Holes {
public:
  int64_t take(int64_t bytes) {
    auto fit = by_size_.lower_bound({bytes, 0});
    if (fit == by_size_.end())
      return grow(bytes);
    auto [size, offset] = *fit;
    remove(offset, size);
    if (size > bytes)
      add(offset + bytes, size - bytes);
    return offset;
  }

  void give_back(int64_t offset, int64_t bytes) {
    auto next = by_place_.lower_bound(offset);
    if (next != by_place_.end() && next->first == offset + bytes) {
      bytes += next->second;
      remove(next->first, next->second);
    }
    auto previous = by_place_.lower_bound(offset);
    if (previous != by_place_.begin()) {
      --previous;
      if (previous->first + previous->second == offset) {
        offset = previous->first;
        bytes += previous->second;
        remove(previous->first, previous->second);
      }
    }
    add(offset, bytes);
  }

  int64_t size() const { return size_; }

private:
  /// Extends the arena, using a hole that reaches to its end.
  int64_t grow(int64_t bytes) {
    int64_t offset = size_;
    if (!by_place_.empty()) {
      auto last = std::prev(by_place_.end());
      if (last->first + last->second == size_) {
        offset = last->first;
        remove(last->first, last->second);
      }
    }
    size_ = offset + bytes;
    return offset;
  }
  void add(int64_t offset, int64_t bytes) {
    by_place_[offset] = bytes;
    by_size_.insert({bytes, offset});
  }
  void remove(int64_t offset, int64_t bytes) {
    by_place_.erase(offset);
    by_size_.erase({bytes, offset});
  }

  std::map<int64_t, int64_t> by_place_;
  std::set<std::pair<int64_t, int64_t>> by_size_;
  int64_t size_ = 0;
};

constexpr size_t most_by_size = 1000; ///< blocks: half a million pairs are a millisecond

std::vector<size_t> used(const std::vector<Block>& blocks) {
  std::vector<size_t> numbers;
  for (size_t i = 0; i < blocks.size(); ++i)
    if (blocks[i].range.used())
      numbers.push_back(i);
  return numbers;
}

int64_t place_by_time(std::vector<Block>& blocks) {
  std::vector<size_t> order = used(blocks);
  // Large blocks first where several begin at once; ties by number, so that the plan is the same
  // every time.
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (blocks[a].range.first != blocks[b].range.first)
      return blocks[a].range.first < blocks[b].range.first;
    if (blocks[a].bytes != blocks[b].bytes)
      return blocks[a].bytes > blocks[b].bytes;
    return a < b;
  });
  Holes holes;
  std::set<std::pair<int64_t, size_t>> live; // by the end of the range
  for (size_t i : order) {
    while (!live.empty() && live.begin()->first < blocks[i].range.first) {
      const Block& ended = blocks[live.begin()->second];
      holes.give_back(ended.offset, in_arena(ended.bytes));
      live.erase(live.begin());
    }
    blocks[i].offset = holes.take(in_arena(blocks[i].bytes));
    live.insert({blocks[i].range.last, i});
  }
  return holes.size();
}

int64_t place_by_size(std::vector<Block>& blocks) {
  std::vector<size_t> order = used(blocks);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  int64_t size = 0;
  std::vector<size_t> placed; // by offset
  for (size_t i : order) {
    Block& block = blocks[i];
    block.offset = 0;
    for (size_t other : placed) {
      const Block& o = blocks[other];
      if (o.range.last < block.range.first || block.range.last < o.range.first)
        continue;
      if (o.offset >= block.offset + in_arena(block.bytes))
        break;
      block.offset = std::max(block.offset, o.offset + in_arena(o.bytes));
    }
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), i,
                         [&](size_t a, size_t b) { return blocks[a].offset < blocks[b].offset; }),
        i);
    size = std::max(size, block.offset + in_arena(block.bytes));
  }
  return size;
}

} // namespace

Peak live_peak(const std::vector<Block>& blocks) {
  std::vector<std::pair<int64_t, int64_t>> changes; // position, bytes
  for (size_t i : used(blocks)) {
    changes.push_back({blocks[i].range.first, in_arena(blocks[i].bytes)});
    changes.push_back({blocks[i].range.last + 1, -in_arena(blocks[i].bytes)});
  }
  std::sort(changes.begin(), changes.end()); // at one position what ends comes first
  Peak peak;
  int64_t live = 0;
  for (auto [position, bytes] : changes) {
    live += bytes;
    if (live > peak.bytes)
      peak = {live, position};
  }
  return peak;
}

int64_t place_blocks(std::vector<Block>& blocks) {
  const int64_t by_time = place_by_time(blocks);
  if (blocks.size() > most_by_size || by_time == live_peak(blocks).bytes)
    return by_time;
  std::vector<Block> again = blocks;
  const int64_t by_size = place_by_size(again);
  if (by_size >= by_time)
    return by_time;
  blocks = std::move(again);
  return by_size;
}

} // namespace gdjit::memory
