#include "verifyd/verifier/learner.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "cache/lifetime.h"
#include "cache/merge.h"
#include "cache/postfix_rule.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"
#include "classifier/retry_delay.h"
#include "mail/address_forms.h"
#include "mail/masked_text.h"

namespace verifyd {
namespace {

// The pause where a greylisting server names no time for the retry; the margin is added to both.
constexpr absl::Duration kRetryDelay = absl::Minutes(5);
constexpr absl::Duration kRetryMargin = absl::Seconds(10);
constexpr uint32_t kMaxRetries = 5;
// A hurried server is asked again with all the time there is. So many retries take less than half the agenda's places.
constexpr double kHurriedAgainPerMinute = 4;
// Temporary "unknown user" answers, and the time they span, that count as persistent.
constexpr uint32_t kPersistentAnswers = 5;
constexpr absl::Duration kPersistentTime = absl::Hours(24);
// The time when a domain was last alive is as exact as this.
constexpr absl::Duration kAliveStep = absl::Hours(1);

// The knowledge of catch-all decides whether a positive means anything.
Finding WithCatchAll(Finding finding, CatchAll known) {
  if (finding.reason != Reason::kAccepted) return finding;
  switch (known) {
    case CatchAll::kYes:
      finding.reason = Reason::kCatchAll;
      break;
    case CatchAll::kCouldNotTell:
    case CatchAll::kInconsistent:
      finding.reason = Reason::kAcceptedCatchallUnknown;
      break;
    case CatchAll::kNo:
    case CatchAll::kNotAsked:
      break;
  }
  return finding;
}

Finding NotBelievedYet(const Finding& finding) {
  return ToFinding(ClassificationOf(Reason::kDnsTemporary, "domain.second_opinion"), finding.stage,
                   absl::StrCat("not believed yet, as the domain had mail servers not long ago: ", finding.text),
                   finding.when);
}

// Whether a server has answered, and not that it does not know the domain.
bool Talked(const Finding& finding) {
  return finding.code != 0 && finding.stage >= Stage::kMail && finding.reason != Reason::kRelayDenied;
}

}  // namespace

Learner::Learner(const Clock& clock, bool hides_addresses) : clock_(clock), hides_addresses_(hides_addresses) {
  skipped_.Observe(clock_);
  hurried_again_.SetRate(kHurriedAgainPerMinute / 60);
}

Learned Learner::Learn(const ProbeRequest& request, const ProbeOutcome& outcome, Held held) {
  if (settings_->postfix_policy) return LearnByPostfixRule(outcome, std::move(held));
  skipped_.Observe(clock_);
  const Address& address = request.address;
  Learned learned{.held = std::move(held), .finding = outcome.finding};
  if (hides_addresses_) learned.finding.text = MaskedReply(outcome.finding.text, address.Key());
  TakeInDomain(address, outcome, learned);
  TakeInCatchAll(address, outcome, learned);
  if (IsPersistent(learned.finding, learned.held.record)) {
    const ReasonRow& row = RowOf(Reason::kNoSuchUserPersistent);
    learned.finding.deliverability = row.deliverability;
    learned.finding.reason = row.reason;
    learned.finding.scope = row.scope;
  }
  TakeInRecord(address, outcome, learned);
  return learned;
}

Learned Learner::LearnByPostfixRule(const ProbeOutcome& outcome, Held held) const {
  Learned learned{.held = std::move(held), .finding = ByClassDigit(outcome.finding)};
  if (!settings_->negative_cache && learned.finding.deliverability != Deliverability::kDeliverable) return learned;
  if (std::optional<Record> record = UpdateByPostfixRule(learned.held.record, learned.finding)) {
    Keep(*std::move(record), learned);
  }
  return learned;
}

void Learner::Keep(Record record, Learned& learned) const {
  learned.held.record_freshness = FreshnessOf(record, settings_->lifetimes, clock_.Now());
  learned.held.record = std::move(record);
  learned.record_changed = true;
}

void Learner::Merge(const DomainFact& fact, Learned& learned) const {
  learned.held.domain = MergeFact(learned.held.domain, fact, settings_->lifetimes, clock_.Now(), skipped_);
  learned.domain_changed = true;
}

// A negative about the domain that waits for a second one counts as temporary for the address.
void Learner::TakeInDomain(const Address& address, const ProbeOutcome& outcome, Learned& learned) const {
  const std::optional<DomainFact>& domain = learned.held.domain;
  if (outcome.relay_denied_everywhere) return TakeInNotHosted(address, learned);
  if (outcome.domain_fact != nullptr) {
    Merge(*outcome.domain_fact, learned);
    if (!domain->decides() && outcome.domain_fact->decides()) learned.finding = NotBelievedYet(learned.finding);
    return;
  }
  const absl::Time now = clock_.Now();
  const bool known = domain.has_value() && domain->alive <= now && now - domain->alive < kAliveStep;
  if (!Talked(learned.finding) || known) return;
  DomainFact fact;
  fact.domain = address.domain();
  fact.alive = now;
  Merge(fact, learned);
}

// All MX say that they do not relay for the domain. If they say so twice, it is hosted nowhere.
void Learner::TakeInNotHosted(const Address& address, Learned& learned) const {
  const Finding& finding = learned.finding;
  DomainFact fact;
  fact.domain = address.domain();
  fact.finding = ToFinding(ClassificationOf(Reason::kDomainNotHosted, "domain.not_hosted"), finding.stage, finding.text,
                           finding.when);
  fact.finding.code = finding.code;
  fact.finding.enhanced = finding.enhanced;
  fact.finding.mx_name = finding.mx_name;
  fact.finding.mx_address = finding.mx_address;
  fact.ttl = absl::InfiniteDuration();
  Merge(fact, learned);
  if (learned.held.domain->decides()) learned.finding = learned.held.domain->finding;
}

// A positive goes with the knowledge of catch-all, which decides whether it says anything about the one address.
void Learner::TakeInCatchAll(const Address& address, const ProbeOutcome& outcome, Learned& learned) const {
  const absl::Time now = clock_.Now();
  std::optional<DomainFact>& domain = learned.held.domain;
  if (outcome.catch_all != CatchAll::kNotAsked) {
    DomainFact fact;
    fact.domain = address.domain();
    fact.catch_all = outcome.catch_all;
    fact.catch_all_when = now;
    fact.catch_all_at = outcome.destination;
    Merge(fact, learned);
  }
  if (learned.finding.reason != Reason::kAccepted || !domain.has_value()) return;
  if (domain->catch_all != CatchAll::kNotAsked && domain->catch_all_at != outcome.destination) {
    // The domain has moved: the knowledge of the old place counts no more, and the next probe asks anew.
    domain->catch_all = CatchAll::kNotAsked;
    learned.domain_changed = true;
    return;
  }
  learned.finding = WithCatchAll(std::move(learned.finding), CatchAllOf(*domain, settings_->lifetimes, now));
}

bool Learner::IsPersistent(const Finding& finding, const std::optional<Record>& record) const {
  if (!settings_->promote_persistent || finding.reason != Reason::kNoSuchUserTemporary) return false;
  if (!record.has_value() || record->temporary_count + 1 < kPersistentAnswers ||
      skipped_.Between(record->first_temporary, finding.when) < kPersistentTime) {
    return false;
  }
  return std::all_of(record->history.begin(), record->history.end(),
                     [](const PastFinding& past) { return past.reason == Reason::kNoSuchUserTemporary; });
}

void Learner::TakeInRecord(const Address& address, const ProbeOutcome& outcome, Learned& learned) {
  const Held& held = learned.held;
  const Finding& finding = learned.finding;
  // A finding about the whole domain is kept once, not for every address that was asked about. Where there is a record
  // of this address, it learns the finding, too.
  const bool kept_of_domain = finding.definite() && finding.scope == Scope::kDomain && !held.record.has_value() &&
                              held.domain.has_value() && held.domain->decides();
  if (kept_of_domain) return;
  Record record = verifyd::Merge(held.record, finding, settings_->lifetimes, skipped_);
  PlanRetry(address, outcome, held.record, record);
  if (!settings_->negative_cache && record.finding.deliverability != Deliverability::kDeliverable) {
    learned.held.record.reset();
    learned.record_changed = true;
    return;
  }
  if (record.on_agenda()) learned.wants_probe = record.next_probe;
  Keep(std::move(record), learned);
}

// Plans the next try where the server may answer otherwise later: with which identity, and when.
void Learner::PlanRetry(const Address& address, const ProbeOutcome& outcome, const std::optional<Record>& before,
                        Record& record) {
  const Finding& finding = record.finding;
  if (finding.reason == Reason::kNone || finding.when != outcome.finding.when) return;
  // A server that was hurried gets its time later, but the agenda is not for servers that only stay silent.
  const bool hurried =
      outcome.hurried && finding.reason == Reason::kBannerTimeout && hurried_again_.Take(1, clock_.Mono()) > 0;
  if (!hurried && RowOf(finding.reason).cache_class != CacheClass::kSchedule) return;
  const bool same = before.has_value() && before->retry_identity == outcome.identity;
  record.retry_identity = outcome.identity;
  // After so many retries no more are worth it; the next question begins anew.
  if (record.temporary_count > (same ? kMaxRetries : 2 * kMaxRetries)) {
    record.retry_identity.reset();
    return;
  }
  // Only a time that the server names counts, not one that stands in the address.
  const std::string said = AddressForms(address.local()).Marked(finding.text);
  const absl::Duration pause = RetryDelayIn(said).value_or(kRetryDelay) + kRetryMargin;
  record.next_probe = finding.when + pause;
}

std::optional<Imported> Learner::WeighReport(const Finding& finding, const Held& held) const {
  const bool positive = finding.deliverability == Deliverability::kDeliverable;
  if (!finding.definite() || finding.scope != Scope::kAddress || !(positive || settings_->negative_cache)) {
    return std::nullopt;
  }
  const Record record = verifyd::Merge(std::nullopt, finding, settings_->lifetimes);
  return WeighRecord(record, held.record, settings_->lifetimes, clock_.Now());
}

// Returns what a probe would know of catch-all. Where it would have asked and nobody has, we can not tell.
CatchAll Learner::KnownCatchAll(const ProbeOutcome& outcome, AskCatchAll wanted, const Held& held) const {
  if (held.domain.has_value() && held.domain->catch_all_at == outcome.destination) {
    const CatchAll known = CatchAllOf(*held.domain, settings_->lifetimes, clock_.Now());
    if (known != CatchAll::kNotAsked) return known;
  }
  const bool asks =
      wanted == AskCatchAll::kAlways || (wanted == AskCatchAll::kOnConfiguredRoutes && outcome.configured_route);
  return asks ? CatchAll::kCouldNotTell : CatchAll::kNotAsked;
}

Learned Learner::LearnReport(const ProbeOutcome& outcome, AskCatchAll wanted, Held held) {
  skipped_.Observe(clock_);
  Learned learned{.held = std::move(held)};
  learned.finding = WithCatchAll(outcome.finding, KnownCatchAll(outcome, wanted, learned.held));
  const Record record = verifyd::Merge(std::nullopt, learned.finding, settings_->lifetimes);
  if (WeighRecord(record, learned.held.record, settings_->lifetimes, clock_.Now()) != Imported::kTaken) return learned;
  Record joined = JoinedRecord(learned.held.record, record, settings_->lifetimes, skipped_);
  if (joined.on_agenda()) learned.wants_probe = joined.next_probe;
  Keep(std::move(joined), learned);
  return learned;
}

Learned Learner::Forgo(Held held, absl::Duration pause) const {
  Learned learned{.held = std::move(held)};
  std::optional<Record>& record = learned.held.record;
  if (!record.has_value() || !record->on_agenda()) return learned;
  learned.record_changed = true;
  record->next_probe = clock_.Now() + pause;
  return learned;
}

Learned Learner::ForgetProbe(Held held, absl::Duration pause) const {
  if (!settings_->postfix_policy) return Forgo(std::move(held), pause);
  Learned learned{.held = std::move(held)};
  std::optional<Record>& record = learned.held.record;
  if (!record.has_value()) return learned;
  learned.record_changed = true;
  record->next_probe = absl::InfiniteFuture();
  const bool found_nothing_yet = record->finding.when == absl::InfinitePast();
  if (found_nothing_yet) record.reset();
  return learned;
}

}  // namespace verifyd
