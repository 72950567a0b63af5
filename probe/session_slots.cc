#include "probe/session_slots.h"

#include <algorithm>

namespace verifyd {

SessionSlots::SessionSlots(Loop& loop, size_t limit)
    : loop_(loop),
      limit_(limit),
      exhaustion_ends_(loop.timers()),
      own_(loop),
      public_(loop),
      later_(loop),
      has_share_(loop) {}

void SessionSlots::SetLimit(size_t limit) {
  if (limit == limit_) return;
  limit_ = limit;
  Serve();
}

size_t SessionSlots::limit() const {
  return loop_.clock().Mono() < exhausted_until_ ? std::min(limit_, exhausted_at_) : limit_;
}

bool SessionSlots::HasShare(const std::string& owner) const {
  const auto found = in_use_of_.find(owner);
  return found != in_use_of_.end() && found->second >= Share();
}

bool SessionSlots::HasHisShare(const SlotClaim& claim) const { return !claim.own && HasShare(claim.owner); }

bool SessionSlots::TryAcquire(const SlotClaim& claim) {
  const FairLine& line = LineOf(claim);
  if (line.waiting() > 0 || in_use_ >= LimitOf(line)) return false;
  ++in_use_;
  if (!claim.own) ++in_use_of_[claim.owner];
  return true;
}

FairLine& SessionSlots::LineOf(const SlotClaim& claim) {
  if (HasHisShare(claim) && in_use_ >= LimitOf(has_share_)) return has_share_;
  if (!Urgent(claim.urgency)) return later_;
  return claim.own ? own_ : public_;
}

size_t SessionSlots::LimitOf(const FairLine& line) const {
  const size_t all = limit();
  if (&line == &own_) return all;
  if (&line == &public_) return all - all / 10;
  if (&line == &later_) return all - 2 * (all / 10);
  return std::max<size_t>(all / 2, 1);
}

boost::asio::awaitable<void> SessionSlots::Acquire(const SlotClaim& claim) {
  FairLine& line = LineOf(claim);
  if (line.waiting() == 0 && in_use_ < LimitOf(line)) {
    ++in_use_;
  } else {
    co_await line.Wait(claim.owner);
    if (&line != &has_share_ && HasHisShare(claim) && in_use_ > LimitOf(has_share_)) {
      // Others of this owner were called before this one, and have the owner's share now.
      --in_use_;
      Serve();
      co_await has_share_.Wait(claim.owner);
    }
  }
  if (!claim.own) ++in_use_of_[claim.owner];
}

void SessionSlots::Release(const SlotClaim& claim) {
  --in_use_;
  if (!claim.own) {
    const auto found = in_use_of_.find(claim.owner);
    if (--found->second == 0) in_use_of_.erase(found);
    if (has_share_.waiting() > 0 && !HasHisShare(claim)) may_go_on_.insert(claim.owner);
  }
  Serve();
}

void SessionSlots::CallFrom(FairLine& line) {
  while (in_use_ < LimitOf(line) && line.CallNext()) ++in_use_;
}

// Calls the next of each owner that has less than its share again.
void SessionSlots::CallThoseWithLess() {
  while (!may_go_on_.empty() && in_use_ < LimitOf(public_)) {
    const std::string owner = *may_go_on_.begin();
    may_go_on_.erase(may_go_on_.begin());
    if (!HasShare(owner) && has_share_.CallOf(owner)) ++in_use_;
  }
}

void SessionSlots::Serve() {
  CallFrom(own_);
  CallThoseWithLess();
  CallFrom(public_);
  CallFrom(later_);
  CallFrom(has_share_);
}

void SessionSlots::NoteExhausted() {
  // The session that failed is counted, but got nothing.
  exhausted_at_ = std::max<size_t>(in_use_, 2) - 1;
  exhausted_until_ = loop_.clock().Mono() + kExhaustion;
  // When the system has more again, perhaps no session is left whose release would serve the waiters.
  exhaustion_ends_.SetAt(exhausted_until_, [this] { Serve(); });
}

}  // namespace verifyd
