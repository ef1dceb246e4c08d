// The place of the running library, by dladdr.
#include "gdjit/Driver/Installation.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>

namespace gdjit {

namespace fs = std::filesystem;

Installation find_installation() {
  Installation found;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&find_installation), &info) == 0 || !info.dli_fname)
    return found;
  std::error_code ignored;
  fs::path library = fs::canonical(info.dli_fname, ignored);
  found.libgdjit = library.string();
  fs::path folder = library.parent_path();
  // The second place is that of multiarch systems, <prefix>/lib/<triple>/.
  for (const fs::path& prefix : {folder.parent_path(), folder.parent_path().parent_path()})
    if (found.include.empty() && fs::exists(prefix / "include/gdjit/gdjit.h", ignored))
      found.include = (prefix / "include").string();
  if (fs::is_directory(folder / "gdjit/examples", ignored))
    found.examples = (folder / "gdjit/examples").string();
  return found;
}

std::string cache_directory() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && xdg[0] == '/')
    return std::string(xdg) + "/gdjit";
  if (const char* home = std::getenv("HOME"); home && home[0] == '/')
    return std::string(home) + "/.cache/gdjit";
  return "";
}

} // namespace gdjit
