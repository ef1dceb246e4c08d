// Best-fit placement by time: a block takes the smallest hole that holds it, and leaves a hole when
// its range ends.
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

} // namespace

int64_t place_blocks(std::vector<Block>& blocks) {
  auto rounded = [](const Block& b) {
    return (std::max<int64_t>(b.bytes, 1) + arena_alignment - 1) / arena_alignment *
           arena_alignment;
  };
  std::vector<size_t> order;
  for (size_t i = 0; i < blocks.size(); ++i)
    if (blocks[i].range.used())
      order.push_back(i);
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
      holes.give_back(ended.offset, rounded(ended));
      live.erase(live.begin());
    }
    blocks[i].offset = holes.take(rounded(blocks[i]));
    live.insert({blocks[i].range.last, i});
  }
  return holes.size();
}

} // namespace gdjit::memory
