#include "verifyd/verifier/memory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cache/postfix_rule.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"

namespace verifyd {
namespace {

// No server could be handed it.
Verdict NoAddress(absl::string_view why, absl::Time now) {
  return Known(VerdictSource::kNothing,
               ToFinding(ClassificationOf(Reason::kBadAddressSyntax, "address.syntax"), Stage::kDns,
                         absl::StrCat("bad address syntax: ", why), now),
               now);
}

}  // namespace

void RememberDestinations(Cache& cache, Prober& prober) {
  prober.Restore(cache.LoadDestinationStates(), cache.LoadDomainBreakers());
  prober.SetRecall(
      {.destination = [&cache](const std::string& name) { return cache.FindDestinationState(name); },
       .domain = [&cache](const std::string& destination,
                          const std::string& domain) { return cache.FindDomainBreaker(destination, domain); }});
  // The guard's part and the operator's note are not the prober's to change.
  prober.SetObserver({.destination =
                          [&cache](DestinationState state) {
                            if (std::optional<DestinationState> held = cache.FindDestinationState(state.name)) {
                              state.trust = std::move(held->trust);
                              state.held_why = std::move(held->held_why);
                            }
                            cache.PutDestinationState(state);
                          },
                      .domain =
                          [&cache](DomainBreaker breaker) {
                            if (std::optional<DomainBreaker> held =
                                    cache.FindDomainBreaker(breaker.destination, breaker.domain)) {
                              breaker.trust = std::move(held->trust);
                            }
                            cache.PutDomainBreaker(breaker);
                          }});
}

Verdict NotVerifiable(std::string why) {
  Verdict verdict;
  verdict.state = VerdictState::kNotVerifiable;
  verdict.finding.text = std::move(why);
  return verdict;
}

Verdict Known(VerdictSource source, const Finding& finding, absl::Time now) {
  Verdict verdict;
  verdict.state = VerdictState::kKnown;
  verdict.source = source;
  verdict.finding = finding;
  verdict.age = std::max(absl::ZeroDuration(), now - finding.when);
  return verdict;
}

Memory::Held Memory::Find(const Address& address) const {
  Held held;
  const std::string key = address.Key();
  const absl::Time now = clock_.Now();
  cache_.Together([&] {
    held.pin = cache_.FindPin(key, address.domain(), now);
    if (held.pin.has_value()) return;
    held.hold = cache_.FindHold(address.domain(), now);
    held.record = cache_.FindRecord(key);
    if (held.record.has_value()) held.record_freshness = FreshnessOf(*held.record, settings_->lifetimes, now);
  });
  return held;
}

Verdict Memory::Recall(const Question& question) const {
  const Held held = Find(question.address);
  if (held.record.has_value()) cache_.NoteAsked(question.address.Key());
  std::optional<Verdict> verdict = Overruling(question, held);
  if (!verdict.has_value()) verdict = FoundOut(question.address, held);
  return verdict.value_or(Verdict());
}

std::optional<Verdict> Memory::Overruling(const Question& question, const Held& held) const {
  if (held.pin.has_value()) return FromPin(*held.pin);
  if (!question.any_domain && !settings_->verify_domains.Contains(question.address)) {
    // Also where something is remembered: a domain that was taken off the list is left alone from then on.
    return NotVerifiable(absl::StrCat("domain ", question.address.domain(), " is not in verify_domains"));
  }
  if (held.hold.has_value()) return OnHold(question.address, held);
  if (!question.no_address.empty()) return NoAddress(question.no_address, clock_.Now());
  return std::nullopt;
}

std::optional<Verdict> Memory::FoundOut(const Address& address, const Held& held) const {
  if (settings_->postfix_policy) {
    const absl::Time now = clock_.Now();
    const PostfixAnswer answer = AskByPostfixRule(held.record, settings_->lifetimes, settings_->negative_cache, now);
    if (!answer.finding.has_value()) return std::nullopt;
    return Known(VerdictSource::kRecord, *answer.finding, now);
  }
  if (held.live()) return FromRecord(*held.record);
  return FromDomain(address.domain());
}

Verdict Memory::FromPin(const Pin& pin) const {
  Finding finding;
  finding.deliverability = pin.deliverability;
  finding.scope = Scope::kAddress;
  finding.rule = "pin";
  finding.text = pin.tell && !pin.why.empty() ? pin.why : "set by the operator";
  finding.when = pin.set_at;
  return Known(VerdictSource::kPin, finding, clock_.Now());
}

Verdict Memory::FromRecord(const Record& record) const {
  const absl::Time now = clock_.Now();
  Verdict verdict = Known(VerdictSource::kRecord, record.finding, now);
  verdict.finding.deliverability = ShownDeliverability(record.finding.deliverability, record.finding.reason);
  verdict.grace = GraceOf(record, settings_->lifetimes) > now;
  if (record.finding.deliverability == Deliverability::kUnknown && record.temporary_count > 0) {
    verdict.deferred_since = record.first_temporary;
  }
  return verdict;
}

std::optional<Verdict> Memory::FromDomain(const std::string& domain) const {
  const absl::Time now = clock_.Now();
  const std::optional<DomainFact> fact = cache_.FindDomainFact(domain);
  if (!fact.has_value() || !fact->decides() || FreshnessOf(*fact, settings_->lifetimes, now) == Freshness::kExpired) {
    return std::nullopt;
  }
  return Known(VerdictSource::kDomainFact, fact->finding, now);
}

Verdict Memory::OnHold(const Address& address, const Held& held) const {
  const std::optional<Record>& record = held.record;
  const bool positive = record.has_value() && record->finding.deliverability == Deliverability::kDeliverable;
  if (positive || (held.live() && record->finding.definite())) return FromRecord(*record);
  const bool told = held.hold.has_value() && held.hold->tell && !held.hold->why.empty();
  const std::string text =
      absl::StrCat("verification of ", address.domain(), " is on hold", told ? absl::StrCat(": ", held.hold->why) : "");
  if (!settings_->hold_defers) return NotVerifiable(text);
  const absl::Time now = clock_.Now();
  return Known(VerdictSource::kPin,
               ToFinding(ClassificationOf(Reason::kDestinationDoubted, kHoldRule), Stage::kDns, text, now), now);
}

}  // namespace verifyd
