// compile_source: a model's C++ source becomes a shared object, by the system's compiler, once.
//
// The object is kept in the user's cache directory under a key of the source, every header it
// includes, the compiler, its flags, and this library; a change of any of them compiles again. What
// the compiler looked for and did not find (__has_include, a header that would now be found in an
// earlier folder) is not noticed, as with other caches of compilers. $CXX names the compiler, else
// c++.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace gdjit {

struct CompiledSource {
  std::string path; ///< of the shared object
  /// Null for an object in the cache. Otherwise (no cache directory can be written, or a source
  /// changed meanwhile) the folder that holds it, gone with the last owner: load it before.
  std::shared_ptr<const void> folder;
};

/// Messages of the compiler go to standard error as they are. Throws Error: data where the source
/// cannot be read, compile where there is no compiler or it fails, interrupted. Nothing
/// half-written stays behind; an object that was cut off or damaged in the cache is made again.
CompiledSource compile_source(const std::string& source);

/// The files that a Makefile rule, as compilers write with -MD, depends on.
std::vector<std::string> parse_dependencies(const std::string& rule);

} // namespace gdjit
