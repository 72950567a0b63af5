// The store: one LMDB file with the tables of cache/FORMAT.md. It knows bytes and the due index, nothing of verdicts.
//
// Only a file with our format mark is ever written. The file of another program, or of a newer format, is left as it is
// and named in the error.
//
// Thread: Find, ForEach, ForSome, DuesAfter and Usage belong to one thread (the front loop), Write to another (the
// writer); they run at the same time, also from several processes. Open after any fork, and once in a process.
#ifndef VERIFYD_CACHE_STORE_H_
#define VERIFYD_CACHE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/due.h"
#include "cache/lifetime.h"

namespace verifyd {

// The state of the file since it was opened.
enum class StorePresence {
  kThere,
  kGone,  // its name is gone, or belongs to another file: it serves as before, until it is closed
  kCut,   // it was cut: reading a missing part kills the process by SIGBUS, so it must not be used any more
};

struct StoreUsage {
  uint64_t records = 0;
  uint64_t domains = 0;
  uint64_t file_bytes = 0;
  uint64_t used_bytes = 0;  // of its pages that hold something
};

class Store {
 public:
  static constexpr int kFormat = 1;
  // Address space, not disk space: the file is only as large as its content.
  static constexpr size_t kMapSize = sizeof(void*) > 4 ? size_t{64} << 30 : size_t{256} << 20;
  // LMDB takes keys of up to 511 bytes, and the due index needs some in front.
  static constexpr size_t kMaxKey = 511 - Due::kOverhead;

  class Changes;
  class Reading;

  // Opens `path` (and `path`-lock beside it), and makes it if it is missing or empty; `now` is noted as its birth.
  // Where there is not so much address space, the map is smaller. Errors: FailedPrecondition for a file that is not
  // ours, else the system's text; all name the file.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path, absl::Time now,
                                                     size_t map_size = kMapSize);
  // Root calls it before it takes the rights of the folder's owner: older versions left files of root in folders of
  // other users, who can not open them. Files of any other user are left as they are.
  static void GiveToOwnerOfFolder(const std::string& path);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Calls `use` with the value, which is only valid within the call; false if there is none. One short read
  // transaction: about a microsecond.
  absl::StatusOr<bool> Find(StoreTable table, absl::string_view key,
                            absl::FunctionRef<void(absl::string_view value)> use);
  // Returns true if the table certainly holds nothing; the answer is remembered until somebody commits.
  bool Empty(StoreTable table);
  // Visits all of a (small) table, in one read transaction.
  absl::Status ForEach(StoreTable table, absl::FunctionRef<void(absl::string_view key, absl::string_view value)> use);
  // Visits the entries after `after` in the order of their keys (from the first where it is empty), at most `limit`, in
  // one read transaction. True if there are more.
  absl::StatusOr<bool> ForSome(StoreTable table, absl::string_view after, size_t limit,
                               absl::FunctionRef<void(absl::string_view key, absl::string_view value)> use);
  // Returns entries of `kind` in the due index after the encoded entry `after` (from the first where it is empty),
  // earliest first, at most `limit`.
  absl::StatusOr<std::vector<Due>> DuesAfter(DueKind kind, absl::string_view after, size_t limit);
  absl::StatusOr<StoreUsage> Usage();
  // Returns when a cleanup was last completed; nothing if never.
  absl::StatusOr<std::optional<absl::Time>> LastCleanup();

  // Calls `change` within one write transaction and commits its changes, all or nothing. Where the map is full it is
  // grown and `change` called again, so `change` must begin anew each time. Blocks for as long as the disk takes, and
  // while another process writes.
  absl::Status Write(absl::FunctionRef<absl::Status(Changes&)> change);
  // The writer's thread.
  StorePresence Look();
  // Frees the slots of readers that died.
  void CheckReaders();
  uint64_t map_growths() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// While one lives, look-ups share a read transaction: they see one state, and only the first pays for it. Hold it for
// moments only, as it keeps the writer from growing the map.
class Store::Reading {
 public:
  explicit Reading(Store& store);
  ~Reading();
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  // Returns 0, or LMDB's error, which every look-up then reports.
  int code() const;

 private:
  Impl& impl_;
};

// A write transaction under way. Views that it returns are valid until the next change.
class Store::Changes {
 public:
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

  // Nothing if there is none.
  absl::StatusOr<std::optional<absl::string_view>> Find(StoreTable table, absl::string_view key);
  // These keep the due index in step. Deleting a missing entry is fine.
  absl::Status Put(StoreTable table, absl::string_view key, absl::string_view value, const Lifetimes& lifetimes);
  absl::Status Delete(StoreTable table, absl::string_view key, const Lifetimes& lifetimes);

  // Returns entries of `kind` due before `now`, earliest first, at most `limit`.
  absl::StatusOr<std::vector<Due>> DueBefore(DueKind kind, absl::Time now, size_t limit);
  // Returns entries of `kind` after the encoded entry `after` (from the first where it is empty), due before `until`,
  // at most `limit`.
  absl::StatusOr<std::vector<Due>> DuesAfter(DueKind kind, absl::string_view after, absl::Time until, size_t limit);
  absl::Status PutDue(const Due& due);
  absl::Status DeleteDue(const Due& due);

  absl::StatusOr<uint64_t> Entries(StoreTable table);
  // Returns the bytes of pages that hold something; the file also has free pages, which are used again.
  absl::StatusOr<uint64_t> UsedBytes();
  absl::Status SetLastCleanup(absl::Time when);

 private:
  friend class Store;
  struct State;
  explicit Changes(State& state) : state_(state) {}
  State& state_;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_STORE_H_
