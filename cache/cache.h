// The cache: what we know. The facade of this room: the verifier knows nothing else of it. Reads come from LMDB, and
// first from what was written but not yet committed, so a probe's answer is there for the next question at once; writes
// are handed to the writer thread, which commits in groups. When the store can not be used, the cache goes on in memory
// only, bounded: it never stops mail.
//
// A key is an address's (Address::Key), or its pseudonym's: what walks over the records of a cache with pseudonyms is
// told those, and may use them as keys.
//
// Thread: the front loop only, unless a function says otherwise.
#ifndef VERIFYD_CACHE_CACHE_H_
#define VERIFYD_CACHE_CACHE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "cache/bounds.h"
#include "cache/lifetime.h"
#include "cache/record.h"
#include "mail/destination_state.h"
#include "mail/domain_fact.h"
#include "mail/pseudonym.h"

namespace verifyd {

struct CacheSettings {
  // The file of the store without its ending, as in address_verify_map: "/var/lib/verifyd/verify_cache" is the file
  // verify_cache.mdb there. Its folder is made if missing (mode 0700). Empty: memory only.
  std::string path;
  // How the map is called in the log line of the cleaner: "lmdb:/var/lib/verifyd/verify_cache".
  std::string map_name;
  absl::Duration cleanup_interval = absl::Hours(12);  // address_verify_cache_cleanup_interval; 0: never
  Lifetimes lifetimes;
  Bounds bounds;  // of the store
  // address_verify_cache_privacy = hashed: records and pins are kept under pseudonyms, and texts without local parts.
  // Null: in clear. Read once.
  std::shared_ptr<const Pseudonyms> pseudonyms;
  // Entries at most that live in memory only, because there is no store or it can not be written.
  size_t memory_entries = 100000;
  // Command that checks the store after an end that was not clean, see CheckInOtherProcess; empty: nothing is checked,
  // and what the last end was like is left for who checks.
  std::vector<std::string> checker;
};

struct CacheCounts {
  bool persistent = false;  // there is a store, and its file is where it was
  uint64_t records = 0;     // in the store; without one, in memory
  uint64_t domains = 0;
  uint64_t file_bytes = 0;
  uint64_t commits = 0;
  uint64_t writes = 0;
  uint64_t write_errors = 0;
  // Why changes could not be written that live in memory only; empty: there are none such.
  std::string write_error;
  uint64_t damaged = 0;      // look-ups that met a value that can not be read
  uint64_t uncommitted = 0;  // entries in memory only, for now or for good
  uint64_t map_growths = 0;  // how often the map was full
  uint64_t used_bytes = 0;   // of the file's pages that hold something
  uint64_t evicted = 0;      // entries that went before they expired, to keep the store within its bounds
};

class Cache {
 public:
  // Opens the store and starts the writer thread. Its pages are checked first (page_check.h), after an end that was not
  // clean all of it (store_check.h), and a file that is damaged is set aside (PATH.mdb.damaged-SECONDS) and begun anew.
  // When the store can not be opened this is logged as an error that names the file and the reason, and the cache is
  // memory only. Must come after any fork.
  static std::unique_ptr<Cache> Open(Loop& front, const CacheSettings& settings);
  // Commits what is queued, then closes. The loop must still be there, but need not run.
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // New lifetimes, bounds and cleanup interval after a reload; the path can not change.
  void Configure(const CacheSettings& settings);

  // Look-ups that `look_up` makes see one state of the store, and cost one transaction.
  void Together(absl::FunctionRef<void()> look_up);

  // A damaged value is logged once, counted, and as if not there. What was found may have expired: see lifetime.h.
  std::optional<Record> FindRecord(absl::string_view key);
  void PutRecord(absl::string_view key, const Record& record);
  // That the record answered a question: it is kept rather than one that never did.
  void NoteAsked(absl::string_view key);
  // True if there was one.
  bool DeleteRecord(absl::string_view key);

  // Which spellings of an address (spelling.h) have records, in order. For the operator's verbs: it costs some dozens
  // of look-ups. `complete` is false where there may be others: there are more than are looked for, or, with
  // pseudonyms, always, as these say nothing of each other; there only `key` and the one in small letters are looked
  // for.
  struct Spellings {
    std::vector<std::string> keys;
    bool complete = true;
  };
  Spellings SpellingsOf(absl::string_view key);

  // The records behind `after` in the order of their keys, from the first where it is empty: so many that a walk of
  // all, a page at a time, keeps nobody waiting. Damaged ones are left out.
  struct RecordPage {
    std::vector<std::pair<std::string, Record>> records;
    size_t examined = 0;
    std::string next;  // what the next page is behind; empty: there is none
  };
  RecordPage RecordsAfter(absl::string_view after, size_t limit);
  // Records that a walk handles in one turn of the loop: whoever waits at a door comes in between.
  static constexpr size_t kInATurn = 64;

  std::optional<DomainFact> FindDomainFact(absl::string_view domain);
  void PutDomainFact(const DomainFact& fact);
  bool DeleteDomainFact(absl::string_view domain);
  // As RecordsAfter, of domains.
  struct DomainPage {
    std::vector<DomainFact> facts;
    std::string next;
  };
  DomainPage DomainFactsAfter(absl::string_view after, size_t limit);
  // Every one there is; for tools, not for each question.
  std::vector<DomainFact> LoadDomainFacts();

  // Pins hold for every spelling of an address, and are kept under the one in small letters.

  // Of the address, else of its domain ("@example.com"), unless it has ended by `now`.
  std::optional<Pin> FindPin(absl::string_view key, absl::string_view domain, absl::Time now);

  void PutPin(absl::string_view key, const Pin& pin);
  // True if there was one.
  bool DeletePin(absl::string_view key);
  // All that have not ended by `now`, with their keys, holds among them; by key.
  std::vector<std::pair<std::string, Pin>> ListPins(absl::Time now);
  // Puts pins of older versions, which were kept as they had been spelled, where they are looked for. Those that are
  // hashed stay, and hold for their own spelling only. Of several the newest holds, but one that has ended by `now`
  // gives way to one that has not. For the daemon, which writes.
  void FoldPins(absl::Time now);
  // The hold on a domain, unless it has ended by `now`.
  std::optional<Pin> FindHold(absl::string_view domain, absl::Time now);

  // The records that are on the agenda (Record::on_agenda), as far as they are committed: those behind `after`,
  // earliest first, at most `limit`. With pseudonyms those only that were put by their addresses in this run.
  struct Planned {
    absl::Time when = absl::InfinitePast();
    std::string key;
    friend bool operator==(const Planned&, const Planned&) = default;
    friend bool operator<(const Planned& a, const Planned& b) {
      return std::tie(a.when, a.key) < std::tie(b.when, b.key);
    }
  };
  std::vector<Planned> Agenda(const Planned& after, size_t limit);

  std::optional<DestinationState> FindDestinationState(absl::string_view name);
  std::vector<DestinationState> LoadDestinationStates();
  void PutDestinationState(const DestinationState& state);

  // With pseudonyms: hashes what is held in clear from before, beside everything else. For the daemon, which writes.
  void HideAddresses();

  // Removes what has expired, beside everything else; `done` is called when that is over, however it ended, unless the
  // cache goes before. False where there is no store.
  bool Clean(absl::AnyInvocable<void()> done);

  // Waits until everything put so far is committed or given up, and a cleanup under way has ended. Blocks: for tests
  // and tools, not while the loop serves anybody; at shutdown the destructor is enough.
  void Flush();

  CacheCounts counts();
  // Null: addresses are kept in clear.
  const Pseudonyms* pseudonyms() const;
  // Whether there is a store, and how many entries wait to be committed, at no cost: for who writes much and waits for
  // the disk.
  bool persistent() const;
  size_t uncommitted() const;

 private:
  struct Impl;
  explicit Cache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_CACHE_H_
