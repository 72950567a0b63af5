#include "verifyd/verifier/memory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cache/postfix_rule.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"
#include "probe/prober.h"

namespace verifyd {
namespace {

constexpr absl::string_view kInProgressText = "Address verification in progress";

// Answers for an address that could be handed to no server.
Verdict NoAddress(absl::string_view why, absl::Time now) {
  return Known(VerdictSource::kNothing,
               ToFinding(ClassificationOf(Reason::kBadAddressSyntax, "address.syntax"), Stage::kDns,
                         absl::StrCat("bad address syntax: ", why), now),
               now);
}

}  // namespace

Verdict InProgress() {
  Verdict verdict;
  verdict.state = VerdictState::kInProgress;
  verdict.finding.text = std::string(kInProgressText);
  return verdict;
}

void RememberDestinations(Cache& cache, Prober& prober) {
  prober.Restore(cache.LoadDestinationStates(), cache.LoadDomainBreakers());
  prober.SetRecall(
      {.destination = [&cache](const std::string& name) { return cache.FindDestinationState(name); },
       .domain = [&cache](const std::string& destination,
                          const std::string& domain) { return cache.FindDomainBreaker(destination, domain); }});
  // The prober must not change the guard's part and the operator's note.
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

void Memory::ReadWord(const Address& address, Held& held) const {
  const absl::Time now = clock_.Now();
  held.as_of = cache_.changes();
  held.pin = cache_.FindPin(address.Key(), address.domain(), now);
  if (!held.pin.has_value()) held.hold = cache_.FindHold(address.domain(), now);
}

void Memory::ReadRecord(const Address& address, Held& held) const {
  held.record = cache_.FindRecord(address.Key());
  if (held.record.has_value()) held.record_freshness = FreshnessOf(*held.record, settings_->lifetimes, clock_.Now());
  held.record_read = true;
}

void Memory::ReadDomain(const Address& address, Held& held) const {
  held.domain = cache_.FindDomainFact(address.domain());
  held.domain_read = true;
}

Held Memory::Find(const Address& address) const {
  Held held;
  cache_.Together([&] {
    ReadWord(address, held);
    if (held.pin.has_value()) return;
    ReadRecord(address, held);
    if (!held.live() && !settings_->postfix_policy) ReadDomain(address, held);
  });
  return held;
}

Held Memory::FindAll(const Address& address) const {
  Held held;
  cache_.Together([&] {
    ReadWord(address, held);
    ReadRecord(address, held);
    ReadDomain(address, held);
  });
  return held;
}

Held Memory::FindWord(const Address& address) const {
  Held held;
  cache_.Together([&] { ReadWord(address, held); });
  return held;
}

CatchAll Memory::KnownCatchAll(const Address& address, const Held& held) const {
  Held domain;
  if (!held.domain_read) ReadDomain(address, domain);
  const std::optional<DomainFact>& fact = held.domain_read ? held.domain : domain.domain;
  return fact.has_value() ? CatchAllOf(*fact, settings_->lifetimes, clock_.Now()) : CatchAll::kNotAsked;
}

Verdict Memory::Recall(const Question& question) const {
  const Held held = Find(question.address);
  if (held.record.has_value()) cache_.NoteAsked(question.address.Key());
  std::optional<Verdict> verdict = Overruling(question, held);
  if (!verdict.has_value()) verdict = FoundOut(held);
  return verdict.value_or(Verdict());
}

std::optional<Verdict> Memory::Overruling(const Question& question, const Held& held) const {
  if (held.pin.has_value()) return FromPin(*held.pin);
  if (!question.any_domain && !settings_->verify_domains.Contains(question.address)) {
    // A record of the address does not change this: a domain that was taken off the list is left alone from then on.
    return NotVerifiable(absl::StrCat("domain ", question.address.domain(), " is not in verify_domains"));
  }
  if (held.hold.has_value()) return OnHold(question.address, held);
  if (!question.no_address.empty()) return NoAddress(question.no_address, clock_.Now());
  return std::nullopt;
}

std::optional<Verdict> Memory::FoundOut(const Held& held) const {
  if (settings_->postfix_policy) {
    std::optional<Verdict> verdict = ByPostfixRule(held);
    if (!verdict.has_value() || verdict->state != VerdictState::kKnown) return std::nullopt;
    verdict->refreshing = false;
    return verdict;
  }
  if (held.live()) return FromRecord(*held.record);
  return FromDomain(held);
}

std::optional<Verdict> Memory::ByPostfixRule(const Held& held) const {
  const absl::Time now = clock_.Now();
  const PostfixAnswer answer = AskByPostfixRule(held.record, settings_->lifetimes, settings_->negative_cache, now);
  if (answer.finding.has_value()) {
    Verdict verdict = Known(VerdictSource::kRecord, *answer.finding, now);
    verdict.refreshing = answer.probe;
    return verdict;
  }
  if (answer.probe || !settings_->negative_cache) return std::nullopt;
  return InProgress();
}

std::optional<Verdict> Memory::Answer(const Question& question, const Held& held) const {
  if (question.fresh) return std::nullopt;
  if (settings_->postfix_policy) return ByPostfixRule(held);
  if (!held.live()) return FromDomain(held);
  const bool due = held.record_freshness == Freshness::kRefresh;
  // A temporary answer that is due again is not worth telling.
  if (due && held.record->finding.deliverability == Deliverability::kUnknown) return std::nullopt;
  Verdict verdict = FromRecord(*held.record);
  verdict.refreshing = due;
  return verdict;
}

// Under stress there is no patience, and so no second look.
bool Memory::CallsForALook(const Question& question, const Held& held) const {
  return !settings_->postfix_policy && held.live() && question.patience > absl::ZeroDuration() &&
         SecondLookOf(*held.record, settings_->lifetimes) <= clock_.Now();
}

std::optional<Verdict> Memory::Fallback(const Question& question, const Held& held) const {
  if (settings_->postfix_policy || question.fresh || !held.record.has_value()) return std::nullopt;
  const bool definite = held.live() && held.record->finding.definite();
  if (!definite && !Lingers(*held.record, settings_->lifetimes, clock_.Now())) return std::nullopt;
  return FromRecord(*held.record);
}

Verdict Memory::Standing(const Held& held) const {
  if (held.pin.has_value()) return FromPin(*held.pin);
  if (held.live()) return FromRecord(*held.record);
  return FromDomain(held).value_or(InProgress());
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

std::optional<Verdict> Memory::FromDomain(const Held& held) const {
  const absl::Time now = clock_.Now();
  const std::optional<DomainFact>& fact = held.domain;
  if (!fact.has_value() || !fact->decides() || FreshnessOf(*fact, settings_->lifetimes, now) == Freshness::kExpired) {
    return std::nullopt;
  }
  return Known(VerdictSource::kDomainFact, fact->finding, now);
}

Verdict Memory::OnHold(const Address& address, const Held& held) const {
  const std::optional<Record>& record = held.record;
  if (held.is_positive() || (held.live() && record->finding.definite())) return FromRecord(*record);
  const bool told = held.hold.has_value() && held.hold->tell && !held.hold->why.empty();
  const std::string text =
      absl::StrCat("verification of ", address.domain(), " is on hold", told ? absl::StrCat(": ", held.hold->why) : "");
  if (!settings_->hold_defers) return NotVerifiable(text);
  const absl::Time now = clock_.Now();
  return Known(VerdictSource::kPin,
               ToFinding(ClassificationOf(Reason::kDestinationDoubted, kHoldRule), Stage::kDns, text, now), now);
}

}  // namespace verifyd
