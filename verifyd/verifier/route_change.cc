#include "verifyd/verifier/route_change.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "classifier/reason.h"
#include "probe/route_plan.h"
#include "verifyd/json/record_walk.h"

namespace verifyd {
namespace {

// What RouteSketch depends on, and whose domains are ours.
constexpr absl::string_view kRouteSettings[] = {
    "address_verify_default_transport",
    "address_verify_local_transport",
    "address_verify_relay_transport",
    "address_verify_relayhost",
    "address_verify_route_service",
    "address_verify_sender",
    "address_verify_sender_dependent_relayhost_maps",
    "address_verify_transport_maps",
    "address_verify_virtual_transport",
    "canonical_maps",
    "mydestination",
    "myorigin",
    "parent_domain_matches_subdomains",
    "probe_smtp_transports",
    "propagate_unmatched_extensions",
    "queue_directory",
    "recipient_canonical_maps",
    "recipient_delimiter",
    "relay_domains",
    "verify_domains",
    "virtual_alias_domains",
    "virtual_alias_maps",
    "virtual_mailbox_domains",
};

// What decides beside the route whether it leads back to us, inside, or nowhere.
constexpr absl::string_view kSurroundings[] = {
    "inet_interfaces",       "inet_protocols",   "lmtp_tcp_port",  "myhostname",    "postfix_proxymap_service",
    "probe_permit_networks", "proxy_interfaces", "smtp_helo_name", "smtp_tcp_port",
};

template <typename Names>
bool Differ(const Settings& before, const Settings& after, const Names& names) {
  return std::any_of(std::begin(names), std::end(names),
                     [&](absl::string_view name) { return before.Text(name) != after.Text(name); });
}

// The transports of Postfix's master.cf, and whether each speaks LMTP; their options lead nowhere else.
std::vector<std::pair<std::string, bool>> TransportsOf(const Settings& settings) {
  std::vector<std::pair<std::string, bool>> names;
  if (settings.postfix() == nullptr) return names;
  for (const PostfixTransport& transport : settings.postfix()->transports) {
    names.emplace_back(transport.name, transport.lmtp);
  }
  return names;
}

// The files that route settings name, with what was read of them.
std::vector<std::pair<std::string, FileMark>> RouteFiles(const Configuration& configuration) {
  std::vector<std::pair<std::string, FileMark>> files;
  for (const TableFile& file : configuration.table_files) {
    const bool concerned = std::any_of(
        std::begin(kRouteSettings), std::end(kRouteSettings),
        [&](absl::string_view name) { return absl::StrContains(configuration.settings->Text(name), file.path); });
    if (concerned) files.emplace_back(file.path, file.mark);
  }
  return files;
}

bool IsNamed(const Configuration& configuration, const Address& address) {
  return configuration.verifier->verify_domains.Names(address) || configuration.verifier->relay_domains.Names(address);
}

// What the surroundings may have made.
bool IsOfSurroundings(const Finding& finding) {
  return IsOwnTrouble(finding.reason) || finding.reason == Reason::kMxBogon ||
         (finding.reason == Reason::kDomainNotHosted && finding.code == 0);
}

}  // namespace

std::shared_ptr<const RouteChange> RouteChange::Between(const std::shared_ptr<const Configuration>& before,
                                                        const std::shared_ptr<const Configuration>& after,
                                                        absl::Time now) {
  const Settings& was = *before->settings;
  const Settings& is = *after->settings;
  std::shared_ptr<RouteChange> change(new RouteChange({before}, after, now));
  change->routes_ = Differ(was, is, kRouteSettings) || TransportsOf(was) != TransportsOf(is) ||
                    RouteFiles(*before) != RouteFiles(*after);
  change->surroundings_ = Differ(was, is, kSurroundings) || before->probe->own_addresses != after->probe->own_addresses;
  if (!change->routes_ && !change->surroundings_) return nullptr;
  return change;
}

std::string RouteChange::RouteText(const Configuration& configuration) {
  std::string text;
  for (const absl::string_view name : kRouteSettings) {
    absl::StrAppend(&text, name, " = ", configuration.settings->Text(name), "\n");
  }
  for (const auto& [name, lmtp] : TransportsOf(*configuration.settings)) {
    absl::StrAppend(&text, name, lmtp ? " lmtp" : " smtp", "\n");
  }
  for (const auto& [path, mark] : RouteFiles(configuration)) {
    absl::StrAppend(&text, path, " ", mark.size, " ", mark.modified, "\n");
  }
  return text;
}

std::shared_ptr<const RouteChange> RouteChange::SinceEarlierRun(absl::string_view text,
                                                                std::shared_ptr<const Configuration> after,
                                                                absl::Time now) {
  if (text == RouteText(*after)) return nullptr;
  std::shared_ptr<RouteChange> change(new RouteChange({}, std::move(after), now));
  change->routes_ = true;
  change->ours_only_ = true;
  return change;
}

std::shared_ptr<const RouteChange> RouteChange::Joined(const RouteChange& earlier, const RouteChange& later) {
  std::vector<std::shared_ptr<const Configuration>> before = earlier.before_;
  before.insert(before.end(), later.before_.begin(), later.before_.end());
  if (earlier.before_.empty() || before.size() > kRemembered) before.clear();
  std::shared_ptr<RouteChange> change(new RouteChange(std::move(before), later.after_, later.when_));
  change->routes_ = earlier.routes_ || later.routes_;
  change->surroundings_ = earlier.surroundings_ || later.surroundings_;
  return change;
}

bool RouteChange::Moves(const Address& address) const {
  if (!routes_) return false;
  const auto sketch_by = [&](const Configuration& configuration) {
    return RouteSketch(address, configuration.verifier->probe_sender.At(when_), *configuration.probe);
  };
  const bool named = IsNamed(*after_, address);
  const std::string sketch = sketch_by(*after_);
  if (before_.empty()) return named || !ours_only_;
  return absl::c_any_of(before_, [&](const std::shared_ptr<const Configuration>& before) {
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
  // A refusal from elsewhere speaks against it no more.
  record.pending.reset();
  record.retry_identity.reset();
  record.next_probe = when_;
  cache.PutRecord(key, record);
  return {.due = 1};
}

// Also what waits for a second opinion; that the domain was alive, and what is known of catch-all, names its place.
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
    Cache::RecordPage page = cache.RecordsAfter(next, RecordWalk::kInATurn);
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
    Cache::DomainPage page = cache.DomainFactsAfter(next, RecordWalk::kInATurn);
    for (const DomainFact& fact : page.facts) add(change->HeedDomain(cache, fact));
    next = std::move(page.next);
    co_await loop.Yield();
    while (!superseded() && !co_await RoomForWrites(loop, cache)) {
    }
  } while (!next.empty() && !superseded());
  co_return counts;
}

}  // namespace verifyd
