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

/// False where there is no telling: the system refuses, or a sanitizer keeps what is given back.
inline bool set_back_resident_peak() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return static_cast<bool>(std::ofstream("/proc/self/clear_refs") << 5 << std::flush);
#endif
}

} // namespace gdjit::test
