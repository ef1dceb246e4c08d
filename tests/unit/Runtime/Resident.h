// How much memory this process holds, by the system's account.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace gdjit::test {

/// Megabytes held now ("VmRSS:"), or at most since the peak was set back ("VmHWM:").
inline int64_t resident_megabytes(const char* row) {
  std::ifstream file("/proc/self/status");
  std::string word;
  int64_t kilobytes = -1;
  while (file >> word)
    if (word == row)
      file >> kilobytes;
  return kilobytes / 1024;
}

#ifdef __has_feature
#define GDJIT_TEST_HAS(feature) __has_feature(feature) // clang's word for the macros below
#else
#define GDJIT_TEST_HAS(feature) 0
#endif

/// False where there is no telling: the system refuses, or a sanitizer keeps what is given back.
inline bool set_back_resident_peak() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    GDJIT_TEST_HAS(address_sanitizer) || GDJIT_TEST_HAS(thread_sanitizer)
  return false;
#else
  return static_cast<bool>(std::ofstream("/proc/self/clear_refs") << 5 << std::flush);
#endif
}

} // namespace gdjit::test
