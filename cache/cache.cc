#include "cache/cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/loop_bound.h"
#include "base/text.h"
#include "base/timer.h"
#include "cache/cleaner.h"
#include "cache/open_mark.h"
#include "cache/overlay.h"
#include "cache/page_check.h"
#include "cache/spelling.h"
#include "cache/store.h"
#include "cache/store_check.h"
#include "cache/writer.h"
#include "mail/masked_text.h"

namespace verifyd {
namespace {

constexpr absl::string_view kFileEnding = ".mdb";
// The check of pages delays a start by no more than this; after an unclean end the check of all entries by kCheckLimit.
constexpr absl::Duration kPagesLimit = absl::Milliseconds(500);
constexpr absl::Duration kCheckLimit = absl::Seconds(1);
// Damaged keys that are remembered as logged.
constexpr size_t kMaxReported = 100;
// Records that are hashed at once, how much may wait to be written then, and the pause.
constexpr size_t kHiddenAtOnce = 200;
constexpr size_t kHidingWaits = 1000;
constexpr absl::Duration kHidingPause = absl::Milliseconds(20);
// Sorts after every pseudonym, as a hexadecimal digit follows the mark.
constexpr absl::string_view kBehindPseudonyms = "#g";
// Bounds the search for other spellings of an address, and the spellings found: an outsider can have had thousands
// asked about.
constexpr size_t kMaxLeaps = 1000;
constexpr size_t kMaxSpellings = 100;
// Addresses that are remembered for unasked probes.
constexpr size_t kMaxPlanned = 10000;

// Holds are kept among the pins. No address begins like this.
constexpr absl::string_view kHoldMark = "hold @";

std::string HoldKey(absl::string_view domain) { return absl::StrCat(kHoldMark, domain); }

// A hold is on a domain: there is no person's name in it.
bool IsHold(absl::string_view key) { return absl::StartsWith(key, kHoldMark); }

// The key of an address in the store. Must not outlive the text it is made of.
class StoredKey {
 public:
  StoredKey(const Pseudonyms* pseudonyms, absl::string_view key) : key_(key) {
    if (pseudonyms == nullptr || IsHold(key)) return;
    pseudonym_ = pseudonyms->Of(key);
    key_ = pseudonym_;
  }
  StoredKey(const StoredKey&) = delete;
  StoredKey& operator=(const StoredKey&) = delete;
  operator absl::string_view() const { return key_; }  // NOLINT(google-explicit-constructor)

 private:
  std::string pseudonym_;
  absl::string_view key_;
};

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& path, absl::Time now) {
  const std::string directory = std::filesystem::path(path).parent_path();
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::UnavailableError(absl::StrCat(directory, ": cannot make the folder: ", std::strerror(errno)));
  }
  return Store::Open(absl::StrCat(path, kFileEnding), now);
}

// Renames the file, so that somebody may still look at it. The lock table is removed with it.
void SetAside(const std::string& file, absl::string_view why, absl::Time now) {
  const std::string aside = absl::StrCat(file, ".damaged-", absl::ToUnixSeconds(now));
  if (::rename(file.c_str(), aside.c_str()) != 0) {
    LogError(absl::StrCat("cache ", file, " is damaged (", why, ") and can not be set aside: ", std::strerror(errno)));
    return;
  }
  ::unlink(absl::StrCat(file, "-lock").c_str());
  LogError(absl::StrCat("cache ", file, " is damaged (", why, "): it is set aside as ", aside,
                        " and begun anew; addresses will be probed again"));
}

// Checks the file, because a damaged one can kill a process that reads it through LMDB. It may have been damaged at
// rest or, more likely, by an end that was not clean.
void CheckBeforeUse(const std::string& file, const std::vector<std::string>& checker, absl::Time now) {
  // Leave the marks for a process that checks.
  if (checker.empty()) return;
  const bool unclean = OpenMark::TakeLeftOver(file);
  // Another process that has it open has checked it.
  if (OpenMark::Holder(file) == 0) {
    const absl::StatusOr<PageCheck> pages = CheckPages(file, kPagesLimit);
    if (!pages.ok()) return SetAside(file, pages.status().message(), now);
  }
  if (!unclean) return;
  std::string why;
  switch (CheckInOtherProcess(checker, file, kCheckLimit, why)) {
    case CheckResult::kSound:
      return;
    case CheckResult::kDamaged:
      return SetAside(file, why, now);
    case CheckResult::kUndecided:
      LogWarning(absl::StrCat("cache ", file, " could not be checked after the last end, which was not clean: ", why,
                              "; it is used as it is"));
  }
}

}  // namespace

struct Cache::Impl {
  Impl(Loop& loop, CacheSettings s)
      : front(loop),
        settings(std::move(s)),
        overlay(std::make_shared<Overlay>(settings.memory_entries)),
        cleanup_timer(loop.timers()),
        hiding_timer(loop.timers()) {}

  void StartWriter();
  void NotePresence(StorePresence found);
  void ScheduleCleanup();
  void LimitOverlay();
  void Put(StoreTable table, absl::string_view key, std::optional<std::string> value);
  StoredKey Stored(absl::string_view key) const { return StoredKey(settings.pseudonyms.get(), key); }
  void PutRecord(absl::string_view key, const Record& record);
  // Searches the store; false where it did not search all.
  bool FindSpellings(absl::string_view folded, absl::btree_set<std::string>& keys);
  std::vector<Planned> AgendaOfThisRun(const Planned& after, size_t limit);
  void HidePins();
  void HideRecords();
  // Returns the value decoded by `decode`, from the overlay or the store.
  template <typename T, typename Decode>
  std::optional<T> Find(StoreTable table, absl::string_view key, Decode decode);
  template <typename T, typename Decode, typename Use>
  void ForEach(StoreTable table, Decode decode, Use use);
  // Visits what comes after `after` in the order of the keys, at most `limit`; `use` returns an error where a value is
  // damaged.
  struct Page {
    size_t examined = 0;
    std::string next;  // empty: there is no more
  };
  Page PageAfter(StoreTable table, absl::string_view after, size_t limit,
                 absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)> use);
  bool Delete(StoreTable table, absl::string_view key);
  // A quick test: most gateways have no pins, and every question looks.
  bool NoPins() {
    bound.Check();
    return overlay->size(StoreTable::kPins) == 0 && (store == nullptr || store->Empty(StoreTable::kPins));
  }
  void ReportDamage(StoreTable table, absl::string_view key, const absl::Status& status);

  Loop& front;
  [[no_unique_address]] LoopBound bound{front};
  CacheSettings settings;
  std::shared_ptr<Overlay> overlay;  // shared: the writer's posts may come when the cache is gone
  uint64_t sequence = 0;
  uint64_t record_reads = 0;
  uint64_t domain_reads = 0;
  uint64_t damaged = 0;
  absl::flat_hash_set<std::string> reported;
  std::optional<absl::Time> last_cleanup;
  // Callbacks, in the order of the cleanups that they wait for.
  std::deque<std::pair<uint64_t, absl::AnyInvocable<void()>>> waiting_for_cleanup;
  Timer cleanup_timer;
  // With pseudonyms: how far the records in clear are hashed, and how many there were.
  Timer hiding_timer;
  std::string hidden_up_to;
  uint64_t hidden = 0;
  // With pseudonyms: the records on the agenda that were put there in this run, by their keys.
  absl::flat_hash_map<std::string, Planned> planned;
  bool gone = false;             // the store's file is gone, but still open
  std::optional<OpenMark> mark;  // until the store is closed
  std::unique_ptr<Store> store;
  std::unique_ptr<Writer> writer;  // ends before the store
};

void Cache::Impl::StartWriter() {
  const auto on_committed = [loop = &front, weak = std::weak_ptr<Overlay>(overlay)](uint64_t first, uint64_t last) {
    loop->Post([weak, first, last] {
      if (const auto held = weak.lock(); held != nullptr) held->Drop(first, last);
    });
  };
  const auto on_cleaned = [this, loop = &front, weak = std::weak_ptr<Overlay>(overlay)](uint64_t number) {
    loop->Post([this, weak, number] {
      if (weak.expired()) return;  // then `this` is gone, too
      last_cleanup = front.clock().Now();
      ScheduleCleanup();
      while (!waiting_for_cleanup.empty() && waiting_for_cleanup.front().first <= number) {
        absl::AnyInvocable<void()> done = std::move(waiting_for_cleanup.front().second);
        waiting_for_cleanup.pop_front();
        done();
      }
    });
  };
  const auto on_presence = [this, loop = &front, weak = std::weak_ptr<Overlay>(overlay)](StorePresence found) {
    loop->Post([this, weak, found] {
      if (!weak.expired()) NotePresence(found);
    });
  };
  writer = std::make_unique<Writer>(*store, front.clock(), settings.map_name, settings.lifetimes, settings.bounds,
                                    Writer::Options(), on_committed, on_cleaned, on_presence);
  const auto last = store->LastCleanup();
  if (last.ok()) last_cleanup = *last;
  LimitOverlay();
  ScheduleCleanup();
}

void Cache::Impl::NotePresence(StorePresence found) {
  const std::string file = absl::StrCat("cache ", settings.map_name, ": its file ", settings.path, kFileEnding);
  gone = found == StorePresence::kGone;
  switch (found) {
    case StorePresence::kThere:
      return LogWarning(absl::StrCat(file, " is there again"));
    case StorePresence::kGone:
      return LogError(absl::StrCat(file,
                                   " was removed or replaced while it was open: answers are remembered until verifyd "
                                   "ends, and not longer; restart it to begin a new file"));
    case StorePresence::kCut:
      LogError(absl::StrCat(file,
                            " was cut while it was open: it is not used any more, answers are kept in memory only; "
                            "restart verifyd to begin a new file"));
      writer.reset();
      store.reset();
      hiding_timer.Cancel();
      ScheduleCleanup();
      LimitOverlay();
  }
}

// Keeps entries that still wait to be written from being pushed out.
void Cache::Impl::LimitOverlay() {
  overlay->SetLimit(writer == nullptr ? settings.memory_entries
                                      : std::max(settings.memory_entries, 2 * Writer::Options().queue));
}

void Cache::Impl::ScheduleCleanup() {
  cleanup_timer.Cancel();
  if (writer == nullptr || settings.cleanup_interval <= absl::ZeroDuration()) return;
  cleanup_timer.SetAfter(UntilCleanup(last_cleanup, settings.cleanup_interval, front.clock().Now()),
                         [this] { writer->Clean(); });
}

void Cache::Impl::Put(StoreTable table, absl::string_view key, std::optional<std::string> value) {
  bound.Check();
  ++sequence;
  const bool queued =
      writer != nullptr && writer->Put({.sequence = sequence, .table = table, .key = std::string(key), .value = value});
  overlay->Put(sequence, table, key, std::move(value), queued);
}

template <typename T, typename Decode>
std::optional<T> Cache::Impl::Find(StoreTable table, absl::string_view key, Decode decode) {
  bound.Check();
  std::optional<T> found;
  const auto take = [&](absl::string_view value) {
    if (absl::StatusOr<T> decoded = decode(value); decoded.ok()) {
      found = *std::move(decoded);
    } else {
      ReportDamage(table, key, decoded.status());
    }
  };
  if (overlay->size(table) != 0) {
    if (const std::optional<std::string>* value = overlay->Find(table, key); value != nullptr) {
      if (value->has_value()) take(**value);
      return found;
    }
  }
  if (store == nullptr) return found;
  if (const auto there = store->Find(table, key, take); !there.ok()) ReportDamage(table, key, there.status());
  return found;
}

// Visits every readable value of a small table, also those that wait to be committed.
template <typename T, typename Decode, typename Use>
void Cache::Impl::ForEach(StoreTable table, Decode decode, Use use) {
  bound.Check();
  const auto take = [&](absl::string_view key, absl::string_view value) {
    if (absl::StatusOr<T> decoded = decode(key, value); decoded.ok()) {
      use(key, *std::move(decoded));
    } else {
      ReportDamage(table, key, decoded.status());
    }
  };
  overlay->ForEach(table, [&](absl::string_view key, const std::optional<std::string>& value) {
    if (value.has_value()) take(key, *value);
  });
  if (store == nullptr) return;
  const absl::Status status = store->ForEach(table, [&](absl::string_view key, absl::string_view value) {
    if (overlay->Find(table, key) == nullptr) take(key, value);
  });
  if (!status.ok()) ReportDamage(table, "*", status);
}

bool Cache::Impl::Delete(StoreTable table, absl::string_view key) {
  bound.Check();
  bool there = false;
  if (const std::optional<std::string>* value = overlay->Find(table, key); value != nullptr) {
    there = value->has_value();
  } else if (store != nullptr) {
    there = store->Find(table, key, [](absl::string_view) {}).value_or(false);
  }
  if (there) Put(table, key, std::nullopt);
  return there;
}

void Cache::Impl::PutRecord(absl::string_view key, const Record& record) {
  if (settings.pseudonyms == nullptr) return Put(StoreTable::kRecords, key, EncodeRecord(record));
  Record masked = record;
  masked.finding.text = MaskedReply(record.finding.text, key);
  if (masked.pending.has_value()) masked.pending->text = MaskedReply(masked.pending->text, key);
  const StoredKey stored = Stored(key);
  planned.erase(absl::string_view(stored));
  if (record.on_agenda() && !IsPseudonym(key) && planned.size() < kMaxPlanned) {
    planned[absl::string_view(stored)] = {.when = record.next_probe, .key = std::string(key)};
  }
  Put(StoreTable::kRecords, stored, EncodeRecord(masked));
}

bool Cache::Impl::FindSpellings(absl::string_view folded, absl::btree_set<std::string>& keys) {
  const Store::Reading reading(*store);
  std::string next = NextSpelling(folded, "");
  for (size_t leaps = 0; !next.empty(); ++leaps) {
    if (leaps == kMaxLeaps || keys.size() >= kMaxSpellings) return false;
    if (store->Find(StoreTable::kRecords, next, [](absl::string_view) {}).value_or(false)) keys.insert(next);
    std::string behind;
    const absl::StatusOr<bool> more =
        store->ForSome(StoreTable::kRecords, next, 1,
                       [&](absl::string_view key, absl::string_view /*value*/) { behind = std::string(key); });
    if (!more.ok() || behind.empty()) break;
    if (absl::EqualsIgnoreCase(behind, folded)) keys.insert(behind);
    next = NextSpelling(folded, behind);
  }
  return true;
}

// Does not use the index: it has pseudonyms, and those of an earlier run would hide the others.
std::vector<Cache::Planned> Cache::Impl::AgendaOfThisRun(const Planned& after, size_t limit) {
  const absl::Time now = front.clock().Now();
  std::vector<Planned> agenda;
  // A due entry is soon planned anew, or gone: expired, deleted, evicted.
  absl::erase_if(planned, [&](const auto& entry) {
    const auto& [key, plan] = entry;
    if (plan.when <= now) {
      const std::optional<Record> record = Find<Record>(StoreTable::kRecords, key, DecodeRecord);
      if (!record.has_value() || !record->on_agenda()) return true;
    }
    if (after < plan) agenda.push_back(plan);
    return false;
  });
  const auto end = agenda.begin() + static_cast<std::ptrdiff_t>(std::min(limit, agenda.size()));
  std::partial_sort(agenda.begin(), end, agenda.end());
  agenda.erase(end, agenda.end());
  return agenda;
}

void Cache::Impl::HidePins() {
  std::vector<std::pair<std::string, Pin>> pins;
  ForEach<Pin>(
      StoreTable::kPins, [](absl::string_view /*key*/, absl::string_view value) { return DecodePin(value); },
      [&](absl::string_view key, Pin pin) { pins.emplace_back(key, std::move(pin)); });
  for (const auto& [key, pin] : pins) {
    const std::string folded = FoldedKey(key);
    const StoredKey stored = Stored(folded);
    if (absl::string_view(stored) == key) continue;
    Put(StoreTable::kPins, stored, EncodePin(pin));
    Put(StoreTable::kPins, key, std::nullopt);
  }
}

// Hashes the next few records that are in clear.
void Cache::Impl::HideRecords() {
  if (overlay->queued() < kHidingWaits) {
    std::vector<std::pair<std::string, Record>> clear;
    std::string next;
    const absl::StatusOr<bool> more = store->ForSome(
        StoreTable::kRecords, hidden_up_to, kHiddenAtOnce, [&](absl::string_view key, absl::string_view value) {
          next = std::string(key);
          if (IsPseudonym(key)) return;
          absl::StatusOr<Record> record = DecodeRecord(value);
          clear.emplace_back(key, record.ok() ? *std::move(record) : Record());
        });
    for (const auto& [key, record] : clear) {
      const StoredKey stored = Stored(key);
      const bool known = Find<Record>(StoreTable::kRecords, stored, DecodeRecord).has_value();
      if (!known && record.finding.when != absl::InfinitePast()) PutRecord(key, record);
      Put(StoreTable::kRecords, key, std::nullopt);
      ++hidden;
    }
    if (!more.value_or(false)) {
      if (hidden > 0) {
        LogInfo(absl::StrCat("cache ", settings.map_name, ": ", hidden,
                             " addresses that were held in clear are hashed; `verifyctl compact` removes what is left "
                             "of them in unused parts of the file"));
      }
      return;
    }
    // Skip the pseudonyms: there may be millions.
    const bool among_pseudonyms = next > absl::string_view("#") && next < kBehindPseudonyms;
    hidden_up_to = among_pseudonyms ? std::string(kBehindPseudonyms) : std::move(next);
  }
  hiding_timer.SetAfter(kHidingPause, [this] { HideRecords(); });
}

void Cache::Impl::ReportDamage(StoreTable table, absl::string_view key, const absl::Status& status) {
  ++damaged;
  std::string name = absl::StrCat(static_cast<int>(table), key);
  if (reported.size() >= kMaxReported || !reported.insert(std::move(name)).second) return;
  LogError(absl::StrCat("cache ", settings.map_name, ": what is held of ", Printable(key, Store::kMaxKey),
                        " can not be read and counts as absent: ", status.message()));
}

Cache::Cache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cache::~Cache() = default;

std::unique_ptr<Cache> Cache::Open(Loop& front, const CacheSettings& settings) {
  auto impl = std::make_unique<Impl>(front, settings);
  if (!settings.path.empty()) {
    const std::string file = absl::StrCat(settings.path, kFileEnding);
    CheckBeforeUse(file, settings.checker, front.clock().Now());
    auto store = OpenStore(settings.path, front.clock().Now());
    if (store.ok()) {
      impl->mark.emplace(file);
      impl->store = *std::move(store);
      impl->StartWriter();
    } else {
      LogError(absl::StrCat("cache ", settings.map_name,
                            " can not be used, answers are kept in memory only: ", store.status().message()));
    }
  }
  return std::unique_ptr<Cache>(new Cache(std::move(impl)));
}

void Cache::Configure(const CacheSettings& settings) {
  impl_->bound.Check();
  impl_->settings.lifetimes = settings.lifetimes;
  impl_->settings.cleanup_interval = settings.cleanup_interval;
  impl_->settings.memory_entries = settings.memory_entries;
  impl_->LimitOverlay();
  impl_->settings.bounds = settings.bounds;
  if (impl_->writer != nullptr) impl_->writer->Configure(settings.lifetimes, settings.bounds);
  impl_->ScheduleCleanup();
}

uint64_t Cache::changes() const { return impl_->sequence; }

std::optional<Record> Cache::FindRecord(absl::string_view key) {
  ++impl_->record_reads;
  return impl_->Find<Record>(StoreTable::kRecords, impl_->Stored(key), DecodeRecord);
}

void Cache::PutRecord(absl::string_view key, const Record& record) { impl_->PutRecord(key, record); }

void Cache::NoteAsked(absl::string_view key) {
  impl_->bound.Check();
  if (impl_->writer != nullptr) impl_->writer->NoteAsked(impl_->Stored(key));
}

bool Cache::DeleteRecord(absl::string_view key) {
  const StoredKey stored = impl_->Stored(key);
  impl_->planned.erase(absl::string_view(stored));
  return impl_->Delete(StoreTable::kRecords, stored);
}

// Merges entries that wait to be committed; they are in no order, so pages cost more where there are many of them.
Cache::Impl::Page Cache::Impl::PageAfter(
    StoreTable table, absl::string_view after, size_t limit,
    absl::FunctionRef<absl::Status(absl::string_view key, absl::string_view value)> use) {
  bound.Check();
  Page page;
  // No key can come after it.
  if (after.size() > Store::kMaxKey) return page;
  absl::btree_map<std::string, std::optional<std::string>> values;
  bool more = false;
  if (store != nullptr) {
    const absl::StatusOr<bool> read = store->ForSome(
        table, after, limit,
        [&](absl::string_view key, absl::string_view value) { values.emplace_hint(values.end(), key, value); });
    if (!read.ok()) ReportDamage(table, "*", read.status());
    more = read.value_or(false);
  }
  const std::string last = values.empty() ? "" : values.rbegin()->first;
  overlay->ForEach(table, [&](absl::string_view key, const std::optional<std::string>& value) {
    if (key > after && (!more || key <= last)) values[key] = value;
  });
  for (const auto& [key, value] : values) {
    if (page.examined == limit) {
      more = true;
      break;
    }
    ++page.examined;
    page.next = key;
    if (!value.has_value()) continue;
    if (const absl::Status used = use(key, *value); !used.ok()) ReportDamage(table, key, used);
  }
  if (!more) page.next.clear();
  return page;
}

Cache::RecordPage Cache::RecordsAfter(absl::string_view after, size_t limit) {
  RecordPage page;
  const Impl::Page read =
      impl_->PageAfter(StoreTable::kRecords, after, limit, [&](absl::string_view key, absl::string_view value) {
        absl::StatusOr<Record> record = DecodeRecord(value);
        if (!record.ok()) return record.status();
        page.records.emplace_back(key, *std::move(record));
        return absl::OkStatus();
      });
  page.examined = read.examined;
  page.next = read.next;
  return page;
}

Cache::DomainPage Cache::DomainFactsAfter(absl::string_view after, size_t limit) {
  DomainPage page;
  const Impl::Page read =
      impl_->PageAfter(StoreTable::kDomains, after, limit, [&](absl::string_view key, absl::string_view value) {
        absl::StatusOr<DomainFact> fact = DecodeDomainFact(key, value);
        if (!fact.ok()) return fact.status();
        page.facts.push_back(*std::move(fact));
        return absl::OkStatus();
      });
  page.next = read.next;
  return page;
}

std::optional<DomainFact> Cache::FindDomainFact(absl::string_view domain) {
  ++impl_->domain_reads;
  return impl_->Find<DomainFact>(StoreTable::kDomains, domain,
                                 [&](absl::string_view value) { return DecodeDomainFact(domain, value); });
}

void Cache::PutDomainFact(const DomainFact& fact) {
  if (impl_->settings.pseudonyms == nullptr) {
    return impl_->Put(StoreTable::kDomains, fact.domain, EncodeDomainFact(fact));
  }
  DomainFact masked = fact;
  masked.finding.text = MaskedText(fact.finding.text, WithoutLocalPart);
  if (masked.pending.has_value()) masked.pending->text = MaskedText(masked.pending->text, WithoutLocalPart);
  impl_->Put(StoreTable::kDomains, fact.domain, EncodeDomainFact(masked));
}

bool Cache::DeleteDomainFact(absl::string_view domain) { return impl_->Delete(StoreTable::kDomains, domain); }

std::vector<DomainFact> Cache::LoadDomainFacts() {
  std::vector<DomainFact> facts;
  impl_->ForEach<DomainFact>(StoreTable::kDomains, DecodeDomainFact,
                             [&](absl::string_view /*domain*/, DomainFact fact) { facts.push_back(std::move(fact)); });
  return facts;
}

void Cache::Together(absl::FunctionRef<void()> look_up) {
  impl_->bound.Check();
  std::optional<Store::Reading> reading;
  if (impl_->store != nullptr) reading.emplace(*impl_->store);
  look_up();
}

Cache::Spellings Cache::SpellingsOf(absl::string_view key) {
  Spellings found;
  const std::string folded = FoldedKey(key);
  if (impl_->settings.pseudonyms != nullptr) {
    found.complete = IsPseudonym(key);
    if (FindRecord(key).has_value()) found.keys.emplace_back(key);
    if (folded != key && FindRecord(folded).has_value()) found.keys.push_back(folded);
    return found;
  }
  absl::btree_set<std::string> keys;
  if (impl_->store != nullptr) found.complete = impl_->FindSpellings(folded, keys);
  impl_->overlay->ForEach(StoreTable::kRecords, [&](absl::string_view put, const std::optional<std::string>& value) {
    if (!absl::EqualsIgnoreCase(put, folded)) return;
    if (value.has_value()) {
      keys.emplace(put);
    } else {
      keys.erase(std::string(put));
    }
  });
  found.keys.assign(keys.begin(), keys.end());
  return found;
}

std::optional<Pin> Cache::FindPin(absl::string_view key, absl::string_view domain, absl::Time now) {
  if (impl_->NoPins()) return std::nullopt;
  const std::string folded = FoldedKey(key);
  std::optional<Pin> pin = impl_->Find<Pin>(StoreTable::kPins, impl_->Stored(folded), DecodePin);
  if (pin.has_value() && pin->until > now) return pin;
  // Older versions kept it in this spelling.
  if (folded != key) pin = impl_->Find<Pin>(StoreTable::kPins, impl_->Stored(key), DecodePin);
  if (pin.has_value() && pin->until > now) return pin;
  pin = impl_->Find<Pin>(StoreTable::kPins, absl::StrCat("@", domain), DecodePin);
  if (pin.has_value() && pin->until > now) return pin;
  return std::nullopt;
}

void Cache::PutPin(absl::string_view key, const Pin& pin) {
  const std::string folded = FoldedKey(key);
  if (folded != key) impl_->Delete(StoreTable::kPins, impl_->Stored(key));
  impl_->Put(StoreTable::kPins, impl_->Stored(folded), EncodePin(pin));
}

bool Cache::DeletePin(absl::string_view key) {
  const std::string folded = FoldedKey(key);
  const bool as_spelled = folded != key && impl_->Delete(StoreTable::kPins, impl_->Stored(key));
  return impl_->Delete(StoreTable::kPins, impl_->Stored(folded)) || as_spelled;
}

void Cache::FoldPins(absl::Time now) {
  absl::btree_map<std::string, Pin> newest;
  std::vector<std::string> spelled;
  impl_->ForEach<Pin>(
      StoreTable::kPins, [](absl::string_view /*key*/, absl::string_view value) { return DecodePin(value); },
      [&](absl::string_view key, Pin pin) {
        std::string folded = FoldedKey(key);
        if (folded != key) spelled.emplace_back(key);
        const auto [held, first] = newest.try_emplace(std::move(folded), pin);
        const auto rank = [now](const Pin& of) { return std::pair(of.until > now, of.set_at); };
        if (!first && rank(held->second) < rank(pin)) held->second = std::move(pin);
      });
  for (const std::string& key : spelled) {
    impl_->Put(StoreTable::kPins, key, std::nullopt);
    const std::string folded = FoldedKey(key);
    impl_->Put(StoreTable::kPins, impl_->Stored(folded), EncodePin(newest.at(folded)));
  }
}

std::vector<std::pair<std::string, Pin>> Cache::ListPins(absl::Time now) {
  std::vector<std::pair<std::string, Pin>> pins;
  impl_->ForEach<Pin>(
      StoreTable::kPins, [](absl::string_view /*key*/, absl::string_view value) { return DecodePin(value); },
      [&](absl::string_view key, Pin pin) {
        if (pin.until > now && !IsHold(key)) pins.emplace_back(key, std::move(pin));
      });
  std::sort(pins.begin(), pins.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return pins;
}

std::optional<Hold> Cache::FindHold(absl::string_view domain, absl::Time now) {
  if (impl_->NoPins()) return std::nullopt;
  std::optional<Hold> hold = impl_->Find<Hold>(StoreTable::kPins, HoldKey(domain), DecodeHold);
  if (hold.has_value() && hold->until <= now) hold.reset();
  return hold;
}

void Cache::PutHold(absl::string_view domain, const Hold& hold) {
  impl_->Put(StoreTable::kPins, HoldKey(domain), EncodeHold(hold));
}

bool Cache::DeleteHold(absl::string_view domain) { return impl_->Delete(StoreTable::kPins, HoldKey(domain)); }

std::vector<std::pair<std::string, Hold>> Cache::ListHolds(absl::Time now) {
  std::vector<std::pair<std::string, Hold>> holds;
  impl_->ForEach<Pin>(
      StoreTable::kPins, [](absl::string_view /*key*/, absl::string_view value) { return DecodePin(value); },
      [&](absl::string_view key, const Pin& pin) {
        if (pin.until <= now || !absl::ConsumePrefix(&key, kHoldMark)) return;
        holds.emplace_back(key, Hold{.set_at = pin.set_at, .until = pin.until, .why = pin.why, .tell = pin.tell});
      });
  std::sort(holds.begin(), holds.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return holds;
}

std::vector<Cache::Planned> Cache::Agenda(const Planned& after, size_t limit) {
  if (impl_->settings.pseudonyms != nullptr) return impl_->AgendaOfThisRun(after, limit);
  std::vector<Planned> agenda;
  if (impl_->store == nullptr) return agenda;
  const Due behind = {.kind = DueKind::kProbe, .when = after.when, .key = after.key};
  absl::StatusOr<std::vector<Due>> dues = impl_->store->DuesAfter(DueKind::kProbe, behind.Encode(), limit);
  if (!dues.ok()) {
    impl_->ReportDamage(StoreTable::kRecords, "*", dues.status());
    return agenda;
  }
  agenda.reserve(dues->size());
  for (Due& due : *dues) agenda.push_back({.when = due.when, .key = std::move(due.key)});
  return agenda;
}

std::optional<DestinationState> Cache::FindDestinationState(absl::string_view name) {
  const auto find = [this](absl::string_view key) {
    return impl_->Find<DestinationState>(StoreTable::kDestinations, key,
                                         [&](absl::string_view value) { return DecodeDestinationState(key, value); });
  };
  std::optional<DestinationState> state = find(name);
  absl::string_view former_name = name;
  if (state.has_value() || !absl::ConsumePrefix(&former_name, DestinationState::kSmtpMark)) return state;
  const std::optional<DestinationState> former = find(former_name);
  if (!former.has_value()) return std::nullopt;
  state.emplace();
  state->name = std::string(name);
  state->held_until = former->held_until;
  state->held_why = former->held_why;
  state->trust.last_accepted = former->trust.last_accepted;
  return state;
}

std::vector<DestinationState> Cache::LoadDestinationStates() {
  std::vector<DestinationState> states;
  impl_->ForEach<DestinationState>(
      StoreTable::kDestinations, DecodeDestinationState,
      [&](absl::string_view /*name*/, DestinationState state) { states.push_back(std::move(state)); });
  return states;
}

void Cache::PutDestinationState(const DestinationState& state) {
  DestinationState masked = state;
  if (impl_->settings.pseudonyms != nullptr) masked.trust.why = MaskedText(state.trust.why, WithoutLocalPart);
  impl_->Put(StoreTable::kDestinations, state.name, EncodeDestinationState(masked));
}

std::optional<DomainBreaker> Cache::FindDomainBreaker(absl::string_view destination, absl::string_view domain) {
  const std::string key = DomainBreakerKey(destination, domain);
  return impl_->Find<DomainBreaker>(StoreTable::kBreakers, key,
                                    [&](absl::string_view value) { return DecodeDomainBreaker(key, value); });
}

std::vector<DomainBreaker> Cache::LoadDomainBreakers() {
  std::vector<DomainBreaker> breakers;
  impl_->ForEach<DomainBreaker>(
      StoreTable::kBreakers, DecodeDomainBreaker,
      [&](absl::string_view /*key*/, DomainBreaker breaker) { breakers.push_back(std::move(breaker)); });
  return breakers;
}

void Cache::PutDomainBreaker(const DomainBreaker& breaker) {
  DomainBreaker masked = breaker;
  if (impl_->settings.pseudonyms != nullptr) masked.trust.why = MaskedText(breaker.trust.why, WithoutLocalPart);
  impl_->Put(StoreTable::kBreakers, DomainBreakerKey(breaker.destination, breaker.domain), EncodeDomainBreaker(masked));
}

void Cache::MoveDomainBreakers() {
  for (DestinationState& state : LoadDestinationStates()) {
    const auto place = DomainBreaker::SplitName(state.name);
    if (!place.has_value()) continue;
    PutDomainBreaker({.destination = std::string(place->first),
                      .domain = std::string(place->second),
                      .breaker = state.breaker,
                      .trust = std::move(state.trust)});
    impl_->Put(StoreTable::kDestinations, state.name, std::nullopt);
  }
}

void Cache::HideAddresses() {
  if (impl_->settings.pseudonyms == nullptr || impl_->store == nullptr) return;
  impl_->HidePins();
  impl_->HideRecords();
}

bool Cache::Clean(absl::AnyInvocable<void()> done) {
  impl_->bound.Check();
  if (impl_->writer == nullptr) return false;
  impl_->waiting_for_cleanup.emplace_back(impl_->writer->Clean(), std::move(done));
  return true;
}

void Cache::Flush() {
  impl_->bound.Check();
  if (impl_->writer != nullptr) impl_->writer->Flush();
}

const Pseudonyms* Cache::pseudonyms() const { return impl_->settings.pseudonyms.get(); }
bool Cache::persistent() const { return impl_->store != nullptr; }
size_t Cache::uncommitted() const { return impl_->overlay->queued(); }

CacheCounts Cache::counts() {
  impl_->bound.Check();
  CacheCounts counts;
  counts.persistent = impl_->store != nullptr && !impl_->gone;
  counts.record_reads = impl_->record_reads;
  counts.domain_reads = impl_->domain_reads;
  counts.damaged = impl_->damaged;
  counts.uncommitted = impl_->overlay->size();
  if (impl_->store == nullptr) {
    counts.records = impl_->overlay->size(StoreTable::kRecords);
    counts.domains = impl_->overlay->size(StoreTable::kDomains);
    return counts;
  }
  if (const auto usage = impl_->store->Usage(); usage.ok()) {
    counts.records = usage->records;
    counts.domains = usage->domains;
    counts.file_bytes = usage->file_bytes;
    counts.used_bytes = usage->used_bytes;
  }
  const WriterCounts writer = impl_->writer->counts();
  counts.commits = writer.commits;
  counts.writes = writer.writes;
  counts.write_errors = writer.write_errors;
  if (counts.uncommitted > 0) counts.write_error = writer.write_error;
  counts.evicted = writer.evicted;
  counts.map_growths = impl_->store->map_growths();
  return counts;
}

}  // namespace verifyd
