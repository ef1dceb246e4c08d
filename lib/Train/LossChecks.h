// What every loss asks of its operands, and the reduction of its elements. Private to Train.
#pragma once

#include "gdjit/Train/Losses.h"

namespace gdjit {

[[noreturn]] void fail_loss(std::string message, const Tensor& prediction, const Tensor& target,
                            std::string remedy, Place at);
/// Equal shapes and one float type: losses never broadcast.
void check_equal_types(const std::string& loss, const Tensor& prediction, const Tensor& target,
                       Place at);
/// An option's number above 0.
void check_positive(const std::string& loss, const char* option, double value, Place at);
Tensor reduce_loss(const Tensor& elements, Reduction reduction, Place at);

} // namespace gdjit
