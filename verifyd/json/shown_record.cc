#include "verifyd/json/shown_record.h"

#include "classifier/reason.h"

namespace verifyd {
namespace {

absl::string_view FreshnessName(Freshness freshness) {
  switch (freshness) {
    case Freshness::kFresh:
      return "fresh";
    case Freshness::kRefresh:
      return "refresh";
    case Freshness::kStale:
      return "stale";
    case Freshness::kExpired:
      return "expired";
  }
  return "expired";
}

absl::string_view CatchAllName(CatchAll catch_all) {
  switch (catch_all) {
    case CatchAll::kNotAsked:
      return "not_asked";
    case CatchAll::kYes:
      return "yes";
    case CatchAll::kNo:
      return "no";
    case CatchAll::kCouldNotTell:
      return "could_not_tell";
    case CatchAll::kInconsistent:
      return "inconsistent";
  }
  return "not_asked";
}

ShownStanding Standing(const Finding& finding) {
  return {.status = DeliverabilityName(ShownDeliverability(finding.deliverability, finding.reason)),
          .finding = {Shown(finding)}};
}

ShownPast Shown(const PastFinding& past) {
  return {.when = past.when,
          .status = DeliverabilityName(ShownDeliverability(past.deliverability, past.reason)),
          .reason = ReasonName(past.reason),
          .scope = ScopeName(past.scope),
          .stage = StageName(past.stage),
          .code = past.code};
}

}  // namespace

ShownRecord Shown(const Record& record, const Lifetimes& lifetimes, absl::Time now) {
  ShownRecord shown{.freshness = FreshnessName(FreshnessOf(record, lifetimes, now)),
                    .finding = Standing(record.finding),
                    .first_seen = record.first_seen,
                    .last_positive = record.last_positive,
                    .first_temporary = record.first_temporary,
                    .temporary_count = record.temporary_count,
                    .negative_since = record.negative_since,
                    .grace_until = GraceOf(record, lifetimes),
                    .refresh_at = RefreshOf(record, lifetimes),
                    .expire_at = ExpiryOf(record, lifetimes),
                    .kept_until = KeptUntil(record, lifetimes)};
  if (record.pending.has_value()) shown.pending = Standing(*record.pending);
  if (record.on_agenda()) shown.next_probe = record.next_probe;
  for (const PastFinding& past : record.history) shown.history.push_back(Shown(past));
  return shown;
}

ShownDomain Shown(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now) {
  ShownDomain shown{.domain = fact.domain,
                    .freshness = FreshnessName(FreshnessOf(fact, lifetimes, now)),
                    .expire_at = ExpiryOf(fact, lifetimes),
                    .catch_all = CatchAllName(fact.catch_all),
                    .catch_all_when = fact.catch_all_when,
                    .catch_all_at = fact.catch_all_at,
                    .alive = fact.alive};
  if (fact.decides()) shown.finding = Standing(fact.finding);
  if (fact.catch_all == CatchAll::kYes) shown.reason = ReasonName(Reason::kCatchAll);
  if (fact.catch_all == CatchAll::kInconsistent) shown.reason = ReasonName(Reason::kCatchAllInconsistent);
  if (fact.pending.has_value()) shown.pending = Standing(*fact.pending);
  return shown;
}

ShownPin Shown(const Pin& pin) {
  return {.status = DeliverabilityName(pin.deliverability),
          .set_at = pin.set_at,
          .until = pin.until,
          .why = pin.why,
          .tell = pin.tell};
}

ShownPin Shown(absl::string_view key, const Pin& pin) {
  ShownPin shown = Shown(pin);
  shown.target = key;
  return shown;
}

ShownPin Shown(absl::string_view target, const Hold& hold) {
  return {.target = target,
          .status = kShownHold,
          .set_at = hold.set_at,
          .until = hold.until,
          .why = hold.why,
          .tell = hold.tell};
}

}  // namespace verifyd
