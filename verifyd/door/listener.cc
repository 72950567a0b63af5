#include "verifyd/door/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/made_file.h"
#include "base/privileges.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace verifyd {
namespace {

constexpr int kBacklog = 1024;
// Connections taken in one turn, so that a flood of them does not keep others waiting.
constexpr int kAcceptsPerTurn = 64;

absl::Status SystemError(absl::string_view doing, const ListenAddress& address) {
  return absl::UnavailableError(absl::StrCat("can not ", doing, " ", address.ToString(), ": ", std::strerror(errno)));
}

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

// Fills `out` and returns its length.
absl::StatusOr<socklen_t> FillSocketAddress(const ListenAddress& address, SocketAddress& out) {
  std::memset(&out, 0, sizeof(out));
  if (!address.path.empty()) {
    out.local.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof(out.local.sun_path)) {
      return absl::InvalidArgumentError(absl::StrCat(address.ToString(), ": found a path of ", address.path.size(),
                                                     " bytes, expected at most ", sizeof(out.local.sun_path) - 1));
    }
    std::memcpy(out.local.sun_path, address.path.data(), address.path.size());
    return static_cast<socklen_t>(sizeof(out.local));
  }
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  if (inet_pton(AF_INET, host.c_str(), &out.v4.sin_addr) == 1) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(address.port);
    return static_cast<socklen_t>(sizeof(out.v4));
  }
  if (inet_pton(AF_INET6, host.c_str(), &out.v6.sin6_addr) == 1) {
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(address.port);
    return static_cast<socklen_t>(sizeof(out.v6));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(address.ToString(), ": found host \"", address.host, "\", expected an IP address or localhost"));
}

// Takes HOST and PORT in either notation.
bool TakeHostAndPort(absl::string_view text, ListenAddress& address) {
  const size_t at = text.find('@');
  const size_t colon = text.rfind(':');
  if (at == absl::string_view::npos && colon == absl::string_view::npos) return false;
  const bool sendmail = at != absl::string_view::npos;
  absl::string_view host = sendmail ? text.substr(at + 1) : text.substr(0, colon);
  const absl::string_view port = sendmail ? text.substr(0, at) : text.substr(colon + 1);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  uint32_t number = 0;
  if (host.empty() || !absl::SimpleAtoi(port, &number) || number > 65535) return false;
  address.host = std::string(host);
  address.port = static_cast<uint16_t>(number);
  return true;
}

// Takes one of the options behind a UNIX socket.
bool TakeOption(absl::string_view option, ListenAddress& address) {
  if (absl::ConsumePrefix(&option, "mode=")) {
    const bool octal = !option.empty() && option.size() <= 4 &&
                       option.find_first_not_of("01234567") == absl::string_view::npos &&
                       (option.size() < 4 || option[0] == '0');
    if (octal) address.mode = static_cast<mode_t>(std::stoul(std::string(option), nullptr, 8));
    return octal;
  }
  if (absl::ConsumePrefix(&option, "owner=")) {
    address.owner = std::string(option);
  } else if (absl::ConsumePrefix(&option, "group=")) {
    address.group = std::string(option);
  } else {
    return false;
  }
  return !option.empty();
}

// Runs before anything can connect. Another user may own the folder, and we may be root.
absl::Status SetPermissions(const ListenAddress& address) {
  uid_t owner = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
  if (!address.owner.empty()) {
    ASSIGN_OR_RETURN(const UserIdentity user, FindUser(address.owner));
    owner = user.uid;
  }
  if (!address.group.empty()) {
    ASSIGN_OR_RETURN(group, FindGroup(address.group));
  }
  ASSIGN_OR_RETURN(MadeFile socket, MadeFile::Find(address.path, S_IFSOCK));
  RETURN_IF_ERROR(socket.SetOwner(owner, group));
  return socket.SetMode(address.mode);
}

// Removes a UNIX socket that a process left behind when it died; one that is in use is not ours to remove.
absl::Status RemoveDeadSocket(const ListenAddress& address, const SocketAddress& socket_address, socklen_t length) {
  struct stat info = {};
  if (lstat(address.path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat("can not listen on ", address.ToString(), ": a file is in its place"));
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("open a socket for", address);
  // Any other result (connected, a full queue, no permission) may well mean a living process.
  const bool dead = connect(fd, &socket_address.any, length) != 0 && errno == ECONNREFUSED;
  close(fd);
  if (!dead) {
    return absl::AlreadyExistsError(
        absl::StrCat("can not listen on ", address.ToString(), ": another process listens there"));
  }
  unlink(address.path.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ListenAddress> ListenAddress::Parse(absl::string_view text) {
  const auto bad = [&](absl::string_view found, absl::string_view expected) {
    return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(found, 100), "\", expected ", expected));
  };
  absl::string_view inside = text;
  const bool braces = absl::ConsumePrefix(&inside, "{") && absl::ConsumeSuffix(&inside, "}");
  const std::vector<absl::string_view> parts = SplitList(braces ? inside : text);
  constexpr absl::string_view kExpected = "inet:HOST:PORT or unix:PATH, or Sendmail's inet:PORT@HOST or local:PATH";
  if (parts.empty()) return bad(text, kExpected);
  ListenAddress address;
  absl::string_view rest = parts[0];
  if (absl::ConsumePrefix(&rest, "unix:") || absl::ConsumePrefix(&rest, "local:")) {
    address.path = std::string(rest);
    if (rest.empty()) return bad(text, kExpected);
  } else if ((!absl::ConsumePrefix(&rest, "inet:") && !absl::ConsumePrefix(&rest, "inet6:")) ||
             !TakeHostAndPort(rest, address)) {
    return bad(text, kExpected);
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    if (address.path.empty() || !TakeOption(parts[i], address)) {
      return bad(parts[i], "mode=OCTAL, owner=USER or group=GROUP behind a UNIX socket");
    }
  }
  SocketAddress ignored;
  RETURN_IF_ERROR(FillSocketAddress(address, ignored).status());
  return address;
}

bool ListenAddress::BeyondLoopback() const {
  SocketAddress address;
  if (!FillSocketAddress(*this, address).ok()) return true;
  const auto is_loopback = [](const uint8_t* ipv4) { return ipv4[0] == IN_LOOPBACKNET; };
  switch (address.any.sa_family) {
    case AF_UNIX:
      return false;
    case AF_INET:
      return !is_loopback(reinterpret_cast<const uint8_t*>(&address.v4.sin_addr));
    default:
      break;
  }
  const in6_addr& v6 = address.v6.sin6_addr;
  return !IN6_IS_ADDR_LOOPBACK(&v6) && !(IN6_IS_ADDR_V4MAPPED(&v6) && is_loopback(v6.s6_addr + 12));
}

std::string ListenAddress::ToString() const {
  if (!path.empty()) return absl::StrCat("unix:", path);
  const bool v6 = host.find(':') != std::string::npos;
  return absl::StrCat("inet:", v6 ? "[" : "", host, v6 ? "]" : "", ":", port);
}

// Returns the name of a socket that another process has made.
std::string NameOf(int fd) {
  SocketAddress address = {};
  socklen_t length = sizeof(address);
  ListenAddress known;
  std::array<char, INET6_ADDRSTRLEN> host = {};
  if (getsockname(fd, &address.any, &length) != 0) return absl::StrCat("inherited socket ", fd);
  if (address.any.sa_family == AF_UNIX) {
    known.path = address.local.sun_path;
  } else {
    const bool v6 = address.any.sa_family == AF_INET6;
    inet_ntop(address.any.sa_family,
              v6 ? static_cast<const void*>(&address.v6.sin6_addr) : static_cast<const void*>(&address.v4.sin_addr),
              host.data(), host.size());
    known.host = host.data();
    known.port = ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port);
  }
  return absl::StrCat(known.ToString(), " (inherited)");
}

struct Listener::Impl {
  Impl(Loop& loop, int fd, std::string name, std::string path)
      : loop(loop), descriptor(loop.context(), fd), name(std::move(name)), path(std::move(path)) {}
  Loop& loop;
  boost::asio::posix::stream_descriptor descriptor;
  const std::string name;
  const std::string path;  // to remove at the end
  bool closed = false;
  bool said_out_of_descriptors = false;

  // False when descriptors ran out.
  bool AcceptReady(const std::function<void(int fd)>& on_connection) {
    for (int i = 0; i < kAcceptsPerTurn && !closed; ++i) {
      const int fd = accept4(descriptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        said_out_of_descriptors = false;
        on_connection(fd);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        if (!std::exchange(said_out_of_descriptors, true)) {
          LogError(absl::StrCat(name, ": can not accept connections: ", std::strerror(errno)));
        }
        return false;
      } else if (errno != EINTR && errno != ECONNABORTED) {
        return true;
      }
    }
    return true;
  }

  static boost::asio::awaitable<void> Run(std::shared_ptr<Impl> self, std::function<void(int fd)> on_connection) {
    while (!self->closed) {
      const auto [error] = co_await self->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                                                boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error || self->closed) co_return;
      if (!self->AcceptReady(on_connection)) co_await self->loop.Sleep(absl::Milliseconds(100));
    }
  }
};

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() {
  impl_->closed = true;
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
  if (!impl_->path.empty()) unlink(impl_->path.c_str());
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(Loop& loop, const ListenAddress& address) {
  SocketAddress socket_address;
  ASSIGN_OR_RETURN(const socklen_t length, FillSocketAddress(address, socket_address));
  if (!address.path.empty()) RETURN_IF_ERROR(RemoveDeadSocket(address, socket_address, length));
  const int fd = socket(socket_address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("open a socket for", address);
  auto impl = std::make_shared<Impl>(loop, fd, address.ToString(), address.path);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd, &socket_address.any, length) != 0) return SystemError("bind", address);
  if (!address.path.empty()) RETURN_IF_ERROR(SetPermissions(address));
  if (listen(fd, kBacklog) != 0) return SystemError("listen on", address);
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

std::unique_ptr<Listener> Listener::Adopt(Loop& loop, int fd) {
  auto impl = std::make_shared<Impl>(loop, fd, NameOf(fd), "");
  boost::system::error_code ignored;
  impl->descriptor.native_non_blocking(true, ignored);
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

void Listener::Start(std::function<void(int fd)> on_connection) {
  impl_->loop.Spawn(Impl::Run(impl_, std::move(on_connection)));
}

const std::string& Listener::name() const { return impl_->name; }

}  // namespace verifyd
