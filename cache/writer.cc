#include "cache/writer.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "cache/record.h"

namespace verifyd {
namespace {

constexpr std::chrono::minutes kLookInterval{1};

Eviction::Group GroupOf(const std::vector<Mutation>& batch) {
  Eviction::Group group;
  for (const Mutation& mutation : batch) {
    if (mutation.table != StoreTable::kRecords || !mutation.value.has_value()) continue;
    group.keys.emplace_back(mutation.key);
    const absl::StatusOr<Record> record = DecodeRecord(*mutation.value);
    if (record.ok() && record->last_positive != absl::InfinitePast()) ++group.positives;
  }
  return group;
}

}  // namespace

Writer::Writer(Store& store, const Clock& clock, absl::string_view map_name, const Lifetimes& lifetimes,
               const Bounds& bounds, const Options& options, OnCommitted on_committed, OnCleaned on_cleaned,
               OnPresence on_presence)
    : store_(store),
      clock_(clock),
      options_(options),
      on_committed_(std::move(on_committed)),
      on_cleaned_(std::move(on_cleaned)),
      on_presence_(std::move(on_presence)),
      map_name_(map_name),
      cleaner_(store, map_name),
      lifetimes_(lifetimes),
      bounds_(bounds),
      thread_([this] { Run(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  thread_.join();
}

bool Writer::Put(Mutation mutation) {
  // Refused here, so that it does not spoil a batch.
  if (mutation.key.empty() || mutation.key.size() > Store::kMaxKey) {
    GiveUp(1, absl::StrCat("a key of ", mutation.key.size(), " bytes can not be stored"));
    return false;
  }
  size_t waiting = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting = queue_.size();
    if (waiting < options_.queue) queue_.push_back(std::move(mutation));
  }
  if (waiting >= options_.queue) {
    GiveUp(1, absl::StrCat(waiting, " wait to be written already"));
    return false;
  }
  // The writer sleeps only while nothing waits, or lingers until a batch is full.
  if (waiting == 0 || waiting + 1 == options_.batch) work_.notify_one();
  return true;
}

void Writer::Configure(const Lifetimes& lifetimes, const Bounds& bounds) {
  const std::lock_guard<std::mutex> lock(mutex_);
  lifetimes_ = lifetimes;
  bounds_ = bounds;
}

uint64_t Writer::Clean() {
  uint64_t number = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    clean_wanted_ = true;
    number = cleanups_ + 1;
  }
  work_.notify_one();
  return number;
}

void Writer::Flush() {
  std::unique_lock<std::mutex> lock(mutex_);
  ++flushing_;
  work_.notify_one();
  idle_.wait(lock, [this] { return queue_.empty() && !busy_ && !clean_wanted_ && !cleaning_; });
  --flushing_;
}

WriterCounts Writer::counts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {.commits = commits_,
          .writes = writes_,
          .write_errors = write_errors_,
          .write_error = write_error_,
          .evicted = evicted_};
}

std::vector<Mutation> Writer::NextBatch(std::unique_lock<std::mutex>& lock) {
  const auto other_work = [this] { return stop_ || clean_wanted_ || cleaning_; };
  work_.wait_for(lock, kLookInterval, [&] { return other_work() || !queue_.empty(); });
  if (queue_.empty() && !other_work()) return {};
  work_.wait_for(lock, absl::ToChronoNanoseconds(options_.linger),
                 [&] { return other_work() || flushing_ > 0 || queue_.size() >= options_.batch; });
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), options_.batch));
  std::vector<Mutation> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  return batch;
}

void Writer::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    const std::vector<Mutation> batch = NextBatch(lock);
    if (batch.empty() && stop_) break;
    const Lifetimes lifetimes = lifetimes_;
    const Bounds bounds = bounds_;
    const bool begin = clean_wanted_ && !cleaning_ && !stop_;
    if (begin) {
      clean_wanted_ = false;
      cleaning_ = true;
      ++cleanups_;
    }
    const bool clean = cleaning_ && !stop_;
    busy_ = true;
    lock.unlock();
    if (!LookAtStore()) {
      if (!batch.empty()) GiveUp(batch.size(), "the file was cut");
      cleaner_.Abandon();
      if (clean) on_cleaned_(cleanups_);
    } else {
      if (!batch.empty()) Commit(batch, lifetimes, bounds);
      if (begin) cleaner_.Begin(clock_.Now());
      if (clean) RunCleaner(lifetimes);
    }
    lock.lock();
    busy_ = false;
    cleaning_ = cleaner_.running();
    idle_.notify_all();
  }
  lock.unlock();
  cleaner_.Abandon();
}

bool Writer::LookAtStore() {
  if (presence_ == StorePresence::kCut) return false;
  if (const StorePresence found = store_.Look(); found != presence_) {
    presence_ = found;
    on_presence_(found);
  }
  return presence_ != StorePresence::kCut;
}

void Writer::Commit(const std::vector<Mutation>& batch, const Lifetimes& lifetimes, const Bounds& bounds) {
  const Eviction::Group group = GroupOf(batch);
  size_t evicted = 0;
  absl::Status status;
  for (int attempt = 0; attempt < options_.attempts; ++attempt) {
    if (attempt > 0) {
      std::unique_lock<std::mutex> lock(mutex_);
      work_.wait_for(lock, absl::ToChronoNanoseconds(options_.pause), [this] { return stop_ || flushing_ > 0; });
    }
    status = store_.Write([&](Store::Changes& changes) -> absl::Status {
      for (const Mutation& mutation : batch) {
        if (mutation.value.has_value()) {
          RETURN_IF_ERROR(changes.Put(mutation.table, mutation.key, *mutation.value, lifetimes));
        } else {
          RETURN_IF_ERROR(changes.Delete(mutation.table, mutation.key, lifetimes));
        }
      }
      ASSIGN_OR_RETURN(evicted, eviction_.Run(changes, bounds, group, lifetimes, clock_.Now()));
      return absl::OkStatus();
    });
    if (!status.ok()) continue;
    if (evicted > 0) NoteEvicted(evicted);
    ++commits_;
    writes_ += batch.size();
    on_committed_(batch.front().sequence, batch.back().sequence);
    return;
  }
  GiveUp(batch.size(), status.message());
}

void Writer::NoteEvicted(size_t entries) {
  evicted_ += entries;
  const MonoTime now = clock_.Mono();
  if (now < next_full_line_) return;
  next_full_line_ = now + absl::Hours(1);
  LogWarning(absl::StrCat("cache ", map_name_,
                          " is full: what is needed least is forgotten before it expires; see "
                          "address_verify_cache_max_entries and address_verify_cache_max_size"));
}

void Writer::RunCleaner(const Lifetimes& lifetimes) {
  // The cleaner logs an error, and ends the run.
  cleaner_.RunSlice(lifetimes).IgnoreError();
  if (!cleaner_.running()) on_cleaned_(cleanups_);
}

void Writer::GiveUp(size_t mutations, absl::string_view why) {
  write_errors_ += mutations;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    write_error_ = std::string(why);
    const MonoTime now = clock_.Mono();
    if (now < next_complaint_) return;
    next_complaint_ = now + absl::Minutes(1);
  }
  LogError(absl::StrCat("cache: ", mutations, " changes not written, they live in memory only (", write_errors_.load(),
                        " so far): ", why));
}

}  // namespace verifyd
