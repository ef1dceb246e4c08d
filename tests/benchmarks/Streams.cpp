// Sums of vectors, so that the compiler leaves out no read.
#include "Streams.h"

#include <cstddef>
#include <xmmintrin.h>

namespace gdjit::benchmarks {

namespace {

using Vector [[gnu::vector_size(64)]] = float;

/// Keeps the compiler from knowing a value.
template <class T> void hide(T& value) { asm volatile("" : "+m"(value)); }

template <Stores stores> void store(float* at, const Vector& value) {
  if constexpr (stores == Stores::streaming)
    for (int64_t i = 0; i < 16; i += 4)
      _mm_stream_ps(at + i, __m128{value[i], value[i + 1], value[i + 2], value[i + 3]});
  else
    *reinterpret_cast<Vector*>(at) = value;
}

template <size_t reads, size_t writes, size_t first_write, Stores stores>
void move_through(std::span<float* const> arrays, int64_t elements) {
  constexpr int64_t lanes = 16, vectors = writes == 0 ? 8 : 2;
  Vector sums[vectors] = {};
  for (int64_t i = 0; i + lanes * vectors <= elements; i += lanes * vectors)
    for (int64_t v = 0; v < vectors; ++v) {
      Vector sum{};
      for (size_t r = 0; r < reads; ++r)
        sum += *reinterpret_cast<const Vector*>(arrays[r] + i + v * lanes);
      for (size_t w = 0; w < writes; ++w)
        store<stores>(arrays[first_write + w] + i + v * lanes, sum);
      sums[v] += sum;
    }
  hide(sums);
}

template <Stores stores>
void move_by(Streams streams, std::span<float* const> arrays, int64_t elements) {
  if (streams.writes == 0)
    return move_through<1, 0, 0, stores>(arrays, elements);
  if (streams.in_place)
    return move_through<4, 4, 0, stores>(arrays, elements);
  move_through<1, 1, 1, stores>(arrays, elements);
}

} // namespace

void move(Streams streams, Stores stores, std::span<float* const> arrays, int64_t elements) {
  if (stores == Stores::streaming)
    move_by<Stores::streaming>(streams, arrays, elements);
  else
    move_by<Stores::plain>(streams, arrays, elements);
}

} // namespace gdjit::benchmarks
