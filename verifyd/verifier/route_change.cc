#include "verifyd/verifier/route_change.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cache/write_room.h"
#include "classifier/reason.h"
#include "probe/route_plan.h"

namespace verifyd {
namespace {

bool IsNamed(const Routing& routing, const Address& address) {
  return routing.verifier->verify_domains.Names(address) || routing.verifier->relay_domains.Names(address);
}

// Whether the surroundings may have caused the finding.
bool IsOfSurroundings(const Finding& finding) {
  return IsOwnTrouble(finding.reason) || finding.reason == Reason::kMxBogon ||
         (finding.reason == Reason::kDomainNotHosted && finding.code == 0);
}

}  // namespace

std::shared_ptr<const RouteChange> RouteChange::Between(const std::shared_ptr<const Routing>& before,
                                                        const std::shared_ptr<const Routing>& after, absl::Time now) {
  std::shared_ptr<RouteChange> change(new RouteChange({before}, after, now));
  change->routes_ = before->text != after->text || before->files != after->files;
  change->surroundings_ =
      before->surroundings != after->surroundings || before->probe->own_addresses != after->probe->own_addresses;
  if (!change->routes_ && !change->surroundings_) return nullptr;
  return change;
}

std::shared_ptr<const RouteChange> RouteChange::SinceEarlierRun(absl::string_view text,
                                                                std::shared_ptr<const Routing> after, absl::Time now) {
  if (text == after->text) return nullptr;
  std::shared_ptr<RouteChange> change(new RouteChange({}, std::move(after), now));
  change->routes_ = true;
  change->ours_only_ = true;
  return change;
}

std::shared_ptr<const RouteChange> RouteChange::Joined(const RouteChange& earlier, const RouteChange& later) {
  std::vector<std::shared_ptr<const Routing>> before = earlier.before_;
  before.insert(before.end(), later.before_.begin(), later.before_.end());
  if (earlier.before_.empty() || before.size() > kRemembered) before.clear();
  std::shared_ptr<RouteChange> change(new RouteChange(std::move(before), later.after_, later.when_));
  change->routes_ = earlier.routes_ || later.routes_;
  change->surroundings_ = earlier.surroundings_ || later.surroundings_;
  return change;
}

bool RouteChange::Moves(const Address& address) const {
  if (!routes_) return false;
  const auto sketch_by = [&](const Routing& routing) {
    return RouteSketch(address, routing.verifier->probe_sender.At(when_), *routing.probe);
  };
  const bool named = IsNamed(*after_, address);
  const std::string sketch = sketch_by(*after_);
  if (before_.empty()) return named || !ours_only_;
  return absl::c_any_of(before_, [&](const std::shared_ptr<const Routing>& before) {
    return IsNamed(*before, address) != named || sketch_by(*before) != sketch;
  });
}

RouteChange::Counts RouteChange::HeedRecord(Cache& cache, absl::string_view key, const Address& address,
                                            Record record) const {
  if (record.finding.when > when_) return {};
  const bool moves = Moves(address);
  if (record.finding.deliverability != Deliverability::kDeliverable) {
    const bool said_nothing = surroundings_ && IsOfSurroundings(record.finding);
    return {.dropped = (moves || said_nothing) && cache.DeleteRecord(key) ? size_t{1} : 0};
  }
  if (!moves || (record.next_probe <= when_ && !record.on_agenda())) return {};
  // A refusal by a server of the old route no longer speaks against the address.
  record.pending.reset();
  record.retry_identity.reset();
  record.next_probe = when_;
  cache.PutRecord(key, record);
  return {.due = 1};
}

// Drops a finding that waits for a second opinion, too. A fact without a finding stays: it says that the domain was
// alive, and its catch-all names its place.
RouteChange::Counts RouteChange::HeedDomain(Cache& cache, const DomainFact& fact) const {
  const Finding* const finding = fact.decides() ? &fact.finding : fact.pending.has_value() ? &*fact.pending : nullptr;
  if (finding == nullptr || finding->when > when_) return {};
  const absl::StatusOr<Address> somebody = Address::FromUnquoted(absl::StrCat("postmaster@", fact.domain));
  const bool moves = somebody.ok() && Moves(*somebody);
  if (!moves && !(surroundings_ && IsOfSurroundings(*finding))) return {};
  return {.dropped = cache.DeleteDomainFact(fact.domain) ? size_t{1} : 0};
}

void RouteChange::Heed(Cache& cache, const Address& address) const {
  const std::string key = address.Key();
  if (std::optional<Record> record = cache.FindRecord(key)) HeedRecord(cache, key, address, *std::move(record));
  if (const std::optional<DomainFact> fact = cache.FindDomainFact(address.domain())) HeedDomain(cache, *fact);
}

boost::asio::awaitable<RouteChange::Counts> RouteChange::HeedAll(Loop& loop, Cache& cache,
                                                                 std::shared_ptr<const RouteChange> change,
                                                                 std::function<bool()> superseded) {
  Counts counts;
  const auto add = [&](const Counts& some) {
    counts.dropped += some.dropped;
    counts.due += some.due;
  };
  std::string next;
  do {
    Cache::RecordPage page = cache.RecordsAfter(next, Cache::kInATurn);
    for (auto& [key, record] : page.records) {
      const absl::StatusOr<Address> address = Address::FromUnquoted(key);
      if (address.ok()) add(change->HeedRecord(cache, key, *address, std::move(record)));
    }
    next = std::move(page.next);
    co_await loop.Yield();
    while (!superseded() && !co_await RoomForWrites(loop, cache)) {
    }
  } while (!next.empty() && !superseded());
  do {
    Cache::DomainPage page = cache.DomainFactsAfter(next, Cache::kInATurn);
    for (const DomainFact& fact : page.facts) add(change->HeedDomain(cache, fact));
    next = std::move(page.next);
    co_await loop.Yield();
    while (!superseded() && !co_await RoomForWrites(loop, cache)) {
    }
  } while (!next.empty() && !superseded());
  co_return counts;
}

}  // namespace verifyd
