#include "verifyd/verifier/agenda.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "mail/address.h"

namespace verifyd {
namespace {

// Entries looked at in one go.
constexpr size_t kLookedAt = 1000;
constexpr absl::Duration kStep = absl::Seconds(1);
// Another process may put addresses there, of which we are not told: we look at least this often.
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
  // An address that was put just now is not in the index yet.
  when = std::clamp(when, now + kStep, now + kLongestPause);
  if (timer_.set() && planned_ <= when) return;
  planned_ = when;
  timer_.SetAfter(when - now, [this] { Look(); });
}

void Agenda::Look() {
  planned_ = absl::InfiniteFuture();
  const absl::Time now = loop_.clock().Now();
  const std::vector<Cache::Planned> agenda = cache_.Agenda(passed_, kLookedAt);
  absl::Time next = agenda.size() < kLookedAt ? now + kLongestPause : now;
  for (const Cache::Planned& planned : agenda) {
    if (planned.when > now) {
      next = planned.when;
      break;
    }
    if (probing_ >= kAtOnce) return LookBy(now);
    passed_ = planned;
    if (!Begin(planned, now)) left_ = true;
  }
  if (next > now) {
    passed_ = {};
    if (std::exchange(left_, false)) next = now;
  }
  LookBy(next);
}

bool Agenda::Begin(const Cache::Planned& planned, absl::Time now) {
  absl::StatusOr<Address> address = Address::FromUnquoted(planned.key);
  if (!address.ok()) return true;
  const std::string domain = address->domain();
  const auto share = by_domain_.find(domain);
  if (share != by_domain_.end() && share->second >= kOfOneDomain) return false;
  // The index may be out of date: it is written a moment later than the records.
  if (!verifier_.IsPlanned(*address, now)) return true;
  ++by_domain_[domain];
  ++probing_;
  verifier_.LookAgain(*std::move(address), Urgency::kRetry, [self = self_, domain] {
    if (*self == nullptr) return;
    --(*self)->probing_;
    const auto count = (*self)->by_domain_.find(domain);
    if (--count->second == 0) (*self)->by_domain_.erase(count);
  });
  return true;
}

}  // namespace verifyd
