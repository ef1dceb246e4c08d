// Writes the loops of RandomLoopText.h line by line: what it may name is what stands above.
#include "RandomLoopText.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <random>
#include <vector>

namespace gdjit::testing {

namespace {

std::vector<int64_t> extents_of_loops() { return {1, 2, 3, 7, 8, 10, 16, 17, 20, 32, 33, 40}; }
constexpr int64_t most_turns = 4000; ///< of all loops in one another

class Writer {
public:
  explicit Writer(uint64_t seed) : random_(seed), type_(of<std::string>({"f32", "f32", "f64"})) {}

  std::string program() {
    signature_ = "input n : i64[8]\n";
    text_ = "buffer n : i64[8] = input n\n";
    for (const char* input : {"x", "y", "z"})
      declare("input", input);
    declare("state", "w");
    const std::vector<int64_t> of_state = buffers_.back().extents;
    for (const char* output : {"o", "p"})
      declare("output", output);
    signature_ += "update w\n";
    text_ += fmt::format("buffer w.next : {} = update w\n", type(of_state));
    buffers_.push_back({"w.next", of_state});
    for (const char* temporary : {"a", "b"})
      declare("temporary", temporary);
    std::vector<size_t> unfilled;
    for (size_t b = 0; b < buffers_.size(); ++b)
      if (!buffers_[b].filled)
        unfilled.push_back(b);
    std::shuffle(unfilled.begin(), unfilled.end(), random_);
    for (int k = 0; !unfilled.empty(); ++k) {
      text_ += fmt::format("\nkernel k{} \"\" {{\n", k);
      for (size_t count = 1 + below(3); count > 0 && !unfilled.empty(); --count) {
        fill(unfilled.back());
        unfilled.pop_back();
        budget_ = 25;
        statements();
      }
      text_ += "}\n";
      values_.clear();
      tiles_.clear();
      next_value_ = next_tile_ = 0;
    }
    return "gdir 1\nstage loops\nmodel m\nstep training\nbatch 0\n\n" + signature_ + "\n" + text_ +
           "\nend\n";
  }

private:
  struct Buffer {
    std::string name;
    std::vector<int64_t> extents;
    bool filled = false;
    bool read_only = false;
  };
  struct Loop {
    std::string name;
    int64_t last; ///< of its values, the first of which is 0
    int64_t turns;
  };
  struct Tile {
    int number;
    std::vector<int64_t> extents;
  };

  size_t below(size_t count) { return random_() % count; }
  bool chance(size_t percent) { return below(100) < percent; }
  template <class T> T of(const std::vector<T>& values) { return values[below(values.size())]; }

  std::string type(const std::vector<int64_t>& extents) const {
    return fmt::format("{}[{}]", type_, fmt::join(extents, ","));
  }

  void declare(const std::string& role, const std::string& name) {
    std::vector<int64_t> extents;
    for (size_t rank = 1 + below(3); extents.size() < rank;)
      extents.push_back(rank == 3 ? of<int64_t>({1, 2, 3, 5, 8, 16}) : of(extents_of_loops()));
    const bool given = role == "input" || role == "state", row = role != "temporary";
    if (row)
      signature_ += fmt::format("{} {} : {}{}\n", role, name, type(extents),
                                role == "state" ? " = zeros" : "");
    text_ +=
        fmt::format("buffer {} : {} = {}{}\n", name, type(extents), role, row ? " " + name : "");
    buffers_.push_back({name, std::move(extents), given, given});
  }

  void line(const std::string& statement) {
    text_ += std::string(2 * loops_.size() + 2, ' ') + statement + "\n";
    --budget_;
  }

  int64_t turns() const {
    int64_t turns = 1;
    for (const Loop& l : loops_)
      turns *= l.turns;
    return turns;
  }

  /// Runs `body` in a loop over `extent`, of which what it declares is forgotten behind it.
  template <class Body>
  void loop(int64_t extent, const Body& body, int64_t step = 1, bool unrolled = false) {
    const std::string name(1, "ijklmrsuv"[loops_.size()]);
    line(fmt::format("{}for {} in 0..{}{} {{", unrolled ? "unrolled " : "", name, extent,
                     step > 1 ? fmt::format(" step {}", step) : ""));
    const size_t values = values_.size(), tiles = tiles_.size();
    const int64_t turns = (extent + step - 1) / step;
    loops_.push_back({name, (turns - 1) * step, turns});
    body();
    loops_.pop_back();
    values_.resize(values);
    tiles_.resize(tiles);
    line("}");
  }

  /// A coordinate of loops and numbers that stays below `extent`.
  std::string coordinate(int64_t extent) {
    std::vector<std::string> fit;
    for (const Loop& l : loops_) {
      if (l.last < extent) {
        fit.insert(fit.end(), 3, l.name);
        if (const int64_t more = extent - l.last; more > 1)
          fit.push_back(fmt::format("{}+{}", l.name, 1 + below(static_cast<size_t>(more - 1))));
        fit.push_back(fmt::format("-{}+{}", l.name, extent - 1));
      }
      if (l.last > 0 && 2 * l.last < extent)
        fit.push_back(fmt::format("2*{}", l.name));
      for (const Loop& m : loops_)
        if (m.name > l.name && l.last + m.last < extent)
          fit.insert(fit.end(), 2, fmt::format("{}+{}", l.name, m.name));
    }
    return fit.empty() || chance(8) ? std::to_string(below(static_cast<size_t>(extent))) : of(fit);
  }

  std::string place(const std::vector<int64_t>& extents) {
    std::vector<std::string> index;
    for (int64_t extent : extents)
      index.push_back(coordinate(extent));
    return index.empty() ? "" : fmt::format("[{}]", fmt::join(index, ", "));
  }

  /// A place that may lie behind the end of one axis and the mask that says where it does not, or
  /// that data choose.
  std::string masked_place(const std::vector<int64_t>& extents, std::string& mask) {
    const size_t axis = below(extents.size());
    std::vector<std::string> index;
    for (size_t a = 0; a < extents.size(); ++a)
      index.push_back(coordinate(extents[a]));
    if (chance(20) && extents[axis] > 2) {
      line(fmt::format("%{} = load n{}", next_value_, place({8})));
      index[axis] = fmt::format("%{}", next_value_++);
    } else if (!loops_.empty()) {
      index[axis] = fmt::format("{}+{}", of(loops_).name, below(4));
      mask = fmt::format("%{}", next_value_++);
      line(fmt::format("{} = lt (index {}), {}", mask, index[axis], extents[axis]));
    }
    return fmt::format("[{}]", fmt::join(index, ", "));
  }

  const Buffer* buffer(bool to_store) {
    std::vector<const Buffer*> all;
    for (const Buffer& b : buffers_)
      if (b.filled && !(to_store && b.read_only))
        all.push_back(&b);
    return all.empty() ? nullptr : of(all);
  }

  std::string operand() {
    const size_t kind = below(10);
    if (kind < 3 && !values_.empty())
      return fmt::format("%{}", of(values_));
    if (kind < 5 && !tiles_.empty()) {
      const Tile tile = of(tiles_);
      return fmt::format("t{}{}", tile.number, place(tile.extents));
    }
    if (kind == 9)
      return fmt::format("({} : {})", of<std::string>({"0.5", "-1.25", "0.75"}), type_);
    const Buffer* b = buffer(false);
    return b->name + place(b->extents);
  }

  std::string operation() {
    const std::string first = operand();
    switch (below(8)) {
    case 0:
      return fmt::format("fma {}, {}, {}", operand(), operand(), first);
    case 1:
      return fmt::format("select (lt {}, 0.5), {}, {}", operand(), operand(), first);
    case 2:
      return fmt::format("{} {}", of<std::string>({"sqrt", "abs", "neg", "floor", "exp"}), first);
    default:
      return fmt::format("{} {}, {}", of<std::string>({"add", "sub", "mul", "div", "min", "max"}),
                         operand(), first);
    }
  }

  int defined() {
    values_.push_back(next_value_);
    return next_value_++;
  }

  /// Of what is read, or of much that is computed of it, or read under a mask.
  std::string value() {
    const size_t kind = below(10);
    if (kind < 2) {
      const Buffer* b = buffer(false);
      std::string mask;
      const std::string place = masked_place(b->extents, mask);
      line(fmt::format("%{} = load {}{}{}", next_value_, b->name, place,
                       mask.empty() ? "" : fmt::format(" if {} else 0.5", mask)));
    } else {
      line(fmt::format("%{} = {}", next_value_, operation()));
    }
    for (int more = kind == 9 ? 20 : 0; more > 0; --more, ++budget_) {
      const int last = defined();
      line(fmt::format("%{} = fma %{}, %{}, %{}", next_value_, last, of(values_), last));
    }
    return fmt::format("%{}", defined());
  }

  int tile(const std::vector<int64_t>& extents) {
    line(fmt::format("tile t{}{} : {} = {}", next_tile_,
                     extents.empty() ? "" : fmt::format("[{}]", fmt::join(extents, ",")), type_,
                     of<std::string>({"-0.0", "-0.0", "1", "0.5"})));
    tiles_.push_back({next_tile_, extents});
    return next_tile_++;
  }

  void store() {
    const Buffer* b = buffer(true);
    if (b == nullptr)
      return;
    const std::string v = value();
    std::string mask;
    const std::string at = chance(30) ? masked_place(b->extents, mask) : place(b->extents);
    line(fmt::format("store {}{} = {}{}", b->name, at, v, mask.empty() ? "" : " if " + mask));
  }

  void set() {
    if (tiles_.empty())
      return;
    const Tile tile = of(tiles_);
    const std::string at = fmt::format("t{}{}", tile.number, place(tile.extents)), v = value();
    std::string mask;
    if (chance(30)) {
      mask = fmt::format(" if %{}", next_value_);
      line(fmt::format("%{} = lt {}, 0.25", next_value_++, operand()));
    }
    line(fmt::format("set {} = {} {}, {}{}", at, of<std::string>({"add", "max", "mul"}), at, v,
                     mask));
  }

  /// A sum over an axis of what is read: one chain, or 8 whose joins are the result.
  void reduce() {
    const int64_t extent = of<int64_t>({3, 7, 16, 17, 32, 40});
    if (turns() * extent > most_turns)
      return;
    const bool one = chance(50);
    const int64_t chains = one ? 1 : of<int64_t>({4, 8, 16});
    const int t = tile(one ? std::vector<int64_t>{} : std::vector<int64_t>{chains});
    auto add = [&] {
      const std::string at =
          one ? fmt::format("t{}", t) : fmt::format("t{}[{}]", t, loops_.back().name);
      const std::string v = value();
      line(fmt::format("set {0} = fma {1}, {1}, {0}", at, v));
    };
    if (one)
      loop(extent, add);
    else {
      loop(extent / chains * chains, [&] { loop(chains, add); }, chains);
      if (extent % chains > 0)
        loop(extent % chains, add);
    }
    line(one ? fmt::format("%{} = get t{}", next_value_, t)
             : fmt::format("%{} = join add t{}", next_value_, t));
    defined();
  }

  void statements() {
    for (size_t count = 1 + below(4); count > 0 && budget_ > 0; --count) {
      const size_t kind = below(14);
      const int64_t extent = of(extents_of_loops());
      if (kind < 2)
        value();
      else if (kind < 5)
        store();
      else if (kind == 5)
        tile(of<std::vector<int64_t>>({{}, {4}, {16}, {2, 8}}));
      else if (kind < 8)
        set();
      else if (kind < 10)
        reduce();
      else if (loops_.size() < 4 && turns() * extent <= most_turns)
        loop(extent, [&] { statements(); }, chance(10) ? 2 : 1, chance(5));
    }
  }

  /// Stores every element of a buffer.
  void fill(size_t b) {
    std::vector<std::string> index;
    auto inside = [&](auto& self, size_t axis) -> void {
      if (axis < buffers_[b].extents.size()) {
        loop(buffers_[b].extents[axis], [&] {
          index.push_back(loops_.back().name);
          self(self, axis + 1);
        });
        return;
      }
      if (chance(40))
        reduce();
      line(fmt::format("store {}[{}] = {}", buffers_[b].name, fmt::join(index, ", "), value()));
    };
    inside(inside, 0);
    buffers_[b].filled = true;
  }

  std::mt19937_64 random_;
  const std::string type_;
  std::string signature_, text_;
  std::vector<Buffer> buffers_;
  std::vector<Loop> loops_;
  std::vector<Tile> tiles_;
  std::vector<int> values_; ///< that may be read, all of the one type
  int next_value_ = 0, next_tile_ = 0;
  int budget_ = 0; ///< lines that a nest may still have
};

} // namespace

std::string random_loop_text(uint64_t seed) { return Writer(seed).program(); }

} // namespace gdjit::testing
