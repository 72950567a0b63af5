#include "verifyd/door/exchange.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/exception_text.h"
#include "base/log.h"
#include "base/poller.h"
#include "base/signal.h"
#include "base/timer.h"
#include "base/token_bucket.h"

namespace verifyd {
namespace {

constexpr size_t kReadSize = 4096;
// The limit for an idle connection. Postfix closes idle ones after 300 s, and all after 1000 s.
constexpr absl::Duration kIdleLimit = absl::Hours(1);
// The limit for a client that began a request, or does not take its answer.
constexpr absl::Duration kStallLimit = absl::Seconds(100);
constexpr absl::Duration kSweepInterval = absl::Seconds(10);
// As many requests as the rate allows in this time may come at once.
constexpr absl::Duration kBurst = absl::Seconds(1);
constexpr absl::Duration kComplaintInterval = absl::Minutes(1);

}  // namespace

struct Exchange::Impl : std::enable_shared_from_this<Exchange::Impl> {
  Impl(Loop& loop, Metrics& metrics, std::unique_ptr<DoorProtocol> protocol)
      : loop(loop),
        metrics(metrics),
        protocol(std::move(protocol)),
        connections_accepted(metrics.door_connections(this->protocol->name())),
        requests(metrics.door_requests(this->protocol->name())),
        sweep(loop.timers()),
        next_turn(loop.timers()),
        emptied(loop) {}

  Loop& loop;
  Metrics& metrics;
  const std::unique_ptr<DoorProtocol> protocol;
  prometheus::Counter& connections_accepted;
  prometheus::Counter& requests;
  size_t connection_limit = 0;
  TokenBucket rate{kBurst};
  std::vector<std::unique_ptr<Listener>> listeners;
  absl::flat_hash_map<Connection*, std::unique_ptr<Connection>> connections;
  // Connections with answers to go out.
  std::vector<Connection*> outbox;
  // Connections over the rate, in the order in which they will be answered.
  std::deque<Connection*> queue;
  std::unique_ptr<Poller> poller = std::make_unique<Poller>(
      loop, [this](void* owner) { Ready(*static_cast<Connection*>(owner)); }, [this] { SendQueued(); });
  Timer sweep;
  Timer next_turn;
  Signal emptied;
  bool draining = false;
  bool said_full = false;
  MonoTime next_complaint;
  bool closed = false;

  void Close();
  void BeginDrain();
  void Accept(int fd);
  bool HasRoom();
  void Sweep();
  void Ready(Connection& connection);
  void Read(Connection& connection);
  void AnswerAll(Connection& connection);
  bool WithinRate(Connection& connection);
  void AnswerQueue();
  void AnswerOne(Connection& connection, absl::string_view request);
  static boost::asio::awaitable<void> Decide(std::shared_ptr<Impl> self, Connection& connection,
                                             boost::asio::awaitable<void> answer);
  void Forget(Connection& connection);
  void AnswerFailure(Connection& connection, absl::string_view what);
  void SendQueued();
  void Send(Connection& connection);
  void Rearm(Connection& connection);
  void End(Connection& connection);
  std::string Named(absl::string_view what) const { return absl::StrCat(protocol->name(), ": ", what); }
};

struct Exchange::Connection final : public DoorClient {
  Connection(Impl& exchange, int fd, bool over_limit) : exchange(exchange), fd(fd), over_limit(over_limit) {}
  ~Connection() { Close(); }

  void Say(absl::string_view bytes) override;
  void SayNow(absl::string_view bytes) override;
  void HangUp() override { ending = true; }
  void HangUpFor(absl::string_view why) override;
  bool memory_only() const override { return over_limit; }
  absl::Duration waited() const override { return exchange.loop.clock().Mono() - since; }

  void Close() {
    if (fd >= 0) close(std::exchange(fd, -1));
  }
  // While a decision or the queue holds it, nothing is read, and the request lies in `buffer`.
  bool busy() const { return deciding || in_queue; }
  bool idle() const { return !busy() && filled == 0 && outgoing.empty(); }
  bool Stalled(MonoTime now) const {
    if (busy()) return false;  // bounded by the question's patience, or by the rate
    return now - since > (idle() ? kIdleLimit : kStallLimit);
  }

  Impl& exchange;
  int fd;
  const bool over_limit;
  std::unique_ptr<Conversation> conversation;
  Poller::For watched = Poller::For::kNothing;
  // Bytes that were read and not answered yet lie between `done` and `filled`.
  std::string buffer;
  size_t done = 0;
  size_t filled = 0;
  // Answers that go out at the end of this round, or, where `blocked`, when the client takes them.
  std::string outgoing;
  bool blocked = false;
  bool in_outbox = false;
  bool deciding = false;
  bool begins_to_decide = false;
  bool in_queue = false;
  bool has_turn = false;
  // Close when the answers are out.
  bool ending = false;
  MonoTime since;  // when something was last read
};

// All answers of a round go out together: a client that is woken for the first finds the next ones, too, and need not
// be woken again for each.
void Exchange::Connection::Say(absl::string_view bytes) {
  if (exchange.closed) return;
  outgoing.append(bytes.data(), bytes.size());
  if (!blocked && !std::exchange(in_outbox, true)) exchange.outbox.push_back(this);
}

void Exchange::Connection::SayNow(absl::string_view bytes) {
  Say(bytes);
  exchange.SendQueued();
}

void Exchange::Connection::HangUpFor(absl::string_view why) {
  LogWarning(absl::StrCat(exchange.Named(why), ": connection closed"));
  HangUp();
}

Exchange::Exchange(Loop& loop, Metrics& metrics, std::unique_ptr<DoorProtocol> protocol)
    : impl_(std::make_shared<Impl>(loop, metrics, std::move(protocol))) {}

Exchange::~Exchange() { impl_->Close(); }

// A connection that decides just now stays, and keeps this alive, until it has decided.
void Exchange::Impl::Close() {
  closed = true;
  poller.reset();
  sweep.Cancel();
  next_turn.Cancel();
  listeners.clear();
  outbox.clear();
  queue.clear();
  absl::erase_if(connections, [](const auto& entry) { return !entry.first->deciding; });
  for (const auto& [connection, owned] : connections) connection->Close();
}

void Exchange::Configure(const ExchangeLimits& limits) {
  impl_->connection_limit = limits.connections;
  impl_->rate.SetRate(limits.requests_per_second);
  impl_->AnswerQueue();
}

void Exchange::Serve(std::unique_ptr<Listener> listener) {
  const std::weak_ptr<Impl> weak = impl_;
  listener->Start([weak](int fd) {
    const std::shared_ptr<Impl> self = weak.lock();
    if (self == nullptr) {
      close(fd);
    } else {
      self->Accept(fd);
    }
  });
  impl_->listeners.push_back(std::move(listener));
  if (!impl_->sweep.set()) impl_->Sweep();
}

DoorProtocol& Exchange::protocol() { return *impl_->protocol; }

size_t Exchange::connections() const { return impl_->connections.size(); }

void Exchange::BeginDrain() { impl_->BeginDrain(); }

void Exchange::Impl::BeginDrain() {
  draining = true;
  listeners.clear();
  AnswerQueue();
  SendQueued();
  std::vector<Connection*> idle;
  for (const auto& [connection, owned] : connections) {
    if (connection->idle()) idle.push_back(connection);
  }
  for (Connection* connection : idle) End(*connection);
}

boost::asio::awaitable<void> Exchange::Drained(MonoTime deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  while (!impl->connections.empty()) {
    if (!co_await impl->emptied.Wait(deadline)) break;
  }
}

// False where there are so many connections that not even memory is asked.
bool Exchange::Impl::HasRoom() {
  if (connections.size() >= connection_limit && !std::exchange(said_full, true)) {
    LogWarning(Named(absl::StrCat("more than ", connection_limit, " connections (", protocol->name(),
                                  "_connection_limit): further ones are answered from memory only")));
  }
  if (connections.size() < connection_limit / 2) said_full = false;
  return connections.size() < 2 * connection_limit;
}

void Exchange::Impl::Accept(int fd) {
  if (!HasRoom()) {
    close(fd);
    return;
  }
  connections_accepted.Increment();
  auto owned = std::make_unique<Connection>(*this, fd, connections.size() >= connection_limit);
  Connection& connection = *owned;
  connection.since = loop.clock().Mono();
  connections.emplace(&connection, std::move(owned));
  connection.conversation = protocol->Begin(connection);
  Rearm(connection);
  SendQueued();
}

// One timer serves all: a deadline per connection would cost more than the requests.
void Exchange::Impl::Sweep() {
  const MonoTime now = loop.clock().Mono();
  std::vector<Connection*> stalled;
  for (const auto& [connection, owned] : connections) {
    if (connection->Stalled(now)) stalled.push_back(connection);
  }
  for (Connection* connection : stalled) End(*connection);
  sweep.SetAfter(kSweepInterval, [this] { Sweep(); });
}

void Exchange::Impl::Ready(Connection& connection) {
  if (connection.blocked) {
    Send(connection);
  } else {
    Read(connection);
  }
}

void Exchange::Impl::Read(Connection& connection) {
  if (connection.buffer.size() - connection.filled < kReadSize) connection.buffer.resize(connection.filled + kReadSize);
  const ssize_t count = recv(connection.fd, connection.buffer.data() + connection.filled,
                             connection.buffer.size() - connection.filled, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    // The client may have closed only its side: all it sent is answered by now.
    connection.ending = true;
    if (connection.outgoing.empty()) End(connection);
    return;
  }
  connection.filled += static_cast<size_t>(count);
  connection.since = loop.clock().Mono();
  AnswerAll(connection);
}

// Answers every whole request in the buffer, until one has to wait.
void Exchange::Impl::AnswerAll(Connection& connection) {
  while (!connection.busy() && !connection.ending) {
    const absl::string_view rest(connection.buffer.data() + connection.done, connection.filled - connection.done);
    const absl::StatusOr<size_t> length = protocol->RequestLength(rest);
    if (!length.ok()) connection.HangUpFor(length.status().message());
    if (!length.ok() || *length == 0 || !WithinRate(connection)) break;
    connection.done += *length;
    AnswerOne(connection, rest.substr(0, *length));
  }
  if (!connection.busy()) Forget(connection);
  if (connection.ending && !connection.busy() && connection.outgoing.empty()) {
    End(connection);
  } else {
    Rearm(connection);
  }
}

// Drops what has been answered, to make room.
void Exchange::Impl::Forget(Connection& connection) {
  connection.filled -= connection.done;
  std::memmove(connection.buffer.data(), connection.buffer.data() + connection.done, connection.filled);
  connection.done = 0;
  if (connection.filled > protocol->request_limit() && !connection.ending) {
    connection.HangUpFor(absl::StrCat("a request of more than ", protocol->request_limit(), " bytes"));
  }
  if (connection.filled == 0 && draining) connection.ending = true;
}

// False where it is not the client's turn yet. Over the rate clients take turns, and are not read from until then.
bool Exchange::Impl::WithinRate(Connection& connection) {
  if (rate.rate() <= 0 || draining || std::exchange(connection.has_turn, false)) return true;
  const MonoTime now = loop.clock().Mono();
  if (queue.empty() && rate.Take(1, now) == 1) return true;
  if (now >= next_complaint) {
    next_complaint = now + kComplaintInterval;
    LogWarning(Named(absl::StrCat("more than ", rate.rate(), " requests a second (", protocol->name(),
                                  "_request_rate_limit): clients are kept waiting")));
  }
  connection.in_queue = true;
  queue.push_back(&connection);
  if (!next_turn.set()) next_turn.SetAt(rate.Next(now), [this] { AnswerQueue(); });
  return false;
}

void Exchange::Impl::AnswerQueue() {
  const MonoTime now = loop.clock().Mono();
  for (size_t turns = draining ? queue.size() : rate.Take(queue.size(), now); turns > 0; --turns) {
    Connection& connection = *queue.front();
    queue.pop_front();
    connection.in_queue = false;
    connection.has_turn = true;
    AnswerAll(connection);
  }
  if (!queue.empty()) next_turn.SetAt(rate.Next(now), [this] { AnswerQueue(); });
  SendQueued();
}

// Where the answer must wait, the connection is deciding and goes on by itself. It may also turn out that there is
// nothing to wait for.
void Exchange::Impl::AnswerOne(Connection& connection, absl::string_view request) {
  requests.Increment();
  try {
    std::optional<boost::asio::awaitable<void>> answer = connection.conversation->Answer(request);
    if (!answer.has_value()) return;
    connection.deciding = connection.begins_to_decide = true;
    loop.Spawn(Decide(shared_from_this(), connection, *std::move(answer)));
  } catch (...) {
    connection.deciding = false;
    AnswerFailure(connection, ExceptionText());
  }
  connection.begins_to_decide = false;
}

// `connection` stays valid: nothing ends one that is deciding.
boost::asio::awaitable<void> Exchange::Impl::Decide(std::shared_ptr<Impl> self, Connection& connection,
                                                    boost::asio::awaitable<void> answer) {
  std::string failure;
  try {
    co_await std::move(answer);
  } catch (...) {
    failure = ExceptionText();
  }
  if (self->closed) co_return;
  if (!failure.empty()) self->AnswerFailure(connection, failure);
  connection.deciding = false;
  if (connection.begins_to_decide) co_return;  // AnswerAll goes on itself
  self->AnswerAll(connection);
  self->SendQueued();
}

void Exchange::Impl::AnswerFailure(Connection& connection, absl::string_view what) {
  LogError(absl::StrCat("internal error while deciding on a ", protocol->name(), " request: ", what));
  metrics.internal_errors().Increment();
  metrics.decisions("error").Increment();
  connection.conversation->AnswerFailure();
}

void Exchange::Impl::SendQueued() {
  for (Connection* connection : outbox) {
    connection->in_outbox = false;
    Send(*connection);
  }
  outbox.clear();
}

void Exchange::Impl::Send(Connection& connection) {
  std::string& outgoing = connection.outgoing;
  const ssize_t sent = send(connection.fd, outgoing.data(), outgoing.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    connection.ending = true;
    outgoing.clear();
  }
  outgoing.erase(0, sent > 0 ? static_cast<size_t>(sent) : 0);
  connection.blocked = !outgoing.empty();
  if (connection.ending && !connection.blocked && !connection.busy()) {
    End(connection);
  } else {
    Rearm(connection);
  }
}

// A client that does not take its answers is not read from either.
void Exchange::Impl::Rearm(Connection& connection) {
  const Poller::For what = connection.blocked                       ? Poller::For::kWriting
                           : connection.busy() || connection.ending ? Poller::For::kNothing
                                                                    : Poller::For::kReading;
  poller->Watch(connection.fd, &connection, std::exchange(connection.watched, what), what);
}

void Exchange::Impl::End(Connection& connection) {
  poller->Watch(connection.fd, &connection, connection.watched, Poller::For::kNothing);
  connections.erase(&connection);
  if (connections.empty()) emptied.NotifyAll();
}

}  // namespace verifyd
