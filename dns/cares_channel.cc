#include "dns/cares_channel.h"

#include <ares.h>
#include <arpa/inet.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "base/timer.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"

namespace verifyd {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr int kInternet = 1;
constexpr unsigned char kAskAuthenticated = 0x20;  // in the fourth octet of the header
constexpr int kDefaultPort = 53;
// 1000 answers at once overflow the usual buffer. The kernel cuts this to net.core.rmem_max.
constexpr int kReceiveBuffer = 4 << 20;

// One of c-ares's sockets. c-ares owns the descriptor; `descriptor` only watches it.
struct Socket {
  explicit Socket(boost::asio::io_context& context) : descriptor(context) {}
  stream_descriptor descriptor;
  ares_socket_t fd = ARES_SOCKET_BAD;
  bool wants_read = false;
  bool wants_write = false;
  bool reading = false;  // a wait is under way
  bool writing = false;
  bool closed = false;
};

absl::StatusOr<ares_addr_port_node> ParseServer(const std::string& text) {
  absl::string_view host = text;
  absl::string_view port;
  if (host.substr(0, 1) == "[") {
    const size_t end = host.find(']');
    if (end == absl::string_view::npos) host = "";
    port = host.substr(host.empty() ? 0 : end + 1);
    host = host.substr(host.empty() ? 0 : 1, end - 1);
  } else if (const size_t colon = host.find(':'); colon != absl::string_view::npos && colon == host.rfind(':')) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  int number = kDefaultPort;
  const bool port_fits =
      port.empty() || (port[0] == ':' && absl::SimpleAtoi(port.substr(1), &number) && number > 0 && number <= 65535);
  ares_addr_port_node node = {};
  node.udp_port = node.tcp_port = number;
  const std::string address(host);
  node.family = AF_INET;
  if (port_fits && text[0] != '[' && inet_pton(AF_INET, address.c_str(), &node.addr) == 1) return node;
  node.family = AF_INET6;
  if (port_fits && inet_pton(AF_INET6, address.c_str(), &node.addr) == 1) return node;
  return absl::InvalidArgumentError(
      absl::StrCat("name server \"", text, "\": expected ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT"));
}

absl::StatusOr<std::vector<ares_addr_port_node>> ParseServers(const std::vector<std::string>& servers) {
  std::vector<ares_addr_port_node> nodes;
  for (const std::string& server : servers) {
    ASSIGN_OR_RETURN(nodes.emplace_back(), ParseServer(server));
  }
  for (size_t i = 1; i < nodes.size(); ++i) nodes[i - 1].next = &nodes[i];
  return nodes;
}

DnsStatus StatusOf(int ares_status) {
  switch (ares_status) {
    case ARES_SUCCESS:
      return DnsStatus::kOk;
    case ARES_EREFUSED:
      return DnsStatus::kRefused;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
      return DnsStatus::kTimeout;
    case ARES_ESERVFAIL:
      return DnsStatus::kServfail;
    default:
      return DnsStatus::kMalformed;
  }
}

}  // namespace

struct CaresChannel::Impl {
  explicit Impl(Loop& loop) : loop(loop), timer(loop.timers()) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (channel != nullptr) ares_destroy(channel);
  }

  // c-ares holds this for a question until it calls back, which it does once, at the latest from ares_destroy.
  struct Question {
    Impl* impl;
    uint16_t id;
    Done done;
  };

  static void OnAnswer(void* arg, int status, int /*timeouts*/, unsigned char* bytes, int length) {
    const std::unique_ptr<Question> question(static_cast<Question*>(arg));
    question->impl->open_ids.erase(question->id);
    if (status == ARES_EDESTRUCTION) return;
    std::string message;
    if (status == ARES_SUCCESS && length > 0) {
      message.assign(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
    }
    question->impl->Post(std::move(question->done), StatusOf(status), std::move(message));
  }

  static void OnSocketState(void* arg, ares_socket_t fd, int readable, int writable) {
    static_cast<Impl*>(arg)->Watch(fd, readable != 0, writable != 0);
  }

  void Post(Done done, DnsStatus status, std::string message) {
    loop.Post(
        [done = std::move(done), status, message = std::move(message)]() mutable { done(status, std::move(message)); });
  }

  void Watch(ares_socket_t fd, bool readable, bool writable) {
    auto found = sockets.find(fd);
    if (!readable && !writable) {
      if (found == sockets.end()) return;
      // c-ares closes the descriptor next, and its number may be used again at once.
      found->second->closed = true;
      found->second->descriptor.release();
      sockets.erase(found);
      return;
    }
    if (found == sockets.end()) {
      auto socket = std::make_shared<Socket>(loop.context());
      boost::system::error_code error;
      socket->descriptor.assign(fd, error);
      if (error) return;  // not watched: its questions time out
      socket->fd = fd;
      found = sockets.emplace(fd, std::move(socket)).first;
    }
    found->second->wants_read = readable;
    found->second->wants_write = writable;
    Wait(found->second);
  }

  void Wait(const std::shared_ptr<Socket>& socket) {
    if (socket->wants_read && !socket->reading) {
      socket->reading = true;
      socket->descriptor.async_wait(stream_descriptor::wait_read,
                                    [this, socket](const boost::system::error_code& error) {
                                      socket->reading = false;
                                      if (!error && !socket->closed) Process(socket, socket->fd, ARES_SOCKET_BAD);
                                    });
    }
    if (socket->wants_write && !socket->writing) {
      socket->writing = true;
      socket->descriptor.async_wait(stream_descriptor::wait_write,
                                    [this, socket](const boost::system::error_code& error) {
                                      socket->writing = false;
                                      if (!error && !socket->closed) Process(socket, ARES_SOCKET_BAD, socket->fd);
                                    });
    }
  }

  // May close `socket`, and open and close others.
  void Process(const std::shared_ptr<Socket>& socket, ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel, readable, writable);
    if (!socket->closed) Wait(socket);
    SetTimer();
  }

  // Called after every call into c-ares: any of them may change when c-ares wants to be called next.
  void SetTimer() {
    timeval left;
    if (ares_timeout(channel, nullptr, &left) == nullptr) {
      timer.Cancel();
      return;
    }
    // Wait a little longer than asked: called too early, c-ares would do nothing and ask for the same again.
    timer.SetAfter(absl::DurationFromTimeval(left) + absl::Milliseconds(1), [this] {
      ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      SetTimer();
    });
  }

  void CountServers() {
    ares_addr_port_node* list = nullptr;
    if (ares_get_servers_ports(channel, &list) != ARES_SUCCESS) return;
    for (const ares_addr_port_node* node = list; node != nullptr; node = node->next) ++servers;
    if (list != nullptr) ares_free_data(list);
  }

  // Makes an id that can not be guessed and that no other question in flight has. False when the kernel has no random
  // numbers.
  bool NewId(uint16_t& id) {
    do {
      if (unused_ids == 0) {
        // The kernel gives this many at once or none.
        if (getrandom(ids.data(), sizeof(ids), 0) != sizeof(ids)) return false;
        unused_ids = ids.size();
      }
      id = ids[--unused_ids];
    } while (!open_ids.insert(id).second);
    return true;
  }

  Loop& loop;
  Timer timer;
  ares_channel channel = nullptr;
  absl::flat_hash_map<ares_socket_t, std::shared_ptr<Socket>> sockets;
  absl::flat_hash_set<uint16_t> open_ids;
  std::array<uint16_t, 128> ids = {};  // random, each used once
  size_t unused_ids = 0;
  size_t servers = 0;
  size_t asked_from_one_port = 0;
};

absl::Status CaresChannel::CheckServers(const std::vector<std::string>& servers) {
  return ParseServers(servers).status();
}

absl::StatusOr<std::unique_ptr<CaresChannel>> CaresChannel::Create(Loop& loop, const ResolverSettings& settings,
                                                                   Takes takes) {
  ASSIGN_OR_RETURN(std::vector<ares_addr_port_node> nodes, ParseServers(settings.servers));
  auto impl = std::make_unique<Impl>(loop);
  ares_options options = {};
  // Names are asked for as they are; a truncated answer is asked for again by TCP (ARES_FLAG_IGNTC is not set).
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  if (takes == Takes::kFirstAnswer) options.flags |= ARES_FLAG_NOCHECKRESP;
  options.timeout = static_cast<int>(absl::ToInt64Milliseconds(settings.timeout));
  options.tries = settings.tries;
  options.socket_receive_buffer_size = kReceiveBuffer;
  options.sock_state_cb = Impl::OnSocketState;
  options.sock_state_cb_data = impl.get();
  int status = ares_init_options(
      &impl->channel, &options,
      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_RCVBUF | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !nodes.empty()) status = ares_set_servers_ports(impl->channel, nodes.data());
  if (status != ARES_SUCCESS) {
    return absl::UnavailableError(absl::StrCat("can not start the DNS resolver: ", ares_strerror(status)));
  }
  impl->CountServers();
  return std::unique_ptr<CaresChannel>(new CaresChannel(std::move(impl)));
}

CaresChannel::CaresChannel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CaresChannel::~CaresChannel() = default;

void CaresChannel::Send(const std::string& name, DnsType type, Done done) {
  uint16_t id = 0;
  if (!impl_->NewId(id)) {
    impl_->Post(std::move(done), DnsStatus::kServfail, "");
    return;
  }
  unsigned char* query = nullptr;
  int length = 0;
  // No EDNS: c-ares gives up on it for all servers when one of them does not know it. An answer that does not fit into
  // 512 octets comes by TCP. The AD bit alone asks for AD (RFC 6840 section 5.7).
  if (ares_create_query(name.c_str(), kInternet, static_cast<int>(type), id, 1, &query, &length, 0) != ARES_SUCCESS) {
    impl_->open_ids.erase(id);
    impl_->Post(std::move(done), DnsStatus::kMalformed, "");
    return;
  }
  query[3] |= kAskAuthenticated;
  if (open() == 1) impl_->asked_from_one_port = 0;
  ++impl_->asked_from_one_port;
  ares_send(impl_->channel, query, length, Impl::OnAnswer, new Impl::Question{impl_.get(), id, std::move(done)});
  ares_free_string(query);
  impl_->SetTimer();
}

size_t CaresChannel::servers() const { return impl_->servers; }
size_t CaresChannel::open() const { return impl_->open_ids.size(); }
size_t CaresChannel::asked_from_one_port() const { return impl_->asked_from_one_port; }

}  // namespace verifyd
