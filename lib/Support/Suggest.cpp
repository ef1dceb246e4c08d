// Edit distance by three rows of the usual table.
#include "gdjit/Support/Suggest.h"

#include <algorithm>

namespace gdjit {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      int change = a[i - 1] != b[j - 1];
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> known) {
  constexpr size_t longest = 64; // of words that are compared: the table is quadratic
  if (word.empty() || word.size() > longest)
    return "";
  int limit = std::max<int>(1, static_cast<int>(word.size()) / 3);
  const std::string* best = nullptr;
  for (const std::string& candidate : known) {
    if (candidate.size() > longest)
      continue;
    int distance = edit_distance(word, candidate);
    if (distance <= limit && (!best || distance < edit_distance(word, *best)))
      best = &candidate;
  }
  if (!best && word.size() >= 3)
    for (const std::string& candidate : known)
      if (!best && candidate.find(word) != std::string::npos)
        best = &candidate;
  return best ? *best : "";
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  std::string near = nearest(word, known);
  return near.empty() ? "" : "; did you mean '" + near + "'?";
}

} // namespace gdjit
