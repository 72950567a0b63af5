#include "verifyd/agenda.h"

#include <algorithm>
#include <utility>

namespace verifyd {
namespace {

// Entries looked at in one go: one domain's many do not hide the others' few.
constexpr size_t kLookedAt = 1000;
constexpr absl::Duration kStep = absl::Seconds(1);
// At the latest: what another process has put there is not told.
constexpr absl::Duration kLongestPause = absl::Minutes(10);

}  // namespace

Agenda::Agenda(Loop& loop, Cache& cache, Verifier& verifier)
    : loop_(loop), cache_(cache), verifier_(verifier), timer_(loop.timers()) {
  verifier_.OnPlanned([this](absl::Time when) { LookBy(when); });
  LookBy(loop_.clock().Now() + kStep);
}

Agenda::~Agenda() {
  verifier_.OnPlanned(nullptr);
  *self_ = nullptr;
}

void Agenda::LookBy(absl::Time when) {
  const absl::Time now = loop_.clock().Now();
  // What is put just now is not in the index yet.
  when = std::clamp(when, now + kStep, now + kLongestPause);
  if (timer_.set() && planned_ <= when) return;
  planned_ = when;
  timer_.SetAfter(when - now, [this] { Look(); });
}

void Agenda::Look() {
  planned_ = absl::InfiniteFuture();
  const absl::Time now = loop_.clock().Now();
  absl::Time next = now + kLongestPause;
  for (const auto& [key, when] : cache_.Agenda(kLookedAt)) {
    if (when > now) {
      next = when;
      break;
    }
    absl::StatusOr<Address> address = Address::FromUnquoted(key);
    // The index may lie: it is written a moment later than the records.
    if (!address.ok() || !verifier_.IsPlanned(*address, now)) continue;
    if (probing_ >= kAtOnce || !Begin(*std::move(address))) next = now;
  }
  LookBy(next);
}

bool Agenda::Begin(Address address) {
  size_t& of_domain = by_domain_[address.domain()];
  if (of_domain >= kOfOneDomain) return false;
  ++of_domain;
  ++probing_;
  const std::string domain = address.domain();
  verifier_.LookAgain(std::move(address), Urgency::kRetry, [self = self_, domain] {
    if (*self == nullptr) return;
    --(*self)->probing_;
    const auto count = (*self)->by_domain_.find(domain);
    if (--count->second == 0) (*self)->by_domain_.erase(count);
  });
  return true;
}

}  // namespace verifyd
