// By what the plan says of each part that threads made of a kernel.
#include "SameKernels.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gdjit::tool {

namespace {

/// Of which kernel each part of the plan is.
std::vector<size_t> kernel_of_parts(const std::vector<KernelFacts>& facts, size_t parts) {
  std::vector<size_t> of(parts);
  for (size_t f = 0; f < facts.size(); ++f)
    for (const size_t part : facts[f].parts)
      of[part] = f;
  return of;
}

} // namespace

std::vector<SameKernels> same_kernels(const std::vector<KernelFacts>& facts,
                                      const loop::Program& planned) {
  constexpr size_t most_lines = 4;
  const std::vector<size_t> of = kernel_of_parts(facts, planned.kernels.size());
  std::vector<SameKernels> all(facts.size());
  for (size_t f = 0; f < facts.size(); ++f) {
    const auto first_of = [&](size_t part) {
      const uint32_t same = planned.kernels[part].same_as;
      return same == loop::none ? f : of[same];
    };
    const std::vector<size_t>& parts = facts[f].parts;
    const size_t first = parts.empty() ? f : first_of(parts.front());
    const bool whole = std::ranges::all_of(parts, [&](size_t p) { return first_of(p) == first; });
    all[f].first = whole ? first : f;
    if (all[f].first == f)
      continue;
    SameKernels& group = all[first];
    group.others.push_back(f);
    for (const auto& line : facts[f].lines)
      if (group.lines.size() < most_lines &&
          std::ranges::find(facts[first].lines, line) == facts[first].lines.end() &&
          std::ranges::find(group.lines, line.first) == group.lines.end())
        group.lines.push_back(line.first);
  }
  return all;
}

std::string ranges(const std::vector<KernelFacts>& facts, const std::vector<size_t>& numbers) {
  constexpr size_t most = 4;
  std::vector<std::string> words;
  for (size_t begin = 0, end = 0; begin < numbers.size(); begin = end) {
    const size_t step = begin + 1 < numbers.size() ? numbers[begin + 1] - numbers[begin] : 1;
    end = begin + 1;
    while (end < numbers.size() && numbers[end] - numbers[end - 1] == step)
      ++end;
    const std::string &first = facts[numbers[begin]].name, &last = facts[numbers[end - 1]].name;
    words.push_back(end - begin == 1 ? first
                    : end - begin == 2
                        ? fmt::format("{}, {}", first, last)
                        : fmt::format("{} to {}{}", first, last,
                                      step == 1 ? "" : fmt::format(" in steps of {}", step)));
  }
  return fmt::format("{}{}",
                     fmt::join(words.begin(),
                               words.begin() + static_cast<ptrdiff_t>(std::min(most, words.size())),
                               ", "),
                     words.size() > most ? ", …" : "");
}

} // namespace gdjit::tool
