#include "verifyd/verifier/guard.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"
#include "classifier/classifier.h"

namespace verifyd {
namespace {

// Only the latest so many users of a destination are counted.
constexpr size_t kMaxUsers = 500;
// The time when a destination last accepted somebody is as exact as this: a write each time would be too many.
constexpr absl::Duration kAcceptedStep = absl::Hours(1);

bool TooLongToBeKept(Guard::Place place) { return place.destination.size() + place.domain.size() > kMaxStateName; }

std::string Spoken(Guard::Place place) {
  if (place.domain.empty()) return absl::StrCat("destination ", place.destination);
  return absl::StrCat("domain ", place.domain, " at ", place.destination);
}

// Whether a server refused the address itself.
bool IsRefusal(const Finding& finding) {
  return finding.deliverability == Deliverability::kUndeliverable && finding.scope == Scope::kAddress &&
         finding.code != 0;
}

// Whether a server accepted; one that is asked at DATA accepts with 354.
bool IsAcceptance(const Finding& finding) {
  return (finding.code / 100 == 2 && finding.stage >= Stage::kRcpt) ||
         (finding.code / 100 == 3 && finding.stage == Stage::kData);
}

Finding Doubted(const Finding& finding, absl::string_view where, absl::string_view why) {
  Finding doubted = ToFinding(ClassificationOf(Reason::kDestinationDoubted, "guard"), finding.stage,
                              absl::StrCat(where, " is not believed (", why, "): ", finding.text), finding.when);
  doubted.mx_name = finding.mx_name;
  doubted.mx_address = finding.mx_address;
  return doubted;
}

}  // namespace

bool Guard::IsCanary(const Address& address) const {
  const auto canary = settings_->canaries.find(address.domain());
  return canary != settings_->canaries.end() && canary->second.Key() == address.Key();
}

Trust Guard::TrustOf(Place place) {
  if (!place.domain.empty()) {
    std::optional<DomainBreaker> breaker = cache_.FindDomainBreaker(place.destination, place.domain);
    return breaker.has_value() ? std::move(breaker->trust) : Trust();
  }
  std::optional<DestinationState> state = cache_.FindDestinationState(place.destination);
  return state.has_value() ? std::move(state->trust) : Trust();
}

void Guard::SetTrust(Place place, Trust trust) {
  if (TooLongToBeKept(place)) return;
  if (!place.domain.empty()) {
    DomainBreaker breaker = cache_.FindDomainBreaker(place.destination, place.domain).value_or(DomainBreaker());
    breaker.destination = std::string(place.destination);
    breaker.domain = std::string(place.domain);
    breaker.trust = std::move(trust);
    return cache_.PutDomainBreaker(breaker);
  }
  DestinationState state = cache_.FindDestinationState(place.destination).value_or(DestinationState());
  state.name = std::string(place.destination);
  state.trust = std::move(trust);
  cache_.PutDestinationState(state);
}

void Guard::BeginDoubt(Place place, Doubt doubt, absl::string_view why) {
  if (TooLongToBeKept(place)) return;  // the doubt would not be kept
  Trust trust = TrustOf(place);
  if (trust.doubt != Doubt::kNone) return;
  LogError(absl::StrCat("ALARM: ", Spoken(place), " is not believed: ", why,
                        "; until this ends nobody is refused on its word (verifyctl destinations, verifyctl trust)"));
  trust.doubt = doubt;
  trust.doubted_since = loop_.clock().Now();
  trust.why = Printable(why, 250);
  SetTrust(place, std::move(trust));
}

bool Guard::EndDoubt(Place place) {
  bound_.Check();
  bool known = place.domain.empty() ? cache_.FindDestinationState(place.destination).has_value()
                                    : cache_.FindDomainBreaker(place.destination, place.domain).has_value();
  if (known) Believe(place, Refused::kVouched);
  if (!place.domain.empty()) return known;
  for (const DomainBreaker& breaker : cache_.LoadDomainBreakers()) {
    if (breaker.destination != place.destination || breaker.trust.doubt == Doubt::kNone) continue;
    known = true;
    Believe({.destination = breaker.destination, .domain = breaker.domain}, Refused::kVouched);
  }
  return known;
}

void Guard::Believe(Place place, Refused refused) {
  LogInfo(absl::StrCat(Spoken(place), " is believed again"));
  Trust trust;
  if (place.domain.empty()) trust.last_accepted = loop_.clock().Now();
  SetTrust(place, std::move(trust));
  Watched* const watched = watched_.Find(place.destination);
  if (watched == nullptr) return;
  const uint64_t domain = absl::HashOf(place.domain);
  const auto is_there = [&](const Answer& answer) { return place.domain.empty() || answer.domain == domain; };
  if (refused == Refused::kForgotten) {
    absl::erase_if(watched->users, [&](const auto& user) { return is_there(user.second); });
    return;
  }
  for (auto& [user, answer] : watched->users) {
    if (answer.refused && is_there(answer)) {
      answer.vouched = true;
      answer.when = loop_.clock().Mono();
    }
  }
}

void Guard::NoteUser(const std::string& destination, const Address& address, bool refused) {
  const MonoTime now = loop_.clock().Mono();
  auto& users = watched_.FindOrAdd(destination, {}, [now](const Watched& watched) { return watched.Worth(now); }).users;
  const uint64_t user = absl::HashOf(address.Key());
  const uint64_t domain = absl::HashOf(absl::string_view(address.domain()));
  // While there is a doubt, users from the hour before it on count.
  if (!users.contains(user) && TrustOf({.destination = destination}).doubt == Doubt::kNone &&
      TrustOf({.destination = destination, .domain = address.domain()}).doubt == Doubt::kNone) {
    absl::erase_if(users,
                   [&](const auto& old) { return old.second.domain == domain && now - old.second.when > kWindow; });
  }
  if (users.size() >= kMaxUsers && !users.contains(user)) {
    users.erase(std::min_element(users.begin(), users.end(),
                                 [](const auto& a, const auto& b) { return a.second.when < b.second.when; }));
  }
  Answer& answer = users[user];
  const bool vouched = refused && answer.vouched && now - answer.when <= kWindow;
  answer = {.when = now, .domain = domain, .refused = refused, .vouched = vouched};
}

std::pair<size_t, MonoTime> Guard::Watched::Worth(MonoTime now) const {
  size_t refused = 0;
  MonoTime latest;
  for (const auto& [user, answer] : users) {
    if (answer.refused && !answer.vouched && now - answer.when <= kWindow) ++refused;
    latest = std::max(latest, answer.when);
  }
  return {refused, latest};
}

Guard::Count Guard::CountUsers(const std::string& destination, absl::string_view domain, const Trust& trust) const {
  Count count;
  const Watched* const watched = watched_.Find(destination);
  if (watched == nullptr) return count;
  const MonoTime now = loop_.clock().Mono();
  const bool doubted = trust.doubt == Doubt::kManyRefused;
  const MonoTime since =
      doubted ? now + -std::max(absl::ZeroDuration(), loop_.clock().Now() - trust.doubted_since) : now;
  const uint64_t wanted = absl::HashOf(domain);
  std::optional<uint64_t> first_domain;
  for (const auto& [user, answer] : watched->users) {
    if (since - answer.when > kWindow || answer.vouched || (!domain.empty() && answer.domain != wanted)) continue;
    if (!answer.refused) {
      ++count.accepted;
      if (answer.when >= since) ++count.accepted_since;
      continue;
    }
    ++count.refused;
    if (!first_domain.has_value()) first_domain = answer.domain;
    count.several_domains |= answer.domain != *first_domain;
  }
  return count;
}

// Probes as for `request`, but about the canary of its domain.
boost::asio::awaitable<Guard::Canary> Guard::AskCanary(ProbeRequest request, std::string destination) {
  const std::pair<std::string, std::string> key(std::move(destination), request.address.domain());
  const MonoTime now = loop_.clock().Mono();
  if (const auto found = asking_.find(key); found != asking_.end()) {
    const OneShot<Canary> asking = found->second;
    co_return co_await asking.Wait(request.deadline) ? *asking : Canary::kNoAnswer;
  }
  if (const Asked* const asked = asked_.Find(key); asked != nullptr && now - asked->when < kCanaryPause) {
    co_return asked->canary;
  }
  ProbeRequest canary = request;
  const auto named = settings_->canaries.find(request.address.domain());
  canary.address = named != settings_->canaries.end() ? named->second : request.address.Postmaster();
  canary.dialogue = false;
  canary.ask_catch_all = AskCatchAll::kNo;
  const OneShot<Canary> asking(loop_);
  asking_.emplace(key, asking);
  const ProbeOutcome outcome = co_await source_.Probe(std::move(canary));
  const Canary answer = IsAcceptance(outcome.finding) ? Canary::kAccepted
                        : IsRefusal(outcome.finding)  ? Canary::kRefused
                                                      : Canary::kNoAnswer;
  asking_.erase(key);
  asked_.FindOrAdd(key, {}, [](const Asked& asked) { return asked.when; }) = {.when = now, .canary = answer};
  asking.Set(answer);
  co_return answer;
}

bool Guard::EndIfAcceptedAgain(Place place, const Trust& trust, Before before) {
  if (trust.doubt != Doubt::kManyRefused) return false;
  const Count count = CountUsers(std::string(place.destination), place.domain, trust);
  const bool others_are = count.accepted_since >= kAcceptedAgain && !count.many_refused();
  if (before != Before::kContradicted && !others_are) return false;
  Believe(place, before == Before::kContradicted ? Refused::kForgotten : Refused::kVouched);
  return true;
}

void Guard::NoteAccepted(const Address& address, const ProbeOutcome& outcome, Before before) {
  const std::string& destination = outcome.destination;
  const Place whole = {.destination = destination};
  const Place its_domain = {.destination = destination, .domain = address.domain()};
  Trust trust = TrustOf(whole);
  const Trust domain_trust = TrustOf(its_domain);
  const bool doubted = trust.doubt == Doubt::kManyRefused || domain_trust.doubt == Doubt::kManyRefused;
  if (before != Before::kNothing || doubted) NoteUser(destination, address, /*refused=*/false);
  EndIfAcceptedAgain(its_domain, domain_trust, before);
  if (EndIfAcceptedAgain(whole, trust, before)) return;
  const bool behaves =
      trust.doubt == Doubt::kNeverAccepted || (trust.doubt == Doubt::kCanaryRefused && IsCanary(address));
  if (behaves) return Believe(whole, Refused::kForgotten);
  const absl::Time now = loop_.clock().Now();
  if (!outcome.configured_route || (trust.last_accepted <= now && now - trust.last_accepted < kAcceptedStep)) return;
  trust.last_accepted = now;
  SetTrust(whole, std::move(trust));
}

bool Guard::BelievesReport(const Address& address, const ProbeOutcome& outcome) {
  bound_.Check();
  if (!IsRefusal(outcome.finding)) return true;
  const Trust trust = TrustOf({.destination = outcome.destination});
  return trust.doubt == Doubt::kNone && (!outcome.configured_route || trust.last_accepted != absl::InfinitePast()) &&
         TrustOf({.destination = outcome.destination, .domain = address.domain()}).doubt == Doubt::kNone;
}

void Guard::NoteReport(const Address& address, const ProbeOutcome& outcome, Before before) {
  bound_.Check();
  const std::string& destination = outcome.destination;
  const absl::Time when = outcome.finding.when;
  const Place whole = {.destination = destination};
  Trust trust = TrustOf(whole);
  if (IsAcceptance(outcome.finding) && trust.doubt == Doubt::kNeverAccepted) {
    Believe(whole, Refused::kForgotten);
  } else if (IsAcceptance(outcome.finding) && outcome.configured_route && trust.last_accepted + kAcceptedStep < when) {
    trust.last_accepted = when;
    SetTrust(whole, std::move(trust));
  }
  if (before == Before::kNothing || loop_.clock().Now() - when > kWindow) return;
  NoteUser(destination, address, IsRefusal(outcome.finding));
  if (IsRefusal(outcome.finding)) DoubtIfManyRefused(destination, address.domain());
}

void Guard::DoubtIfManyRefused(const std::string& destination, const std::string& domain) {
  constexpr absl::string_view kWhy = "it refuses many addresses at once that it used to accept";
  if (CountUsers(destination, domain, Trust()).many_refused()) {
    BeginDoubt({.destination = destination, .domain = domain}, Doubt::kManyRefused, kWhy);
  }
  const Count all = CountUsers(destination, "", Trust());
  if (all.many_refused() && all.several_domains) BeginDoubt({.destination = destination}, Doubt::kManyRefused, kWhy);
}

boost::asio::awaitable<Finding> Guard::Judge(const ProbeRequest& request, const ProbeOutcome& outcome, Before before) {
  bound_.Check();
  const std::string& destination = outcome.destination;
  if (destination.empty()) co_return outcome.finding;
  const Place whole = {.destination = destination};
  if (IsAcceptance(outcome.finding)) {
    NoteAccepted(request.address, outcome, before);
    co_return outcome.finding;
  }
  if (!IsRefusal(outcome.finding)) co_return outcome.finding;
  if (before != Before::kNothing) NoteUser(destination, request.address, /*refused=*/true);
  if (IsCanary(request.address)) {
    BeginDoubt(whole, Doubt::kCanaryRefused, absl::StrCat("it refuses ", request.address.Key()));
  } else if (before != Before::kNothing) {
    DoubtIfManyRefused(destination, request.address.domain());
  }
  Trust trust = TrustOf(whole);
  bool never_accepted = outcome.configured_route && trust.last_accepted == absl::InfinitePast();
  const bool has_canary = settings_->canaries.contains(request.address.domain());
  if ((never_accepted || has_canary) && !IsCanary(request.address)) {
    const Canary canary = co_await AskCanary(request, destination);
    // Another user, asked about at the same time, may have been accepted meanwhile.
    trust = TrustOf(whole);
    never_accepted = never_accepted && trust.last_accepted == absl::InfinitePast();
    if (canary == Canary::kAccepted && (trust.doubt == Doubt::kCanaryRefused || trust.doubt == Doubt::kNeverAccepted)) {
      Believe(whole, Refused::kForgotten);
    } else if (canary == Canary::kAccepted && never_accepted) {
      trust.last_accepted = loop_.clock().Now();
      SetTrust(whole, std::move(trust));
    } else if (canary == Canary::kRefused && has_canary) {
      BeginDoubt(whole, Doubt::kCanaryRefused,
                 absl::StrCat("it refuses ", settings_->canaries.at(request.address.domain()).Key()));
    } else if (canary != Canary::kAccepted && never_accepted) {
      BeginDoubt(whole, Doubt::kNeverAccepted,
                 "it has never accepted anybody, postmaster included; set verify_canary to an address that exists");
    }
    trust = TrustOf(whole);
  }
  if (trust.doubt != Doubt::kNone) co_return Doubted(outcome.finding, destination, trust.why);
  const std::string& domain = request.address.domain();
  trust = TrustOf({.destination = destination, .domain = domain});
  if (trust.doubt == Doubt::kNone) co_return outcome.finding;
  co_return Doubted(outcome.finding, absl::StrCat(domain, " at ", destination), trust.why);
}

}  // namespace verifyd
