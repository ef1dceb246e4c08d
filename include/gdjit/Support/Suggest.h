// "did you mean": the word that a mistyped one was meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

/// Insertions, deletions, substitutions and swaps of neighbours that lead from a to b
/// (Damerau-Levenshtein, optimal string alignment).
int edit_distance(std::string_view a, std::string_view b);

/// The nearest of `known`, the first of equals; "" where none lies within a third of the word's
/// length (at least 1), begins with it or contains it.
std::string nearest(std::string_view word, std::span<const std::string> known);

/// "; did you mean 'x'?", or "" where nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

} // namespace gdjit
