#include "verifyd/door/policy.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/poller.h"
#include "base/signal.h"
#include "base/timer.h"
#include "verifyd/door/policy_request.h"

namespace verifyd {
namespace {

constexpr size_t kReadSize = 4096;
// A connection on which nothing happens. Postfix closes idle ones after 300 s, and all after 1000 s.
constexpr absl::Duration kIdleLimit = absl::Hours(1);
// A client that began a request, or does not take its answer.
constexpr absl::Duration kStallLimit = absl::Seconds(100);
constexpr absl::Duration kSweepInterval = absl::Seconds(10);

// One client.
struct Connection {
  Connection(int fd, bool memory_only) : fd(fd), memory_only(memory_only) {}
  ~Connection() { close(fd); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const int fd;
  const bool memory_only;  // over the limit of connections
  Poller::For watched = Poller::For::kNothing;
  // What was read and not answered yet lies between `done` and `filled`.
  std::string buffer;
  size_t done = 0;
  size_t filled = 0;
  // Answers that go out at the end of this round, or, where `blocked`, when the client takes them.
  std::string outgoing;
  bool blocked = false;
  bool queued = false;
  // A probe is waited for: nothing is read meanwhile, the request lies in `buffer`.
  bool deciding = false;
  // To be closed when the answers are out.
  bool ending = false;
  MonoTime since;  // of the last thing that was read

  bool idle() const { return !deciding && filled == 0 && outgoing.empty(); }
  bool Stalled(MonoTime now) const {
    if (deciding) return false;  // bounded by the question's patience
    return now - since > (idle() ? kIdleLimit : kStallLimit);
  }
};

}  // namespace

struct PolicyDoor::Impl : std::enable_shared_from_this<PolicyDoor::Impl> {
  Impl(Loop& loop, Restrictions& restrictions, Metrics& metrics)
      : loop(loop), restrictions(restrictions), metrics(metrics), sweep(loop.timers()), emptied(loop) {}

  Loop& loop;
  Restrictions& restrictions;
  Metrics& metrics;
  std::shared_ptr<const PolicyDoorSettings> settings;
  std::vector<std::unique_ptr<Listener>> listeners;
  absl::flat_hash_map<Connection*, std::unique_ptr<Connection>> connections;
  // Those with answers to go out.
  std::vector<Connection*> outbox;
  Poller poller{loop, [this](void* owner) { Ready(*static_cast<Connection*>(owner)); }, [this] { SendQueued(); }};
  Timer sweep;
  Signal emptied;
  bool draining = false;
  bool said_full = false;
  bool closed = false;

  void Accept(int fd);
  void Sweep();
  void Ready(Connection& connection);
  void Read(Connection& connection);
  void AnswerAll(Connection& connection);
  bool AnswerOne(Connection& connection, absl::string_view text);
  static boost::asio::awaitable<void> Decide(std::shared_ptr<Impl> self, Connection& connection, MailRequest request,
                                             Evaluation evaluation);
  void Answer(Connection& connection, const MailRequest& request, const Ruling& ruling);
  void AnswerFailure(Connection& connection, absl::string_view what);
  void Queue(Connection& connection, absl::string_view answer);
  void SendQueued();
  void Send(Connection& connection);
  void Rearm(Connection& connection);
  void End(Connection& connection);
  std::string InternalError(absl::string_view what);
};

PolicyDoor::PolicyDoor(Loop& loop, Restrictions& restrictions, Metrics& metrics)
    : impl_(std::make_shared<Impl>(loop, restrictions, metrics)) {}

PolicyDoor::~PolicyDoor() {
  impl_->closed = true;
  impl_->sweep.Cancel();
  impl_->listeners.clear();
  impl_->outbox.clear();
  impl_->connections.clear();
}

void PolicyDoor::Configure(std::shared_ptr<const PolicyDoorSettings> settings) {
  impl_->settings = std::move(settings);
}

void PolicyDoor::Serve(std::unique_ptr<Listener> listener) {
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

size_t PolicyDoor::connections() const { return impl_->connections.size(); }

boost::asio::awaitable<void> PolicyDoor::Drain(MonoTime deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->draining = true;
  impl->listeners.clear();
  impl->SendQueued();
  std::vector<Connection*> idle;
  for (const auto& [connection, owned] : impl->connections) {
    if (connection->idle()) idle.push_back(connection);
  }
  for (Connection* connection : idle) impl->End(*connection);
  while (!impl->connections.empty()) {
    if (!co_await impl->emptied.Wait(deadline)) break;
  }
}

void PolicyDoor::Impl::Accept(int fd) {
  const size_t limit = settings->connection_limit;
  if (connections.size() >= limit && !std::exchange(said_full, true)) {
    LogWarning(absl::StrCat("policy: more than ", limit,
                            " connections (policy_connection_limit): further ones are answered from memory only"));
  }
  if (connections.size() < limit / 2) said_full = false;
  if (connections.size() >= 2 * limit) {
    close(fd);
    return;
  }
  metrics.policy_connections().Increment();
  auto connection = std::make_unique<Connection>(fd, connections.size() >= limit);
  connection->since = loop.clock().Mono();
  Rearm(*connection);
  connections.emplace(connection.get(), std::move(connection));
}

// One timer for all: a deadline per connection would cost more than the requests.
void PolicyDoor::Impl::Sweep() {
  const MonoTime now = loop.clock().Mono();
  std::vector<Connection*> stalled;
  for (const auto& [connection, owned] : connections) {
    if (connection->Stalled(now)) stalled.push_back(connection);
  }
  for (Connection* connection : stalled) End(*connection);
  sweep.SetAfter(kSweepInterval, [this] { Sweep(); });
}

void PolicyDoor::Impl::Ready(Connection& connection) {
  if (connection.blocked) {
    Send(connection);
  } else {
    Read(connection);
  }
}

void PolicyDoor::Impl::Read(Connection& connection) {
  if (connection.buffer.size() - connection.filled < kReadSize) connection.buffer.resize(connection.filled + kReadSize);
  const ssize_t count = recv(connection.fd, connection.buffer.data() + connection.filled,
                             connection.buffer.size() - connection.filled, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    // Also a client that has only closed its side: all it sent is answered by now.
    connection.ending = true;
    if (connection.outgoing.empty()) End(connection);
    return;
  }
  connection.filled += static_cast<size_t>(count);
  connection.since = loop.clock().Mono();
  AnswerAll(connection);
}

// Answers every whole request in the buffer, until one has to wait for a probe.
void PolicyDoor::Impl::AnswerAll(Connection& connection) {
  while (!connection.deciding && !connection.ending) {
    const absl::string_view rest(connection.buffer.data() + connection.done, connection.filled - connection.done);
    const size_t length = PolicyRequestLength(rest);
    if (length == 0) break;
    connection.done += length;
    connection.deciding = !AnswerOne(connection, rest.substr(0, length));
  }
  if (!connection.deciding) {
    connection.filled -= connection.done;
    std::memmove(connection.buffer.data(), connection.buffer.data() + connection.done, connection.filled);
    connection.done = 0;
    if (connection.filled > kMaxPolicyRequest) {
      LogWarning(absl::StrCat("policy: a request of more than ", kMaxPolicyRequest,
                              " bytes without its empty line: connection closed"));
      connection.ending = true;
    }
    if (connection.filled == 0 && draining) connection.ending = true;
  }
  if (connection.ending && connection.outgoing.empty()) {
    End(connection);
  } else {
    Rearm(connection);
  }
}

// False: the answer must wait, and comes by itself.
bool PolicyDoor::Impl::AnswerOne(Connection& connection, absl::string_view text) {
  metrics.policy_requests().Increment();
  const absl::StatusOr<MailRequest> request = ParsePolicyRequest(text);
  if (!request.ok()) {
    LogWarning(absl::StrCat("policy: ", request.status().message(), ": connection closed"));
    connection.ending = true;
    return true;
  }
  try {
    Evaluation evaluation = restrictions.Begin(*request, connection.memory_only);
    if (!evaluation.settled()) {
      loop.Spawn(Decide(shared_from_this(), connection, *request, std::move(evaluation)));
      return false;
    }
    Answer(connection, *request, evaluation.ruling());
  } catch (const std::exception& e) {
    AnswerFailure(connection, e.what());
  }
  return true;
}

// `connection` is there unless the door is closed: nothing ends one that is deciding.
boost::asio::awaitable<void> PolicyDoor::Impl::Decide(std::shared_ptr<Impl> self, Connection& connection,
                                                      MailRequest request, Evaluation evaluation) {
  std::string failure;
  try {
    const Ruling ruling = co_await self->restrictions.Finish(std::move(evaluation));
    if (self->closed) co_return;
    self->Answer(connection, request, ruling);
  } catch (const std::exception& e) {
    failure = e.what();
  }
  if (self->closed) co_return;
  if (!failure.empty()) self->AnswerFailure(connection, failure);
  connection.deciding = false;
  self->AnswerAll(connection);
  self->SendQueued();
}

void PolicyDoor::Impl::Answer(Connection& connection, const MailRequest& request, const Ruling& ruling) {
  metrics.decisions(ActionWord(ruling)).Increment();
  if (DecisionIsLogged(settings->decisions_logged, ruling)) {
    LogInfo(DecisionLine(request, ruling, loop.clock().Mono() - connection.since));
  }
  Queue(connection, PolicyAnswer(ruling));
}

void PolicyDoor::Impl::AnswerFailure(Connection& connection, absl::string_view what) {
  const std::string answer = InternalError(what);
  if (answer.empty()) {
    connection.ending = true;
  } else {
    Queue(connection, answer);
  }
}

// All answers of a round go out together: a client that is woken for the first finds the next ones, too, and need not
// be woken again for each.
void PolicyDoor::Impl::Queue(Connection& connection, absl::string_view answer) {
  connection.outgoing.append(answer.data(), answer.size());
  if (!connection.blocked && !std::exchange(connection.queued, true)) outbox.push_back(&connection);
}

void PolicyDoor::Impl::SendQueued() {
  for (Connection* connection : outbox) {
    connection->queued = false;
    Send(*connection);
  }
  outbox.clear();
}

void PolicyDoor::Impl::Send(Connection& connection) {
  std::string& outgoing = connection.outgoing;
  const ssize_t sent = send(connection.fd, outgoing.data(), outgoing.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    connection.ending = true;
    outgoing.clear();
  }
  outgoing.erase(0, sent > 0 ? static_cast<size_t>(sent) : 0);
  connection.blocked = !outgoing.empty();
  if (connection.ending && !connection.blocked && !connection.deciding) {
    End(connection);
  } else {
    Rearm(connection);
  }
}

// A client that does not take its answers is not read from either.
void PolicyDoor::Impl::Rearm(Connection& connection) {
  const Poller::For what = connection.blocked                         ? Poller::For::kWriting
                           : connection.deciding || connection.ending ? Poller::For::kNothing
                                                                      : Poller::For::kReading;
  poller.Watch(connection.fd, &connection, std::exchange(connection.watched, what), what);
}

void PolicyDoor::Impl::End(Connection& connection) {
  poller.Watch(connection.fd, &connection, connection.watched, Poller::For::kNothing);
  connections.erase(&connection);
  if (connections.empty()) emptied.NotifyAll();
}

// Empty: say nothing and hang up, as SMTPD_POLICY_README asks in case of trouble.
std::string PolicyDoor::Impl::InternalError(absl::string_view what) {
  LogError(absl::StrCat("internal error while deciding on a policy request: ", what));
  metrics.internal_errors().Increment();
  metrics.decisions("error").Increment();
  switch (settings->internal_error_action) {
    case InternalErrorAction::kDunno:
      return "action=DUNNO\n\n";
    case InternalErrorAction::kDefer:
      return "action=DEFER_IF_PERMIT 4.3.0 address verification problem\n\n";
    case InternalErrorAction::kDisconnect:
      break;
  }
  return "";
}

}  // namespace verifyd
