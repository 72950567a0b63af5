#include "verifyd/door/policy.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/signal.h"
#include "base/timer.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/generic/stream_protocol.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"
#include "verifyd/door/policy_request.h"

namespace verifyd {
namespace {

constexpr size_t kReadSize = 4096;
// A connection on which nothing happens. Postfix closes idle ones after 300 s, and all after 1000 s.
constexpr absl::Duration kIdleLimit = absl::Hours(1);
// A client that began a request, or does not take its answer.
constexpr absl::Duration kStallLimit = absl::Seconds(100);
constexpr absl::Duration kSweepInterval = absl::Seconds(10);

constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

using Socket = boost::asio::generic::stream_protocol::socket;

boost::asio::generic::stream_protocol ProtocolOf(int fd) {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return {address.ss_family, 0};
}

// One client. Lives as long as its coroutine.
struct Connection {
  Connection(Loop& loop, int fd, bool memory_only)
      : socket(loop.context(), ProtocolOf(fd), fd), memory_only(memory_only), drained(loop) {}

  enum class State : uint8_t { kIdle, kReading, kDeciding };

  Socket socket;
  const bool memory_only;  // over the limit of connections
  // What was read and not answered yet is its first `filled` bytes.
  std::string buffer;
  size_t filled = 0;
  // Answers that go out at the end of this turn of the loop, or, where `blocked`, when the client takes them.
  std::string outgoing;
  bool blocked = false;
  Signal drained;
  State state = State::kIdle;
  MonoTime since;

  bool Stalled(MonoTime now) const {
    if (state == State::kDeciding) return false;  // bounded by the question's patience
    return now - since > (state == State::kIdle && outgoing.empty() ? kIdleLimit : kStallLimit);
  }
  void Close() {
    boost::system::error_code ignored;
    socket.close(ignored);
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
  absl::flat_hash_set<Connection*> connections;
  // Those with answers to go out.
  std::vector<std::shared_ptr<Connection>> outbox;
  Timer sweep;
  Signal emptied;
  bool draining = false;
  bool said_full = false;

  void Accept(int fd);
  void Sweep();
  static boost::asio::awaitable<void> Run(std::shared_ptr<Impl> self, std::shared_ptr<Connection> connection);
  boost::asio::awaitable<void> Talk(const std::shared_ptr<Connection>& connection);
  boost::asio::awaitable<bool> AnswerAll(const std::shared_ptr<Connection>& connection);
  boost::asio::awaitable<std::string> Answer(absl::string_view text, const Connection& connection);
  void Queue(const std::shared_ptr<Connection>& connection, absl::string_view answer);
  void SendQueued();
  void Send(const std::shared_ptr<Connection>& connection);
  boost::asio::awaitable<void> SendBlocked(std::shared_ptr<Connection> connection);
  std::string InternalError(absl::string_view what);
};

PolicyDoor::PolicyDoor(Loop& loop, Restrictions& restrictions, Metrics& metrics)
    : impl_(std::make_shared<Impl>(loop, restrictions, metrics)) {}

PolicyDoor::~PolicyDoor() {
  impl_->sweep.Cancel();
  impl_->listeners.clear();
  for (Connection* connection : impl_->connections) connection->Close();
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
  for (Connection* connection : impl->connections) {
    if (connection->state == Connection::State::kIdle) connection->Close();
  }
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
  const auto connection = std::make_shared<Connection>(loop, fd, connections.size() >= limit);
  connection->since = loop.clock().Mono();
  connections.insert(connection.get());
  loop.Spawn(Run(shared_from_this(), connection));
}

// One timer for all: a deadline per connection would cost more than the requests.
void PolicyDoor::Impl::Sweep() {
  const MonoTime now = loop.clock().Mono();
  for (Connection* connection : connections) {
    if (connection->Stalled(now)) connection->Close();
  }
  sweep.SetAfter(kSweepInterval, [this] { Sweep(); });
}

boost::asio::awaitable<void> PolicyDoor::Impl::Run(std::shared_ptr<Impl> self, std::shared_ptr<Connection> connection) {
  co_await self->Talk(connection);
  self->Send(connection);
  while (connection->blocked) co_await connection->drained.Wait();
  connection->Close();
  self->connections.erase(connection.get());
  if (self->connections.empty()) self->emptied.NotifyAll();
}

boost::asio::awaitable<void> PolicyDoor::Impl::Talk(const std::shared_ptr<Connection>& connection) {
  std::string& buffer = connection->buffer;
  size_t& filled = connection->filled;
  for (;;) {
    if (buffer.size() - filled < kReadSize) buffer.resize(filled + kReadSize);
    // Waiting first: nearly always the next request is still to come, and a read that finds nothing costs a system
    // call.
    const auto [error] = co_await connection->socket.async_wait(Socket::wait_read, kAwait);
    if (error) co_return;
    const ssize_t count =
        recv(connection->socket.native_handle(), buffer.data() + filled, buffer.size() - filled, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) co_return;  // also a client that has only closed its side: all it sent is answered by now
    filled += static_cast<size_t>(count);
    connection->since = loop.clock().Mono();
    connection->state = Connection::State::kReading;
    if (!co_await AnswerAll(connection)) co_return;
    if (filled > kMaxPolicyRequest) {
      LogWarning(absl::StrCat("policy: a request of more than ", kMaxPolicyRequest,
                              " bytes without its empty line: connection closed"));
      co_return;
    }
    if (filled == 0) {
      if (draining) co_return;
      connection->state = Connection::State::kIdle;
    }
  }
}

// Answers every whole request in the buffer. False: the connection is to be closed.
boost::asio::awaitable<bool> PolicyDoor::Impl::AnswerAll(const std::shared_ptr<Connection>& connection) {
  size_t done = 0;
  for (;;) {
    const absl::string_view rest(connection->buffer.data() + done, connection->filled - done);
    const size_t length = PolicyRequestLength(rest);
    if (length == 0) break;
    connection->state = Connection::State::kDeciding;
    const std::string answer = co_await Answer(rest.substr(0, length), *connection);
    connection->state = Connection::State::kReading;
    if (answer.empty()) co_return false;
    Queue(connection, answer);
    while (connection->blocked) co_await connection->drained.Wait();
    if (!connection->socket.is_open()) co_return false;
    done += length;
  }
  connection->filled -= done;
  std::memmove(connection->buffer.data(), connection->buffer.data() + done, connection->filled);
  co_return true;
}

// All answers of one turn of the loop go out together: a client that is woken for the first finds the next ones, too,
// and need not be woken again for each.
void PolicyDoor::Impl::Queue(const std::shared_ptr<Connection>& connection, absl::string_view answer) {
  connection->outgoing.append(answer.data(), answer.size());
  if (connection->blocked) return;
  outbox.push_back(connection);
  if (outbox.size() > 1) return;
  loop.Post([weak = weak_from_this()] {
    if (const std::shared_ptr<Impl> self = weak.lock(); self != nullptr) self->SendQueued();
  });
}

void PolicyDoor::Impl::SendQueued() {
  for (const std::shared_ptr<Connection>& connection : std::exchange(outbox, {})) Send(connection);
}

void PolicyDoor::Impl::Send(const std::shared_ptr<Connection>& connection) {
  std::string& outgoing = connection->outgoing;
  if (connection->blocked || outgoing.empty() || !connection->socket.is_open()) return;
  const ssize_t sent =
      send(connection->socket.native_handle(), outgoing.data(), outgoing.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  outgoing.erase(0, sent > 0 ? static_cast<size_t>(sent) : 0);
  if (outgoing.empty()) return;
  connection->blocked = true;
  loop.Spawn(SendBlocked(connection));
}

// What the client does not take at once; a broken connection shows here, too.
boost::asio::awaitable<void> PolicyDoor::Impl::SendBlocked(std::shared_ptr<Connection> connection) {
  while (!connection->outgoing.empty()) {
    const std::string bytes = std::exchange(connection->outgoing, "");
    const auto [error, count] =
        co_await boost::asio::async_write(connection->socket, boost::asio::buffer(bytes), kAwait);
    if (error) connection->Close();
  }
  connection->blocked = false;
  connection->drained.NotifyAll();
}

// Empty: say nothing and hang up, as SMTPD_POLICY_README asks in case of trouble.
boost::asio::awaitable<std::string> PolicyDoor::Impl::Answer(absl::string_view text, const Connection& connection) {
  metrics.policy_requests().Increment();
  const absl::StatusOr<MailRequest> request = ParsePolicyRequest(text);
  if (!request.ok()) {
    LogWarning(absl::StrCat("policy: ", request.status().message(), ": connection closed"));
    co_return "";
  }
  std::string failure;
  try {
    const Ruling ruling = co_await restrictions.Evaluate(*request, connection.memory_only);
    metrics.decisions(ActionWord(ruling)).Increment();
    if (DecisionIsLogged(settings->decisions_logged, ruling)) {
      LogInfo(DecisionLine(*request, ruling, loop.clock().Mono() - connection.since));
    }
    co_return PolicyAnswer(ruling);
  } catch (const std::exception& e) {
    failure = e.what();
  }
  co_return InternalError(failure);
}

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
