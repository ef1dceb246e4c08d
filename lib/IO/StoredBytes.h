// The bytes of an array as files hold them: little-endian, as in memory, with every NaN the same.
#pragma once

#include "gdjit/Runtime/TensorView.h"

#include <string>
#include <string_view>

namespace gdjit {

/// A view of the array's own bytes or, where it holds NaNs of other bits, of `scratch`.
std::string_view stored_bytes(const TensorView& array, std::string& scratch);

} // namespace gdjit
