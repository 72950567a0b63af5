#include "cache/cleaner.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace verifyd {
namespace {

// The entries that the cleaner removes.
constexpr std::array<std::pair<DueKind, StoreTable>, 4> kCleaned = {{
    {DueKind::kRecordExpiry, StoreTable::kRecords},
    {DueKind::kDomainExpiry, StoreTable::kDomains},
    {DueKind::kDestinationExpiry, StoreTable::kDestinations},
    {DueKind::kBreakerExpiry, StoreTable::kBreakers},
}};

// Returns when the value expires by today's lifetimes; nothing if it is damaged.
std::optional<absl::Time> ExpiryOfValue(StoreTable table, const Due& due, absl::string_view value,
                                        const Lifetimes& lifetimes) {
  for (const Due& true_due : DuesOf(table, due.key, value, lifetimes)) {
    if (true_due.kind == due.kind) return true_due.when;
  }
  return std::nullopt;
}

// True if the value was removed.
absl::StatusOr<bool> Judge(Store::Changes& changes, StoreTable table, const Due& due, const Lifetimes& lifetimes,
                           absl::Time now) {
  ASSIGN_OR_RETURN(const std::optional<absl::string_view> value, changes.Find(table, due.key));
  std::optional<absl::Time> expiry;
  if (value.has_value()) expiry = ExpiryOfValue(table, due, *value, lifetimes);
  RETURN_IF_ERROR(changes.DeleteDue(due));
  if (!value.has_value()) return false;
  if (expiry.has_value() && *expiry >= now) {
    RETURN_IF_ERROR(changes.PutDue({.kind = due.kind, .when = *expiry, .key = due.key}));
    return false;
  }
  RETURN_IF_ERROR(changes.Delete(table, due.key, lifetimes));
  return true;
}

}  // namespace

absl::Duration UntilCleanup(std::optional<absl::Time> last_completed, absl::Duration interval, absl::Time now) {
  if (!last_completed.has_value()) return absl::ZeroDuration();
  return std::clamp(*last_completed + interval - now, absl::ZeroDuration(), interval);
}

void Cleaner::Begin(absl::Time now) {
  running_ = true;
  now_ = now;
  retained_ = 0;
  dropped_ = 0;
  store_.CheckReaders();
}

absl::Status Cleaner::RunSlice(const Lifetimes& lifetimes) {
  uint64_t dropped = 0;
  uint64_t retained = 0;
  bool more = false;
  absl::Status status = store_.Write([&](Store::Changes& changes) -> absl::Status {
    dropped = 0;
    more = false;
    size_t left = slice_;
    for (const auto& [kind, table] : kCleaned) {
      ASSIGN_OR_RETURN(const std::vector<Due> dues, changes.DueBefore(kind, now_, left));
      for (const Due& due : dues) {
        ASSIGN_OR_RETURN(const bool gone, Judge(changes, table, due, lifetimes, now_));
        if (gone && (table == StoreTable::kRecords || table == StoreTable::kDomains)) ++dropped;
      }
      left -= dues.size();
      if (left == 0) {
        more = true;
        break;
      }
    }
    ASSIGN_OR_RETURN(const uint64_t records, changes.Entries(StoreTable::kRecords));
    ASSIGN_OR_RETURN(const uint64_t domains, changes.Entries(StoreTable::kDomains));
    retained = records + domains;
    return more ? absl::OkStatus() : changes.SetLastCleanup(now_);
  });
  if (!status.ok()) {
    LogWarning(absl::StrCat("cache ", map_name_, " cleanup terminated due to error: ", status.message()));
    Abandon();
    return status;
  }
  retained_ = retained;
  dropped_ += dropped;
  if (!more) {
    running_ = false;
    LogSummary("full");
  }
  return absl::OkStatus();
}

void Cleaner::Abandon() {
  if (!running_) return;
  running_ = false;
  LogSummary("partial");
}

void Cleaner::LogSummary(absl::string_view extent) const {
  LogInfo(absl::StrCat("cache ", map_name_, " ", extent, " cleanup: retained=", retained_, " dropped=", dropped_,
                       " entries"));
}

}  // namespace verifyd
