// Independent chains of vector fma, enough of them to hide their latency; a sum over a large
// buffer.
#include "Limits.h"

#include <algorithm>
#include <ctime>
#include <vector>

namespace gdjit::benchmarks {

namespace {

/// Of this thread: what others do to the machine in the meantime does not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class F> double best_seconds(int times, F&& run) {
  double best = 1e30;
  for (int i = 0; i < times; ++i) {
    double begin = cpu_seconds();
    run();
    best = std::min(best, cpu_seconds() - begin);
  }
  return best;
}

using Vector [[gnu::vector_size(64)]] = float;

/// Keeps the compiler from knowing a value.
template <class T> void hide(T& value) { asm volatile("" : "+m"(value)); }

#ifdef __AVX512F__
constexpr int chains = 16;
#else
constexpr int chains = 4; // each of which is several registers
#endif

} // namespace

double fma_peak_once() {
  constexpr int turns = 800'000 / chains;
  double seconds = best_seconds(1, [] {
    Vector a[chains], m = Vector{} + 0.999f, c = Vector{} + 0.001f;
    for (Vector& v : a) {
      v = Vector{} + 1.0f;
      hide(v); // else they are seen to be equal, and one chain is left
    }
    for (int i = 0; i < turns; ++i)
      for (Vector& v : a)
        v = v * m + c;
    float sum = 0;
    for (Vector& v : a)
      sum += v[0];
    hide(sum);
  });
  return 2.0 * 16 * turns * chains / seconds;
}

double fma_peak() {
  double best = 0;
  for (int i = 0; i < 200; ++i)
    best = std::max(best, fma_peak_once());
  return best;
}

double read_bandwidth() {
  std::vector<double> data(size_t{1} << 25, 1.0); // 256 MiB
  double seconds = best_seconds(5, [&] {
    double sums[8] = {};
    for (size_t i = 0; i < data.size(); i += 8)
      for (size_t j = 0; j < 8; ++j)
        sums[j] += data[i + j];
    hide(sums[0]);
  });
  return static_cast<double>(data.size() * sizeof(double)) / seconds;
}

namespace {

template <int reads, int writes, int first_write>
void move_through(std::span<float* const> arrays, int64_t elements) {
  constexpr int64_t lanes = 16, vectors = writes == 0 ? 8 : 2;
  Vector sums[vectors] = {};
  for (int64_t i = 0; i + lanes * vectors <= elements; i += lanes * vectors)
    for (int64_t v = 0; v < vectors; ++v) {
      Vector sum{};
      for (int r = 0; r < reads; ++r)
        sum += *reinterpret_cast<const Vector*>(arrays[static_cast<size_t>(r)] + i + v * lanes);
      for (int w = 0; w < writes; ++w)
        *reinterpret_cast<Vector*>(arrays[static_cast<size_t>(first_write + w)] + i + v * lanes) =
            sum;
      sums[v] += sum;
    }
  hide(sums);
}

} // namespace

void move(Streams streams, std::span<float* const> arrays, int64_t elements) {
  if (streams.writes == 0)
    return move_through<1, 0, 0>(arrays, elements);
  if (streams.in_place)
    return move_through<4, 4, 0>(arrays, elements);
  move_through<1, 1, 1>(arrays, elements);
}

} // namespace gdjit::benchmarks
