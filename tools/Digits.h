// Folders of handwritten digits as they are distributed: images and labels, for training and for
// testing, in IDX files.
#pragma once

#include "Rows.h"

namespace gdjit::tool {

/// Rows from train-images-idx3-ubyte and train-labels-idx1-ubyte, with .gz or without; with those
/// of t10k-… as the rows for testing or, where there are no others, as all rows. Images go to the
/// float input, labels to the integer one. Error(data) for a folder without such files or with one
/// of two that belong together, Error(usage) for a model without such inputs.
FoundRows read_digits(const std::string& folder, std::span<const InputDecl> inputs);

} // namespace gdjit::tool
