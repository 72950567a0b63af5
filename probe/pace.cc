#include "probe/pace.h"

#include <algorithm>

namespace verifyd {
namespace {

// We overload a server when it needs so much longer than at its best; both must hold.
constexpr int kSlower = 4;
constexpr absl::Duration kNoticeable = absl::Milliseconds(500);

}  // namespace

Pace::Pace(Loop& loop, const PaceLimits& limits) : loop_(loop), limit_(1), freed_(loop) { SetLimits(limits); }

void Pace::SetLimits(const PaceLimits& limits) {
  const bool at_limit = limit_ >= allowed_.connections;
  allowed_ = limits;
  bearable_.SetLeast(limits.least_questions_per_second);
  if (connections_.rate() != limits.connections_per_second) connections_.SetRate(limits.connections_per_second);
  SetQuestionRate();
  // A lower limit that was learned stays.
  const int limit = at_limit ? limits.connections : std::min(limit_, limits.connections);
  if (limit != limit_) SetLimit(limit);
}

void Pace::Restore(double questions_per_second) {
  if (questions_per_second < kLeastKept) return;
  bearable_.Restore(questions_per_second, loop_.clock().Mono());
  SetQuestionRate();
}

void Pace::Reset() {
  ForgetTooFast();
  refused_beyond_ = 0;
  latency_ = absl::ZeroDuration();
  least_latency_ = absl::InfiniteDuration();
  SetLimit(allowed_.connections);
}

void Pace::ForgetTooFast() {
  bearable_ = BearableRate();
  bearable_.SetLeast(allowed_.least_questions_per_second);
  SetQuestionRate();
}

void Pace::SetQuestionRate() {
  const double bearable = bearable_.rate();
  const double allowed = allowed_.questions_per_second;
  const double rate = bearable > 0 && allowed > 0 ? std::min(bearable, allowed) : std::max(bearable, allowed);
  if (questions_.rate() != rate) questions_.SetRate(rate);
}

void Pace::SetLimit(int limit) {
  limit_ = limit;
  while (in_use_ < limit_ && freed_.NotifyOne()) ++in_use_;
}

boost::asio::awaitable<bool> Pace::Acquire(MonoTime deadline) {
  if (in_use_ < limit_ && freed_.waiting() == 0) {
    ++in_use_;
  } else if (!co_await freed_.Wait(deadline)) {
    // Release hands a turn over to a waiter: it stays counted, so that no later caller can take it.
    co_return false;
  }
  while (connections_.Take(1, loop_.clock().Mono()) == 0) {
    const MonoTime now = loop_.clock().Mono();
    const MonoTime next = connections_.Next(now);
    if (next > deadline) {
      Release();
      co_return false;
    }
    co_await loop_.Sleep(next - now);
  }
  co_return true;
}

void Pace::Release() {
  if (in_use_ <= limit_ && freed_.NotifyOne()) return;
  --in_use_;
}

size_t Pace::TakeQuestions(size_t wanted) {
  return questions_.rate() == 0 ? wanted : questions_.Take(wanted, loop_.clock().Mono());
}

MonoTime Pace::NextQuestion() { return questions_.Next(loop_.clock().Mono()); }

void Pace::NoteAnswered(size_t count, absl::Duration latency) {
  const MonoTime now = loop_.clock().Mono();
  bearable_.NoteAnswered(count, now);
  SetQuestionRate();
  // One slow mailbox does not make a slow server: several must say so.
  const absl::Duration counted = std::min(latency, 2 * latency_ + kNoticeable / 2);
  latency_ = latency_ == absl::ZeroDuration() ? latency : (7 * latency_ + counted) / 8;
  least_latency_ = std::min(least_latency_, latency);
  if (now - stepped_ < kStep) return;
  if (latency_ > std::max(kSlower * least_latency_, least_latency_ + kNoticeable)) {
    stepped_ = now;
    if (limit_ > 1) SetLimit(std::max(1, limit_ / 2));
    return;
  }
  if (refused_beyond_ > 0 && now - refused_ > kRefusalMemory) refused_beyond_ = 0;
  const int most = refused_beyond_ > 0 ? std::min(allowed_.connections, refused_beyond_) : allowed_.connections;
  if (limit_ >= most) return;
  stepped_ = now;
  SetLimit(limit_ + 1);
}

bool Pace::NoteTooManyConnections(int connections) {
  if (connections <= 0) return false;
  const MonoTime now = loop_.clock().Mono();
  refused_beyond_ = connections;
  refused_ = stepped_ = now;
  SetLimit(std::clamp(connections, 1, allowed_.connections));
  return true;
}

bool Pace::NoteTooFast() {
  const bool understood = bearable_.NoteComplaint(loop_.clock().Mono());
  SetQuestionRate();
  return understood;
}

}  // namespace verifyd
