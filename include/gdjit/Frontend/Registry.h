// Registry: how a compiled file says which models it holds, without a static constructor.
//
// GDJIT_MODEL puts a pointer to a row into the section `gdjit_models` (pointers, since an array of
// rows breaks on padding with g++ 12 and on --gc-sections with lld). Each binary exports one
// accessor, `gdjit_model_rows`, which the tool finds after dlopen. It returns the version tag; rows
// are looked at only where it equals the tool's own.
#pragma once

#include "gdjit/Frontend/Model.h"
#include "gdjit/Support/Version.h"

namespace gdjit {

/// One model of a file.
struct ModelRow {
  const char* name;
  const char* summary;
  const char* file;
  unsigned line;
  void (*function)(Model&);
};

/// Equal in two binaries whose headers agree.
#define GDJIT_ABI_TAG "gdjit " GDJIT_VERSION " abi 1"

/// The accessor's type and name.
using ModelRowsFunction = const char* (*)(const ModelRow* const** begin,
                                          const ModelRow* const** end);
inline constexpr const char* model_rows_symbol = "gdjit_model_rows";

/// The models of a loaded binary by its accessor, sorted by file and line. Error(graph) naming both
/// tags where the binary was built against another version.
std::vector<const ModelRow*> registered_models(ModelRowsFunction accessor,
                                               const std::string& binary);

} // namespace gdjit

extern "C" {
// Made by the linker at both ends of the section; absent, so null, where a binary has no model.
extern const gdjit::ModelRow* const __start_gdjit_models[]
    __attribute__((weak, visibility("hidden")));
extern const gdjit::ModelRow* const __stop_gdjit_models[]
    __attribute__((weak, visibility("hidden")));

__attribute__((visibility("default"), used)) inline const char*
gdjit_model_rows(const gdjit::ModelRow* const** begin, const gdjit::ModelRow* const** end) {
  *begin = __start_gdjit_models;
  *end = __stop_gdjit_models;
  return GDJIT_ABI_TAG;
}
}

/// Registers `void function(Model&)`, at namespace scope: GDJIT_MODEL(line, "a line through three
/// points");
#define GDJIT_MODEL(function, summary)                                                             \
  static const ::gdjit::ModelRow gdjit_row_##function = {#function, summary, __FILE__, __LINE__,   \
                                                         &function};                               \
  __attribute__((                                                                                  \
      used, retain,                                                                                \
      section("gdjit_models"))) static const ::gdjit::ModelRow* gdjit_row_pointer_##function =     \
      &gdjit_row_##function;                                                                       \
  static_assert(true, "")
