// A kernel's own program, and the way back.
#include "gdjit/Loop/Alone.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Support/Error.h"

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
  for (size_t at = 0;;) {
    const size_t next = std::min(text.find(mark, at), text.size());
    out.append(text, at, next - at);
    if (next == text.size())
      return out;
    const size_t behind = text.find(end, next);
    size_t number = 0;
    std::from_chars(text.data() + next + 2, text.data() + behind, number);
    out += word(text[next + 1], number);
    at = behind + 1;
  }
}

} // namespace

std::string own_name(const Program& program, std::string_view of, std::string_view word) {
  std::string name(of);
  name += word;
  return name + marked(numbered, program.buffers.size());
}

Alone::Alone(const Program& of, const Kernel& kernel) {
  GDJIT_CHECK(kernel.same_as == none);
  program_.stage = of.stage;
  for_each(kernel.body, [&](const Statement& s) {
    for (BufferId b = s.buffer; b != none; b = of.buffers[b].same_as)
      if (number_.try_emplace(b, static_cast<BufferId>(buffers_.size())).second)
        buffers_.push_back(b);
  });
  for (BufferId b : buffers_) {
    const Buffer& known = of.buffers[b];
    Buffer& buffer = program_.buffers.emplace_back();
    buffer.name = marked(of_buffer, program_.buffers.size() - 1);
    buffer.type = known.type;
    if (known.same_as != none)
      buffer.same_as = number_.at(known.same_as);
  }
  Kernel& alone = program_.kernels.emplace_back(kernel);
  alone.name = marked(of_kernel, 0);
  for_each(alone.body, [&](Statement& s) {
    if (s.buffer != none)
      s.buffer = number_.at(s.buffer);
  });
}

std::set<BufferId> Alone::numbers(const std::set<BufferId>& buffers) const {
  std::set<BufferId> own;
  for (BufferId b : buffers)
    if (const auto at = number_.find(b); at != number_.end())
      own.insert(at->second);
  return own;
}

void Alone::write_back(Program& of, Kernel& kernel, std::vector<std::string>& remarks) const {
  std::vector<BufferId> buffers;
  for (BufferId b : buffers_)
    buffers.push_back(KernelView(of, kernel).buffer(b));
  const size_t known = buffers.size();
  for (size_t i = known; i < program_.buffers.size(); ++i)
    buffers.push_back(static_cast<BufferId>(of.buffers.size() + i - known));
  const auto word = [&](char kind, size_t number) {
    if (kind == of_kernel)
      return kernel.name;
    return kind == of_buffer ? of.buffers[buffers[number]].name : std::to_string(buffers[number]);
  };
  for (size_t i = known; i < buffers.size(); ++i) {
    GDJIT_CHECK(program_.buffers[i].same_as == none);
    Buffer buffer = program_.buffers[i];
    buffer.name = spelled(buffer.name, word);
    of.buffers.push_back(std::move(buffer));
    if (!kernel.buffers.empty()) // it is listed where kernels are the same
      kernel.buffers.push_back(buffers[i]);
  }
  if (kernel.same_as != none)
    return;
  for (const std::string& remark : remarks_)
    remarks.push_back(spelled(remark, word));
  const Kernel& alone = program_.kernels[0];
  kernel.body = alone.body;
  kernel.values = alone.values;
  kernel.loops = alone.loops;
  kernel.tiles = alone.tiles;
  kernel.loop_names = alone.loop_names;
  for_each(kernel.body, [&](Statement& s) {
    if (s.buffer != none)
      s.buffer = buffers[s.buffer];
  });
}

} // namespace gdjit::loop
