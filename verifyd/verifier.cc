#include "verifyd/verifier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/log.h"
#include "cache/merge.h"
#include "verdict/classifier.h"
#include "verdict/reason.h"

namespace verifyd {
namespace {

constexpr absl::string_view kInProgressText = "Address verification in progress";

Verdict InProgress() {
  Verdict verdict;
  verdict.state = VerdictState::kInProgress;
  verdict.finding.text = std::string(kInProgressText);
  return verdict;
}

Verdict NotVerifiable(std::string why) {
  Verdict verdict;
  verdict.state = VerdictState::kNotVerifiable;
  verdict.finding.text = std::move(why);
  return verdict;
}

Verdict Overload(absl::Time now) {
  Verdict verdict;
  verdict.state = VerdictState::kKnown;
  verdict.finding = ToFinding(Classifier::Classify(Event::kOverload, Stage::kDns), Stage::kDns,
                              "Too many address verification requests", now);
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

Verdict Pinned(const Pin& pin, absl::Time now) {
  Finding finding;
  finding.deliverability = pin.deliverability;
  finding.scope = Scope::kAddress;
  finding.rule = "pin";
  finding.text = pin.why.empty() ? "set by the operator" : pin.why;
  finding.when = pin.set_at;
  return Known(VerdictSource::kPin, finding, now);
}

void LogProbe(const Address& address, const ProbeOutcome& outcome) {
  const Finding& finding = outcome.finding;
  const auto seconds = [](absl::Duration d) { return absl::StrFormat("%.4f", absl::ToDoubleSeconds(d)); };
  const ProbeDelays& delays = outcome.delays;
  LogInfo(absl::StrCat(
      "probe: to=<", address.Key(),
      ">, relay=", finding.mx_name.empty() ? "none" : absl::StrCat(finding.mx_name, "[", finding.mx_address, "]"),
      ", delay=", seconds(delays.total()), ", delays=", seconds(delays.dns), "/", seconds(delays.queue), "/",
      seconds(delays.connect), "/", seconds(delays.dialogue), ", dsn=",
      finding.enhanced.given() ? finding.enhanced.ToString()
      : finding.definite()     ? (finding.deliverability == Deliverability::kDeliverable ? "2.0.0" : "5.0.0")
                               : "4.0.0",
      ", status=", DeliverabilityName(finding.deliverability), ", reason=", ReasonName(finding.reason),
      ", rule=", finding.rule, " (", finding.text, ")"));
}

}  // namespace

// What memory holds that could answer, in the order in which it counts.
struct Verifier::Memory {
  std::optional<Pin> pin;
  std::optional<Record> record;
  Freshness record_freshness = Freshness::kExpired;
  std::optional<DomainFact> fact;
};

Verifier::Verifier(Loop& loop, Cache& cache, Prober& prober, Metrics& metrics)
    : loop_(loop), cache_(cache), prober_(prober), metrics_(metrics), flights_(loop) {}

void Verifier::Configure(std::shared_ptr<const VerifierSettings> settings) { settings_ = std::move(settings); }

Verifier::Memory Verifier::Remember(const Address& address, absl::Time now) const {
  Memory memory;
  const std::string key = address.Key();
  cache_.Together([&] {
    memory.pin = cache_.FindPin(key, address.domain(), now);
    if (memory.pin.has_value()) return;
    memory.record = cache_.FindRecord(key);
    if (memory.record.has_value()) {
      memory.record_freshness = FreshnessOf(*memory.record, settings_->lifetimes, now);
      if (memory.record_freshness != Freshness::kExpired) return;
      memory.record.reset();
    }
    memory.fact = cache_.FindDomainFact(address.domain());
    if (memory.fact.has_value() &&
        (!memory.fact->decides() || FreshnessOf(*memory.fact, settings_->lifetimes, now) == Freshness::kExpired)) {
      memory.fact.reset();
    }
  });
  return memory;
}

std::optional<Verdict> Verifier::Recall(const Question& question) {
  const absl::Time now = loop_.clock().Now();
  const Memory memory = Remember(question.address, now);
  std::optional<Verdict> verdict;
  if (memory.pin.has_value()) {
    verdict = Pinned(*memory.pin, now);
  } else if (!settings_->verify_domains.Contains(question.address)) {
    // Also where something is remembered: a domain that was taken off the list is left alone from then on.
    verdict = NotVerifiable(absl::StrCat("domain ", question.address.domain(), " is not in verify_domains"));
  } else if (memory.record.has_value()) {
    const Record& record = *memory.record;
    const bool refresh = memory.record_freshness == Freshness::kRefresh;
    const bool temporary = record.finding.deliverability == Deliverability::kUnknown;
    // A temporary answer that is due again says nothing worth hearing: the question waits for the new probe instead.
    if (question.memory_only || (!question.fresh && (!temporary || !refresh))) {
      verdict = Known(VerdictSource::kRecord, record.finding, now);
      if (refresh && !question.memory_only) {
        verdict->refreshing = true;
        if (!flights_.InTheAir(question.address.Key()) && flights_.size() < settings_->flight_limit) {
          metrics_.refreshes().Increment();
          loop_.Spawn(Refresh(question.address));
        }
      }
    }
  } else if (memory.fact.has_value() && !question.fresh) {
    verdict = Known(VerdictSource::kDomainFact, memory.fact->finding, now);
  }
  if (!verdict.has_value() && question.memory_only) verdict.emplace();
  if (verdict.has_value()) metrics_.questions(verdict->source).Increment();
  return verdict;
}

boost::asio::awaitable<Verdict> Verifier::Verify(Question question) {
  std::optional<Verdict> recalled = Recall(question);
  if (recalled.has_value()) co_return *std::move(recalled);
  const std::string key = question.address.Key();
  const bool flying = flights_.InTheAir(key);
  if (waiting_ >= settings_->waiter_limit || (!flying && flights_.size() >= settings_->flight_limit)) {
    metrics_.overload().Increment();
    co_return Overload(loop_.clock().Now());
  }
  const Ticket ticket = co_await flights_.Enter(key);
  if (ticket.leads) {
    loop_.Spawn(Fly(ticket.flight, RequestFor(question)));
  } else {
    metrics_.joined().Increment();
  }
  if (question.patience > absl::ZeroDuration() && !ticket.flight->verdict.has_value()) {
    ++waiting_;
    co_await ticket.flight->landed.Wait(loop_.clock().Mono() + question.patience);
    --waiting_;
  }
  if (!ticket.flight->verdict.has_value()) {
    metrics_.in_progress().Increment();
    co_return InProgress();
  }
  metrics_.questions(ticket.flight->verdict->source).Increment();
  co_return *ticket.flight->verdict;
}

ProbeRequest Verifier::RequestFor(const Question& question) const {
  ProbeRequest request;
  request.address = question.address;
  request.urgency = question.urgency;
  request.deadline = loop_.clock().Mono() + settings_->probe_time_limit;
  request.identity.sender = settings_->probe_sender.At(loop_.clock().Now());
  request.identity.helo = settings_->helo;
  request.transcript = question.transcript;
  return request;
}

boost::asio::awaitable<void> Verifier::Refresh(Address address) {
  const Ticket ticket = co_await flights_.Enter(address.Key());
  if (!ticket.leads) co_return;
  Question question;
  question.address = std::move(address);
  question.urgency = Urgency::kRefresh;
  co_await Fly(ticket.flight, RequestFor(question));
}

boost::asio::awaitable<void> Verifier::Fly(std::shared_ptr<Flight> flight, ProbeRequest request) {
  const Address address = request.address;
  ProbeOutcome outcome = co_await prober_.Probe(std::move(request));
  Verdict verdict;
  if (outcome.not_verifiable) {
    verdict = NotVerifiable(std::move(outcome.finding.text));
  } else {
    metrics_.probes(outcome.finding.deliverability).Increment();
    LogProbe(address, outcome);
    TakeIn(address, outcome);
    verdict = Standing(address);
    if (verdict.finding == outcome.finding) verdict.source = VerdictSource::kProbe;
  }
  verdict.transcript = std::move(outcome.transcript);
  flights_.Land(flight, std::move(verdict));
}

void Verifier::TakeIn(const Address& address, const ProbeOutcome& outcome) {
  const std::string key = address.Key();
  if (outcome.domain_fact.has_value()) cache_.PutDomainFact(*outcome.domain_fact);
  const std::optional<Record> held = cache_.FindRecord(key);
  // What is true of the whole domain is kept once, not for every address that was asked, unless it speaks against what
  // is known of this one.
  if (outcome.domain_fact.has_value() && outcome.domain_fact->decides() && !held.has_value()) return;
  cache_.PutRecord(key, Merge(held, outcome.finding, settings_->lifetimes));
}

Verdict Verifier::Standing(const Address& address) const {
  const absl::Time now = loop_.clock().Now();
  const Memory memory = Remember(address, now);
  if (memory.pin.has_value()) return Pinned(*memory.pin, now);
  if (memory.record.has_value()) return Known(VerdictSource::kRecord, memory.record->finding, now);
  if (memory.fact.has_value()) return Known(VerdictSource::kDomainFact, memory.fact->finding, now);
  return InProgress();
}

}  // namespace verifyd
