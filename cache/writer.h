// The writer: a thread that commits changes in groups (a commit costs milliseconds, whatever is in it), and runs the
// cleaner in between. A group is everything that comes within a linger of its first change, or a full batch.
//
// A change that can not be committed is tried again a few times, then given up: counted, logged (once a minute), and
// never reported as committed.
//
// Before each group, and once a minute, the writer looks whether the file is still there.
//
// Thread: all functions may be called from any thread; the front loop does.
#ifndef VERIFYD_CACHE_WRITER_H_
#define VERIFYD_CACHE_WRITER_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/cleaner.h"
#include "cache/eviction.h"
#include "cache/lifetime.h"
#include "cache/store.h"

namespace verifyd {

struct Mutation {
  // Ascending; the caller chooses it.
  uint64_t sequence = 0;
  StoreTable table = StoreTable::kRecords;
  std::string key;
  // Nothing: delete.
  std::optional<std::string> value;
};

struct WriterCounts {
  uint64_t commits = 0;
  uint64_t writes = 0;
  uint64_t write_errors = 0;  // mutations given up
  std::string write_error;    // why the last of them was given up
  uint64_t evicted = 0;       // entries removed to keep the store within its bounds
};

class Writer {
 public:
  struct Options {
    absl::Duration linger = absl::Milliseconds(20);
    size_t batch = 2000;
    // The most mutations that may wait.
    size_t queue = 100000;
    int attempts = 3;
    absl::Duration pause = absl::Seconds(1);  // between attempts; none while somebody waits for the end
  };
  // The callbacks run on the writer's thread and must only post. Committed: every mutation from `first` to `last` that
  // Put took.
  using OnCommitted = absl::AnyInvocable<void(uint64_t first, uint64_t last)>;
  using OnCleaned = absl::AnyInvocable<void(uint64_t number)>;
  // Called when the file goes, is cut, or comes back. After kCut nothing is written.
  using OnPresence = absl::AnyInvocable<void(StorePresence presence)>;

  Writer(Store& store, const Clock& clock, absl::string_view map_name, const Lifetimes& lifetimes, const Bounds& bounds,
         const Options& options, OnCommitted on_committed, OnCleaned on_cleaned, OnPresence on_presence);
  // Commits waiting changes; a cleanup under way ends as "partial".
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // False if too many wait already, or the key can not be stored: the mutation is counted as a write error, and lost.
  bool Put(Mutation mutation);
  void Configure(const Lifetimes& lifetimes, const Bounds& bounds);
  // Notes that a question was asked about a record in the store.
  void NoteAsked(absl::string_view key) { asked_.Note(key); }
  // Starts a cleanup, or another one after the one under way. OnCleaned follows its end, however it ended, with the
  // number that is returned. Waiting changes, up to a batch, are committed before.
  uint64_t Clean();
  // Blocks until everything put so far is committed or given up, and no cleanup is under way.
  void Flush();

  WriterCounts counts() const;

 private:
  void Run();
  // Takes the next batch out of the queue once it is time; empty where there is other work, or none.
  std::vector<Mutation> NextBatch(std::unique_lock<std::mutex>& lock);
  void Commit(const std::vector<Mutation>& batch, const Lifetimes& lifetimes, const Bounds& bounds);
  void NoteEvicted(size_t entries);
  // False where the store must not be used.
  bool LookAtStore();
  void RunCleaner(const Lifetimes& lifetimes);
  void GiveUp(size_t mutations, absl::string_view why);

  Store& store_;
  const Clock& clock_;
  const Options options_;
  OnCommitted on_committed_;
  OnCleaned on_cleaned_;
  OnPresence on_presence_;
  const std::string map_name_;
  Cleaner cleaner_;  // writer's thread
  Asked asked_;
  Eviction eviction_{asked_};                       // writer's thread
  MonoTime next_full_line_;                         // likewise
  StorePresence presence_ = StorePresence::kThere;  // likewise

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable idle_;
  std::deque<Mutation> queue_;
  Lifetimes lifetimes_;
  Bounds bounds_;
  bool busy_ = false;  // a batch is being committed
  bool clean_wanted_ = false;
  bool cleaning_ = false;
  uint64_t cleanups_ = 0;  // begun; written by the writer's thread only
  bool stop_ = false;
  int flushing_ = 0;
  MonoTime next_complaint_;
  std::string write_error_;

  std::atomic<uint64_t> commits_{0};
  std::atomic<uint64_t> writes_{0};
  std::atomic<uint64_t> write_errors_{0};
  std::atomic<uint64_t> evicted_{0};
  std::thread thread_;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_WRITER_H_
