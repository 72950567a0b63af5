#include "verifyd/guard.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"
#include "verdict/classifier.h"

namespace verifyd {
namespace {

constexpr size_t kMaxWatched = 20000;
// Known positives of a window that are counted; the oldest go first.
constexpr size_t kMaxKnown = 1000;
// How exactly it is remembered when a destination last accepted somebody: a write each time would be too many.
constexpr absl::Duration kAcceptedStep = absl::Hours(1);
constexpr size_t kMaxStateName = 450;

// A server said so, of the address.
bool IsRefusal(const Finding& finding) {
  return finding.deliverability == Deliverability::kUndeliverable && finding.scope == Scope::kAddress &&
         finding.code != 0;
}

bool IsAcceptance(const Finding& finding) { return finding.code / 100 == 2 && finding.stage >= Stage::kRcpt; }

Finding Doubted(const Finding& finding, const std::string& destination, absl::string_view why) {
  Finding doubted = ToFinding(ClassificationOf(Reason::kDestinationDoubted, "guard"), finding.stage,
                              absl::StrCat(destination, " is not believed (", why, "): ", finding.text), finding.when);
  doubted.mx_name = finding.mx_name;
  doubted.mx_address = finding.mx_address;
  return doubted;
}

}  // namespace

bool Guard::IsCanary(const Address& address) const {
  const auto canary = settings_->canaries.find(address.domain());
  return canary != settings_->canaries.end() && canary->second.Key() == address.Key();
}

Trust Guard::TrustOf(const std::string& destination) {
  const std::optional<DestinationState> state = cache_.FindDestinationState(destination);
  return state.has_value() ? state->trust : Trust();
}

void Guard::SetTrust(const std::string& destination, Trust trust) {
  if (destination.size() > kMaxStateName) return;
  DestinationState state;
  if (std::optional<DestinationState> held = cache_.FindDestinationState(destination)) state = *std::move(held);
  state.name = destination;
  state.trust = std::move(trust);
  cache_.PutDestinationState(state);
}

void Guard::BeginDoubt(const std::string& destination, Doubt doubt, absl::string_view why) {
  Trust trust = TrustOf(destination);
  if (trust.doubt != Doubt::kNone) return;
  LogError(absl::StrCat("ALARM: destination ", destination, " is not believed: ", why,
                        "; until this ends nobody is refused on its word (verifyctl destinations, verifyctl trust)"));
  trust.doubt = doubt;
  trust.doubted_since = loop_.clock().Now();
  trust.why = Printable(why, 250);
  SetTrust(destination, std::move(trust));
}

bool Guard::EndDoubt(const std::string& destination) {
  std::optional<DestinationState> state = cache_.FindDestinationState(destination);
  if (!state.has_value()) return false;
  LogInfo(absl::StrCat("destination ", destination, " is believed again"));
  state->trust = Trust();
  state->trust.last_accepted = loop_.clock().Now();
  cache_.PutDestinationState(*state);
  watched_.erase(destination);
  return true;
}

void Guard::NoteKnown(const std::string& destination, bool refused) {
  if (watched_.size() >= kMaxWatched && !watched_.contains(destination)) watched_.clear();
  auto& known = watched_[destination].known;
  known.emplace_back(loop_.clock().Mono(), refused);
  if (known.size() > kMaxKnown) known.pop_front();
}

bool Guard::ManyRefused(const std::string& destination) {
  const auto found = watched_.find(destination);
  if (found == watched_.end()) return false;
  auto& known = found->second.known;
  const MonoTime now = loop_.clock().Mono();
  while (!known.empty() && now - known.front().first > kWindow) known.pop_front();
  const auto refused =
      static_cast<size_t>(std::count_if(known.begin(), known.end(), [](const auto& entry) { return entry.second; }));
  return refused >= kFlips && static_cast<double>(refused) >= kFlippedShare * static_cast<double>(known.size());
}

// As `request`, but about the canary of its domain.
boost::asio::awaitable<Guard::Canary> Guard::AskCanary(ProbeRequest request, std::string destination) {
  const std::pair<std::string, std::string> key(std::move(destination), request.address.domain());
  const MonoTime now = loop_.clock().Mono();
  if (const auto asked = asked_.find(key); asked != asked_.end()) {
    if (const std::shared_ptr<Signal> asking = asked->second.asking; asking != nullptr) {
      co_await asking->Wait(request.deadline);
      co_return asked_[key].canary;
    }
    if (now - asked->second.when < kCanaryPause) co_return asked->second.canary;
  }
  ProbeRequest canary = request;
  if (const auto named = settings_->canaries.find(request.address.domain()); named != settings_->canaries.end()) {
    canary.address = named->second;
  } else if (const auto postmaster = Address::Parse(absl::StrCat("postmaster@", request.address.domain()));
             postmaster.ok()) {
    canary.address = *postmaster;
  }
  canary.transcript = false;
  canary.ask_catch_all = AskCatchAll::kNo;
  if (asked_.size() >= kMaxWatched) asked_.clear();
  const auto answered = std::make_shared<Signal>(loop_);
  asked_[key] = {.when = now, .asking = answered};
  const ProbeOutcome outcome = co_await prober_.Probe(std::move(canary));
  const Canary result = IsAcceptance(outcome.finding) ? Canary::kAccepted
                        : IsRefusal(outcome.finding)  ? Canary::kRefused
                                                      : Canary::kNoAnswer;
  asked_[key] = {.when = now, .canary = result};
  answered->NotifyAll();
  co_return result;
}

void Guard::NoteAccepted(const Address& address, const ProbeOutcome& outcome, Before before) {
  const std::string& destination = outcome.destination;
  if (before != Before::kNothing) NoteKnown(destination, /*refused=*/false);
  Trust trust = TrustOf(destination);
  const bool behaves = trust.doubt == Doubt::kNeverAccepted ||
                       (trust.doubt == Doubt::kCanaryRefused && IsCanary(address)) ||
                       (trust.doubt == Doubt::kManyRefused && before == Before::kContradicted);
  if (behaves) {
    EndDoubt(destination);
    return;
  }
  const absl::Time now = loop_.clock().Now();
  if (!outcome.configured_route || (trust.last_accepted <= now && now - trust.last_accepted < kAcceptedStep)) return;
  trust.last_accepted = now;
  SetTrust(destination, std::move(trust));
}

bool Guard::BelievesReport(const ProbeOutcome& outcome) {
  if (!IsRefusal(outcome.finding)) return true;
  const Trust trust = TrustOf(outcome.destination);
  return trust.doubt == Doubt::kNone && (!outcome.configured_route || trust.last_accepted != absl::InfinitePast());
}

void Guard::NoteReport(const ProbeOutcome& outcome, Before before) {
  const std::string& destination = outcome.destination;
  const absl::Time when = outcome.finding.when;
  Trust trust = TrustOf(destination);
  if (IsAcceptance(outcome.finding) && trust.doubt == Doubt::kNeverAccepted) {
    EndDoubt(destination);
  } else if (IsAcceptance(outcome.finding) && outcome.configured_route && trust.last_accepted + kAcceptedStep < when) {
    trust.last_accepted = when;
    SetTrust(destination, std::move(trust));
  }
  if (before == Before::kNothing || loop_.clock().Now() - when > kWindow) return;
  NoteKnown(destination, IsRefusal(outcome.finding));
  if (IsRefusal(outcome.finding) && ManyRefused(destination)) DoubtManyRefused(destination);
}

void Guard::DoubtManyRefused(const std::string& destination) {
  BeginDoubt(destination, Doubt::kManyRefused, "it refuses many addresses at once that it used to accept");
}

boost::asio::awaitable<Finding> Guard::Judge(ProbeRequest request, ProbeOutcome outcome, Before before) {
  const std::string& destination = outcome.destination;
  if (destination.empty()) co_return std::move(outcome.finding);
  if (IsAcceptance(outcome.finding)) {
    NoteAccepted(request.address, outcome, before);
    co_return std::move(outcome.finding);
  }
  if (!IsRefusal(outcome.finding)) co_return std::move(outcome.finding);
  if (before != Before::kNothing) NoteKnown(destination, /*refused=*/true);
  if (IsCanary(request.address)) {
    BeginDoubt(destination, Doubt::kCanaryRefused, absl::StrCat("it refuses ", request.address.Key()));
  } else if (ManyRefused(destination)) {
    DoubtManyRefused(destination);
  }
  Trust trust = TrustOf(destination);
  bool never_accepted = outcome.configured_route && trust.last_accepted == absl::InfinitePast();
  const bool has_canary = settings_->canaries.contains(request.address.domain());
  if ((never_accepted || has_canary) && !IsCanary(request.address)) {
    const Canary canary = co_await AskCanary(request, destination);
    // Somebody who was asked about at the same time may have been accepted meanwhile.
    trust = TrustOf(destination);
    never_accepted = never_accepted && trust.last_accepted == absl::InfinitePast();
    if (canary == Canary::kAccepted && (trust.doubt == Doubt::kCanaryRefused || trust.doubt == Doubt::kNeverAccepted)) {
      EndDoubt(destination);
    } else if (canary == Canary::kAccepted && never_accepted) {
      trust.last_accepted = loop_.clock().Now();
      SetTrust(destination, std::move(trust));
    } else if (canary == Canary::kRefused && has_canary) {
      BeginDoubt(destination, Doubt::kCanaryRefused,
                 absl::StrCat("it refuses ", settings_->canaries.at(request.address.domain()).Key()));
    } else if (canary != Canary::kAccepted && never_accepted) {
      BeginDoubt(destination, Doubt::kNeverAccepted,
                 "it has never accepted anybody, postmaster included; set verify_canary to an address that exists");
    }
    trust = TrustOf(destination);
  }
  if (trust.doubt == Doubt::kNone) co_return std::move(outcome.finding);
  co_return Doubted(outcome.finding, destination, trust.why);
}

}  // namespace verifyd
