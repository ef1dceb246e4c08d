// Draws one of some values, by a seed.
#pragma once

#include <initializer_list>
#include <random>

namespace gdjit::testing {

class Draw {
public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  template <class T> T operator()(std::initializer_list<T> values) {
    return values.begin()[random_() % values.size()];
  }

private:
  std::mt19937_64 random_;
};

} // namespace gdjit::testing
