// Batches: views of contiguous rows, or rows gathered into one of two buffers, the second of which
// a thread may fill while the first is used.
#include "gdjit/Data/Loader.h"

#include "Gather.h"
#include "gdjit/Data/Permutation.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <system_error>
#include <thread>

namespace gdjit {

namespace {

/// A thread that runs one task at a time.
class Worker {
public:
  template <class F> explicit Worker(F task)
      : thread_([this, task] {
          std::unique_lock<std::mutex> lock(mutex_);
          for (;;) {
            changed_.wait(lock, [this] { return wanted_ || stop_; });
            if (stop_)
              return;
            lock.unlock();
            task();
            lock.lock();
            wanted_ = false;
            changed_.notify_all();
          }
        }) {}
  ~Worker() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void start() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      wanted_ = true;
    }
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !wanted_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false, stop_ = false;
  std::thread thread_; // last: it uses the others
};

/// Gathered rows of one batch, an array per input.
struct Buffer {
  std::vector<Array> arrays;
  int64_t epoch = -1, index = -1;
};

} // namespace

struct Loader::Impl {
  Dataset data;
  LoaderOptions options;
  int64_t size = 0;  ///< rows of a batch
  int64_t count = 0; ///< batches of an epoch
  int64_t epoch = 0, next = 0;
  Batch batch;
  RowPass pass;
  std::vector<int64_t> order; ///< of epoch ordered
  int64_t ordered = -1;
  Buffer buffers[2];
  int current = 0;
  Buffer* target = nullptr;       ///< what the worker fills
  std::unique_ptr<Worker> worker; // last: it uses the others

  int64_t rows_of(int64_t index) const { return std::min(size, data.rows() - index * size); }
  LoaderPosition standing() const {
    return {epoch, next, data.rows(), size, options.shuffle_seed, options.drop_last};
  }

  void fill(Buffer& buffer) {
    std::span<const int64_t> rows(order.data() + buffer.index * size,
                                  static_cast<size_t>(rows_of(buffer.index)));
    for (size_t i = 0; i < data.inputs().size(); ++i)
      if (data.inputs()[i].batch_axis == 0)
        gather(data.inputs()[i], rows, buffer.arrays[i].bytes());
  }

  void order_epoch() {
    if (ordered == epoch)
      return;
    order.resize(static_cast<size_t>(data.rows()));
    permute(order, options.shuffle_seed.value, epoch);
    ordered = epoch;
  }

  /// The batch at the position, which moves behind it.
  void load() {
    int64_t index = next;
    batch.index_ = index;
    batch.epoch_ = epoch;
    batch.rows_ = rows_of(index);
    if (!options.shuffle_seed.given)
      point_at_rows(index);
    else
      point_at_buffer(index);
    go_on(1);
  }

  void go_on(int64_t batches) {
    next += batches;
    if (next == count) {
      next = 0;
      ++epoch;
    }
  }

  void point_at_rows(int64_t index) {
    for (size_t i = 0; i < batch.views_.size(); ++i) {
      const InputRows& input = data.inputs()[i];
      if (input.batch_axis != 0)
        continue;
      batch.views_[i].type.shape[0] = batch.rows_;
      batch.views_[i].data =
          static_cast<const char*>(input.array.data) + index * size * row_bytes(input);
    }
  }

  void point_at_buffer(int64_t index) {
    if (worker)
      worker->wait();
    current = 1 - current;
    Buffer& buffer = buffers[current];
    if (buffer.epoch != epoch || buffer.index != index) {
      order_epoch();
      buffer.epoch = epoch;
      buffer.index = index;
      fill(buffer);
    }
    for (size_t i = 0; i < batch.views_.size(); ++i) {
      if (data.inputs()[i].batch_axis != 0)
        continue;
      batch.views_[i].type.shape[0] = batch.rows_;
      batch.views_[i].data = buffer.arrays[i].bytes();
    }
    if (worker && index + 1 < count) {
      target = &buffers[1 - current];
      target->epoch = epoch;
      target->index = index + 1;
      worker->start();
    }
  }

  void prepare_buffers() {
    int64_t bytes = 0;
    for (Buffer& buffer : buffers)
      for (const InputRows& input : data.inputs()) {
        TensorType type = input.array.type;
        if (input.batch_axis == 0) {
          type.shape[0] = size;
          bytes += type.bytes();
          buffer.arrays.emplace_back(type);
        } else {
          buffer.arrays.emplace_back();
        }
      }
    bool pays = bytes / 2 >= prefetch_bytes && count > 1 && std::thread::hardware_concurrency() > 1;
    if (options.prefetch == Prefetch::always || (options.prefetch == Prefetch::automatic && pays))
      try {
        worker = std::make_unique<Worker>([this] { fill(*target); });
      } catch (const std::system_error&) {
        worker = nullptr; // no thread to be had: batches are gathered when asked for
      }
  }
};

Loader::Loader(Dataset rows, const LoaderOptions& options) : impl_(std::make_unique<Impl>()) {
  Impl& i = *impl_;
  i.data = std::move(rows);
  i.options = options;
  int64_t all = i.data.rows();
  if (options.batch < 0)
    throw Error(ErrorCode::usage,
                fmt::format("a batch of {} rows; give 1 at least", options.batch.value));
  if (options.batch > all)
    throw Error(ErrorCode::usage,
                fmt::format("a batch of {} is larger than the data, which has {} rows",
                            options.batch.value, all));
  i.size = options.batch == 0 ? all : options.batch.value;
  i.count = options.drop_last ? all / i.size : (all + i.size - 1) / i.size;
  if (i.size < all || options.shuffle_seed.given)
    i.data = i.data.slice(0, all); // refuses batches on another axis
  i.batch.views_ = i.data.views();
  i.pass.first = i.data.views();
  for (size_t k = 0; k < i.pass.first.size(); ++k) {
    const bool in_batches = i.data.inputs()[k].batch_axis == 0;
    i.pass.rows.push_back(in_batches ? all : 0);
    if (in_batches)
      i.pass.first[k].type.shape[0] = i.size;
  }
  if (options.shuffle_seed.given)
    i.prepare_buffers();
}

Loader::Loader(Loader&&) noexcept = default;
Loader& Loader::operator=(Loader&&) noexcept = default;
Loader::~Loader() = default;

int64_t Loader::rows() const { return impl_->data.rows(); }
int64_t Loader::batches() const { return impl_->count; }
bool Loader::prefetches() const { return impl_->worker != nullptr; }
LoaderPosition Loader::position() const { return impl_->standing(); }

void Loader::seek(const LoaderPosition& position) {
  LoaderPosition own = impl_->standing();
  std::vector<Note> notes;
  auto compare = [&](const char* what, const auto& theirs, const auto& ours) {
    if (theirs != ours)
      notes.push_back({fmt::format("{}: {} there, {} here", what, theirs, ours), {}});
  };
  auto seed = [](ShuffleSeed s) { return s.given ? fmt::format("{}", s.value) : "none"; };
  compare("rows", position.rows, own.rows);
  compare("batch size", position.batch_size, own.batch_size);
  compare("shuffle seed", seed(position.shuffle_seed), seed(own.shuffle_seed));
  compare("drop last", position.drop_last, own.drop_last);
  if (notes.empty() && (position.epoch < 0 || position.batch < 0 || position.batch >= batches()))
    notes.push_back(
        {fmt::format("epoch {}, batch {} of {}", position.epoch, position.batch, batches()), {}});
  if (!notes.empty())
    throw Error(ErrorCode::data, "the position is one in other data or batches", {},
                std::move(notes));
  impl_->epoch = position.epoch;
  impl_->next = position.batch;
}

RowPass& Loader::pass() {
  Impl& i = *impl_;
  RowPass& pass = i.pass;
  const int64_t begin = i.next * i.size;
  pass.batches = i.worker ? 0 : std::min(i.count, i.data.rows() / i.size) - i.next;
  if (i.options.shuffle_seed.given) {
    if (pass.batches > 0) {
      i.order_epoch();
      pass.order = i.order.data() + begin;
    }
    return pass;
  }
  for (size_t k = 0; k < pass.first.size(); ++k) {
    const InputRows& input = i.data.inputs()[k];
    if (input.batch_axis != 0)
      continue;
    pass.first[k].data = static_cast<const char*>(input.array.data) + begin * row_bytes(input);
    pass.rows[k] = i.data.rows() - begin;
  }
  return pass;
}

bool Loader::skip(int64_t batches) {
  Impl& i = *impl_;
  if (batches < 0 || batches > i.count - i.next)
    throw Error(ErrorCode::usage, fmt::format("{} batches are skipped in an epoch that has {} left",
                                              batches, i.count - i.next));
  i.go_on(batches);
  if (batches == 0 || i.next > 0)
    return true;
  i.data.require_unchanged();
  return false;
}

Loader::Iterator Loader::begin() {
  impl_->load();
  return Iterator(this);
}

const Batch& Loader::Iterator::operator*() const { return loader_->impl_->batch; }

Loader::Iterator& Loader::Iterator::operator++() {
  Impl& i = *loader_->impl_;
  if (i.batch.index_ + 1 == i.count) {
    i.data.require_unchanged();
    loader_ = nullptr;
  } else {
    i.load();
  }
  return *this;
}

} // namespace gdjit
