// Slices of rows: with the batch as first axis a batch is a range of memory.
#include "Batches.h"

#include "gdjit/IO/Npy.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::tool {

namespace {

/// Rows in a file beside the text: of the input's type, any number of them.
std::shared_ptr<const Array> load_rows(const InputDecl& input, const std::string& path) {
  auto rows = std::make_shared<Array>(from_npy(read_file(path), path));
  TensorType type = input.type;
  if (input.batch_axis >= 0 && rows->type().shape.rank() == type.shape.rank())
    type.shape[input.batch_axis] = rows->type().shape[input.batch_axis];
  if (rows->type() != type)
    throw Error(ErrorCode::data,
                fmt::format("{} holds {}, the input {} takes {}", path, to_string(rows->type()),
                            input.name, to_string(input.type)));
  return rows;
}

} // namespace

RowSet row_set(const Signature& signature, const std::vector<Rows>& rows,
               const std::string& folder) {
  RowSet set;
  for (const Rows& r : rows) {
    const InputDecl& input = signature.inputs[r.input];
    bool elsewhere = !folder.empty() && !r.file.starts_with('/');
    set[input.name] =
        r.values ? r.values : load_rows(input, elsewhere ? folder + "/" + r.file : r.file);
  }
  return set;
}

Batches::Batches(const Signature& signature, const RowSet& rows)
    : signature_(signature), batch_(signature.batch) {
  std::vector<Note> missing;
  const InputDecl* first = nullptr;
  for (const InputDecl& input : signature.inputs) {
    auto found = rows.find(input.name);
    if (found == rows.end()) {
      missing.push_back({fmt::format("{} : {}", input.name, to_string(input.type)),
                         signature.initial.location(input.origin)});
      continue;
    }
    data_.push_back(found->second);
    if (input.batch_axis < 0)
      continue;
    int64_t n = found->second->type().shape[input.batch_axis];
    if (first && n != rows_)
      throw Error(ErrorCode::data, fmt::format("inputs {} and {} have {} and {} rows", first->name,
                                               input.name, rows_, n));
    if (!first)
      first = &input;
    rows_ = n;
    if (input.batch_axis != 0 && n != batch_)
      throw Error(
          ErrorCode::data,
          fmt::format("input {} has its batch on axis {}; only batches on axis 0 can be cut "
                      "into parts, give no --batch",
                      input.name, input.batch_axis));
  }
  if (size_t count = missing.size(); count > 0)
    throw Error(
        ErrorCode::data,
        fmt::format("model '{}' has no rows for {} of its inputs; give them by m.data({{…}})",
                    signature.name, count),
        {}, std::move(missing));
  if (!first)
    batch_ = 0;
  if (first && rows_ == 0)
    throw Error(ErrorCode::data, fmt::format("model '{}' has data without a row", signature.name));
  if (first && batch_ > rows_)
    throw Error(
        ErrorCode::usage,
        fmt::format("a batch of {} is larger than the data, which has {} rows", batch_, rows_));
  count_ = batch_ == 0 ? 1 : (rows_ + batch_ - 1) / batch_;
}

int64_t Batches::size(int64_t i) const {
  return batch_ == 0 ? signature_.batch : std::min(batch_, rows_ - i * batch_);
}

std::vector<TensorView> Batches::views(int64_t i) const {
  std::vector<TensorView> views;
  for (size_t k = 0; k < data_.size(); ++k) {
    const InputDecl& input = signature_.inputs[k];
    TensorType type = data_[k]->type();
    const char* bytes = static_cast<const char*>(data_[k]->bytes());
    if (batch_ != 0 && input.batch_axis == 0) {
      bytes += type.bytes() / rows_ * (i * batch_);
      type.shape[0] = size(i);
    }
    views.emplace_back(input.name, type, bytes);
  }
  return views;
}

std::vector<Array> Batches::arrays(int64_t i) const {
  std::vector<Array> arrays;
  for (const TensorView& view : views(i))
    arrays.push_back(view.copy());
  return arrays;
}

} // namespace gdjit::tool
