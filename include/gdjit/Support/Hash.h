// Hashing that is the same on every machine and in every run: names of streams, structural hashes,
// cache keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gdjit {

/// Finalizer of splitmix64 (Steele, Lea, Flood 2014): every input bit moves every output bit.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Order-dependent combination of two hashes.
constexpr uint64_t combine(uint64_t seed, uint64_t value) {
  return mix64(seed ^ (value + 0x9e3779b97f4a7c15u + (seed << 6) + (seed >> 2)));
}

/// FNV-1a over the bytes, then mix64.
constexpr uint64_t hash_bytes(std::string_view bytes) {
  uint64_t h = 0xcbf29ce484222325u;
  for (char c : bytes)
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return mix64(h);
}

} // namespace gdjit
