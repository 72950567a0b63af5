// The cache: what we know of addresses and domains. It is the facade of this room: the verifier uses nothing else of
// it. Reads come first from changes that are not committed yet, then from LMDB, so a probe's answer is there for the
// next question at once. Writes are handed to the writer thread, which commits in groups. When the store can not be
// used, the cache goes on in memory only, bounded: it never stops mail.
//
// A key is an address's (Address::Key), or its pseudonym's: a walk over the records of a cache with pseudonyms yields
// pseudonyms, and they may be used as keys.
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
  // The name of the map in the log line of the cleaner: "lmdb:/var/lib/verifyd/verify_cache".
  std::string map_name;
  absl::Duration cleanup_interval = absl::Hours(12);  // address_verify_cache_cleanup_interval; 0: never
  Lifetimes lifetimes;
  Bounds bounds;  // of the store
  // address_verify_cache_privacy = hashed: records and pins are kept under pseudonyms, and texts without local parts.
  // Null: in clear. Read once.
  std::shared_ptr<const Pseudonyms> pseudonyms;
  // The most entries that live in memory only, because there is no store or it can not be written.
  size_t memory_entries = 100000;
  // Command that checks the store after an end that was not clean, see CheckInOtherProcess; empty: nothing is checked,
  // and the marks of the last end stay for a process that checks.
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
  // Why changes could not be written that live in memory only; empty: there are no such changes.
  std::string write_error;
  uint64_t record_reads = 0;  // look-ups of one record (FindRecord)
  uint64_t domain_reads = 0;  // likewise of one domain fact
  uint64_t damaged = 0;       // look-ups that met an unreadable value
  uint64_t uncommitted = 0;   // entries in memory only, for now or for good
  uint64_t map_growths = 0;   // how often the map was full
  uint64_t used_bytes = 0;    // of the file's pages that hold something
  uint64_t evicted = 0;       // entries removed before they expired, to keep the store within its bounds
};

class Cache {
 public:
  // Opens the store and starts the writer thread. Its pages are checked first (page_check.h); after an end that was not
  // clean all of it is checked (store_check.h). A damaged file is set aside (PATH.mdb.damaged-SECONDS) and begun anew.
  // When the store can not be opened, an error is logged that names the file and the reason, and the cache is memory
  // only. Call it after any fork.
  static std::unique_ptr<Cache> Open(Loop& front, const CacheSettings& settings);
  // Commits what is queued, then closes. The loop must still be there, but need not run.
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Sets new lifetimes, bounds and cleanup interval after a reload; the path can not change.
  void Configure(const CacheSettings& settings);

  // All look-ups within `look_up` see one state of the store, and cost one transaction.
  void Together(absl::FunctionRef<void()> look_up);

  // Returns how many changes there have been: while the number is the same, so is everything that is held.
  uint64_t changes() const;

  // A damaged value is logged once, counted, and treated as absent. The record may have expired: see lifetime.h.
  std::optional<Record> FindRecord(absl::string_view key);
  void PutRecord(absl::string_view key, const Record& record);
  // Notes that the record answered a question: eviction takes records that never did first.
  void NoteAsked(absl::string_view key);
  // True if there was one.
  bool DeleteRecord(absl::string_view key);

  // Returns the spellings of an address (spelling.h) that have records, in order. For the operator's verbs: it costs
  // some dozens of look-ups. `complete` is false where the search stopped at its limit, and always with pseudonyms:
  // they say nothing of each other, so only `key` and its form in small letters are looked for.
  struct Spellings {
    std::vector<std::string> keys;
    bool complete = true;
  };
  Spellings SpellingsOf(absl::string_view key);

  // Returns the records after `after` in the order of their keys, from the first where it is empty. A walk of all takes
  // one page at a time, so that nobody waits long. Damaged records are left out.
  struct RecordPage {
    std::vector<std::pair<std::string, Record>> records;
    size_t examined = 0;
    std::string next;  // `after` for the next page; empty: this was the last
  };
  RecordPage RecordsAfter(absl::string_view after, size_t limit);
  // Records that a walk handles in one turn of the loop: clients that wait at a door come in between.
  static constexpr size_t kInATurn = 64;

  std::optional<DomainFact> FindDomainFact(absl::string_view domain);
  void PutDomainFact(const DomainFact& fact);
  bool DeleteDomainFact(absl::string_view domain);
  // As RecordsAfter, for domains.
  struct DomainPage {
    std::vector<DomainFact> facts;
    std::string next;
  };
  DomainPage DomainFactsAfter(absl::string_view after, size_t limit);
  // Returns all facts; for tools, not for each question.
  std::vector<DomainFact> LoadDomainFacts();

  // Pins hold for every spelling of an address, and are kept under the one in small letters.

  // Returns the pin of the address, else that of its domain ("@example.com"), unless it has ended by `now`.
  std::optional<Pin> FindPin(absl::string_view key, absl::string_view domain, absl::Time now);

  void PutPin(absl::string_view key, const Pin& pin);
  // True if there was one.
  bool DeletePin(absl::string_view key);
  // Returns all that have not ended by `now`, with their keys; by key.
  std::vector<std::pair<std::string, Pin>> ListPins(absl::Time now);
  // Moves pins of older versions, which were kept as they had been spelled, to the key in small letters. Hashed ones
  // stay, and hold for their own spelling only. The newest of several holds, but one that has ended by `now` gives way
  // to one that has not. For the daemon, which writes.
  void FoldPins(absl::Time now);

  // Returns the hold on a domain, unless it has ended by `now`.
  std::optional<Hold> FindHold(absl::string_view domain, absl::Time now);
  void PutHold(absl::string_view domain, const Hold& hold);
  // Returns true if there was one.
  bool DeleteHold(absl::string_view domain);
  // Returns all that have not ended by `now`, with their domains; by domain.
  std::vector<std::pair<std::string, Hold>> ListHolds(absl::Time now);

  // Returns the committed records on the agenda (Record::on_agenda) after `after`, earliest first, at most `limit`.
  // With pseudonyms it returns only those that were put by their addresses in this run.
  struct Planned {
    absl::Time when = absl::InfinitePast();
    std::string key;
    friend bool operator==(const Planned&, const Planned&) = default;
    friend bool operator<(const Planned& a, const Planned& b) {
      return std::tie(a.when, a.key) < std::tie(b.when, b.key);
    }
  };
  std::vector<Planned> Agenda(const Planned& after, size_t limit);

  // Older versions called some routes of the operator's like an exchange ("example.com" for "smtp:example.com"). Such a
  // route takes over the hold of the former name, and when it last accepted an address. Failures and a doubt are not
  // taken over: they may be about another server of that name.
  std::optional<DestinationState> FindDestinationState(absl::string_view name);
  std::vector<DestinationState> LoadDestinationStates();
  void PutDestinationState(const DestinationState& state);

  std::optional<DomainBreaker> FindDomainBreaker(absl::string_view destination, absl::string_view domain);
  std::vector<DomainBreaker> LoadDomainBreakers();
  void PutDomainBreaker(const DomainBreaker& breaker);
  // Older versions kept the breaker of a domain among the destinations, as a destination of the name "DESTINATION
  // DOMAIN". This moves those breakers to where they are looked up. Older versions also took holds of such names, which
  // had no effect; they are dropped. For the daemon, which writes.
  void MoveDomainBreakers();

  // With pseudonyms: hashes older records that are still in clear, in the background. For the daemon, which writes.
  void HideAddresses();

  // Removes expired entries in the background. `done` is called when that is over, however it ended, unless the cache
  // is destroyed before. False where there is no store.
  bool Clean(absl::AnyInvocable<void()> done);

  // Waits until everything put so far is committed or given up, and a cleanup under way has ended. Blocks: for tests
  // and tools, not while the loop serves clients; at shutdown the destructor is enough.
  void Flush();

  CacheCounts counts();
  // Null: addresses are kept in clear.
  const Pseudonyms* pseudonyms() const;
  // Return whether there is a store, and how many entries wait to be committed, at no cost: for a caller that writes
  // much and waits for the disk.
  bool persistent() const;
  size_t uncommitted() const;

 private:
  struct Impl;
  explicit Cache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_CACHE_H_
