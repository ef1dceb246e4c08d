// The key of a kernel, its program, and the way back.
#include "gdjit/Loop/Alone.h"

#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <charconv>

namespace gdjit::loop {

namespace {

// Names in a program of one kernel: a mark, what it stands for, a number, an end.
constexpr char mark = '\1', end = '\2';
constexpr char of_kernel = 'k', of_buffer = 'b', numbered = '#';

std::string marked(char what, size_t number) {
  return mark + (what + std::to_string(number)) + end;
}

/// `text` with what `word(kind, number)` gives for each mark.
template <class Word> std::string spelled(std::string_view text, const Word& word) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != mark) {
      out += text[at++];
      continue;
    }
    const size_t behind = text.find(end, at);
    size_t number = 0;
    std::from_chars(text.data() + at + 2, text.data() + behind, number);
    out += word(text[at + 1], number);
    at = behind + 1;
  }
  return out;
}

/// Numbers 0, 1 … by id, grown as ids come.
uint32_t& number_of(std::vector<uint32_t>& numbers, uint32_t id) {
  if (id >= numbers.size())
    numbers.resize(id + 1, none);
  return numbers[id];
}

} // namespace

std::string own_name(const Program& program, std::string_view of, std::string_view word) {
  std::string name(of);
  name += word;
  return name + marked(numbered, program.buffers.size());
}

void Alone::take(const Kernel& kernel) {
  for (BufferId b : buffers_)
    buffer_number_[b] = none;
  for (NodeId n : nodes_)
    node_number_[n] = none;
  buffers_.clear();
  nodes_.clear();
  numbers_.clear();
  for_each(kernel.body, [&](const Statement& s) {
    for (BufferId b = s.buffer; b != none; b = of_.buffers[b].same_as)
      if (uint32_t& number = number_of(buffer_number_, b); number == none) {
        number = 0; // until they are sorted
        buffers_.push_back(b);
      }
    if (s.node == no_node)
      return;
    if (uint32_t& number = number_of(node_number_, s.node); number == none) {
      number = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back(s.node);
    }
  });
  std::sort(buffers_.begin(), buffers_.end());
  for (uint32_t number = 0; number < buffers_.size(); ++number)
    buffer_number_[buffers_[number]] = number;

  for (uint32_t number : {kernel.values, kernel.loops, kernel.tiles})
    put(number);
  put(kernel.loop_names.size());
  put(buffers_.size());
  for (BufferId b : buffers_) {
    const Buffer& buffer = of_.buffers[b];
    put(static_cast<uint32_t>(buffer.type.dtype), static_cast<uint32_t>(buffer.type.shape.rank()));
    for (int64_t extent : buffer.type.shape)
      put(static_cast<uint64_t>(extent));
    put(buffer.same_as == none ? none : buffer_number_[buffer.same_as]);
  }
  write(kernel.body);
  key_.assign(reinterpret_cast<const char*>(numbers_.data()),
              numbers_.size() * sizeof numbers_[0]); // whose lengths it begins with
  for (const std::string& name : kernel.loop_names)
    (key_ += name) += '\0';
}

void Alone::write(const std::vector<Statement>& body) {
  put(body.size()); // lengths first: no key begins another
  for (const Statement& s : body)
    write(s);
}

void Alone::write(const Statement& s) {
  put(static_cast<uint32_t>(s.kind) << 24 | static_cast<uint32_t>(s.op) << 16 |
          static_cast<uint32_t>(s.loop_kind) << 8 | static_cast<uint32_t>(s.type.dtype),
      static_cast<uint32_t>(s.type.lanes) << 16 | static_cast<uint32_t>(s.operands.size()));
  put(s.node == no_node ? none : node_number_[s.node],
      s.buffer == none ? none : buffer_number_[s.buffer]);
  put(s.result, s.tile);
  put(s.mask, s.fill);
  put(s.bits);
  for (ValueId operand : s.operands)
    put(operand);
  put(static_cast<uint32_t>(s.extents.size()), static_cast<uint32_t>(s.index.size()));
  for (int64_t extent : s.extents)
    put(static_cast<uint64_t>(extent));
  for (const Index& index : s.index)
    write(index);
  if (s.kind != StatementKind::For)
    return;
  put(s.loop);
  for (int64_t number : {s.begin, s.end, s.step})
    put(static_cast<uint64_t>(number));
  write(s.body);
}

void Alone::write(const Index& index) {
  put(static_cast<uint32_t>(index.affine.terms.size()), index.dynamic);
  put(static_cast<uint64_t>(index.affine.constant));
  put(static_cast<uint64_t>(index.lane));
  for (const Term& term : index.affine.terms) {
    put(term.loop);
    put(static_cast<uint64_t>(term.factor));
  }
}

Program Alone::program(const Kernel& kernel) const {
  Program program;
  program.stage = of_.stage;
  for (BufferId b : buffers_) {
    const Buffer& known = of_.buffers[b];
    Buffer& buffer = program.buffers.emplace_back();
    buffer.name = marked(of_buffer, program.buffers.size() - 1);
    buffer.type = known.type;
    if (known.same_as != none)
      buffer.same_as = buffer_number_[known.same_as];
  }
  Kernel& alone = program.kernels.emplace_back(kernel);
  alone.name = marked(of_kernel, 0);
  for_each(alone.body, [&](Statement& s) {
    if (s.buffer != none)
      s.buffer = buffer_number_[s.buffer];
    if (s.node != no_node)
      s.node = node_number_[s.node];
  });
  return program;
}

const AloneResult& Alone::result(const Kernel& kernel, std::string_view known_of_it,
                                 const std::function<void(AloneResult&)>& work) {
  auto [at, added] = results_.try_emplace(key_ + std::string(known_of_it));
  if (added) {
    at->second.program = program(kernel);
    work(at->second);
  }
  return at->second;
}

void Alone::write_back(const AloneResult& result, Kernel& kernel) const {
  GDJIT_CHECK(result.program.buffers.size() == buffers_.size() && result.remarks.empty());
  write(result.program.kernels[0], buffers_, kernel);
}

void Alone::write_back(const AloneResult& result, Program& program, Kernel& kernel,
                       std::vector<std::string>& remarks) const {
  const std::vector<Buffer>& made = result.program.buffers;
  std::vector<BufferId> buffers = buffers_;
  for (size_t i = buffers_.size(); i < made.size(); ++i)
    buffers.push_back(static_cast<BufferId>(program.buffers.size() + i - buffers_.size()));
  const auto word = [&](char kind, size_t number) {
    if (kind == of_kernel)
      return kernel.name;
    return kind == of_buffer ? program.buffers[buffers[number]].name
                             : std::to_string(buffers[number]);
  };
  for (size_t i = buffers_.size(); i < made.size(); ++i) {
    GDJIT_CHECK(made[i].same_as == none);
    Buffer buffer = made[i];
    buffer.name = spelled(made[i].name, word);
    program.buffers.push_back(std::move(buffer));
  }
  for (const std::string& remark : result.remarks)
    remarks.push_back(spelled(remark, word));
  write(result.program.kernels[0], buffers, kernel);
}

void Alone::write(const Kernel& alone, const std::vector<BufferId>& buffers, Kernel& kernel) const {
  kernel.body = alone.body;
  kernel.values = alone.values;
  kernel.loops = alone.loops;
  kernel.tiles = alone.tiles;
  kernel.loop_names = alone.loop_names;
  for_each(kernel.body, [&](Statement& s) {
    if (s.buffer != none)
      s.buffer = buffers[s.buffer];
    if (s.node != no_node)
      s.node = nodes_[s.node];
  });
}

} // namespace gdjit::loop
