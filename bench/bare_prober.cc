// Measures the least that probing costs on this machine: the dialogues of verifyd with a server that offers PIPELINING,
// one address a session, and nothing else: no DNS, no time-outs, no storing, judging or answering.
//   bare_prober PORT SESSIONS COUNT
// COUNT sessions, SESSIONS at a time, with a server on 127.0.0.1 to 127.0.0.16. One thread. Prints one line:
//   rate=SESSIONS/S cpu_us=OF A SESSION
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

// The command to send after so many whole replies; empty: only listen.
constexpr std::array<std::string_view, 6> kCommands = {
    "",
    "EHLO gw.bench.test\r\n",
    "MAIL FROM:<double-bounce@gw.bench.test>\r\nRCPT TO:<user@bench.test>\r\nQUIT\r\n",
    "",
    "",
    ""};

struct Session {
  int fd = -1;
  size_t replies = 0;
  std::string input;
};

void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Prober {
 public:
  Prober(uint16_t port, size_t sessions, size_t count) : port_(port), count_(count), sessions_(sessions) {}

  void Run() {
    for (Session& session : sessions_) Begin(session);
    std::array<epoll_event, 256> events = {};
    while (ended_ < count_) {
      const int ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 30000);
      if (ready <= 0) Fail("no reply within 30 s");
      for (int i = 0; i < ready; ++i) Read(*static_cast<Session*>(events[static_cast<size_t>(i)].data.ptr));
    }
  }

 private:
  void Begin(Session& session) {
    if (begun_ == count_) return;
    session = Session();
    session.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<uint32_t>(begun_++ % 16));
    if (connect(session.fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 && errno != EINPROGRESS) {
      Fail("connect");
    }
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = &session;
    epoll_ctl(poll_, EPOLL_CTL_ADD, session.fd, &event);
  }

  void Read(Session& session) {
    std::array<char, 1024> buffer;
    const ssize_t got = read(session.fd, buffer.data(), buffer.size());
    if (got <= 0) Fail("read");
    session.input.append(buffer.data(), static_cast<size_t>(got));
    size_t start = 0;
    for (size_t end = session.input.find('\n'); end != std::string::npos; end = session.input.find('\n', start)) {
      // This is the last line of a reply.
      if (session.input[start + 3] == ' ') Answer(session);
      start = end + 1;
    }
    session.input.erase(0, start);
    if (session.replies < kCommands.size() - 1) return;
    close(session.fd);
    ++ended_;
    Begin(session);
  }

  static void Answer(const Session& session, std::string_view command) {
    if (!command.empty() && write(session.fd, command.data(), command.size()) < 0) Fail("write");
  }
  static void Answer(Session& session) {
    ++session.replies;
    if (session.replies < kCommands.size()) Answer(session, kCommands[session.replies]);
  }

  const uint16_t port_;
  const size_t count_;
  std::vector<Session> sessions_;
  size_t begun_ = 0;
  size_t ended_ = 0;
  const int poll_ = epoll_create1(0);
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bare_prober PORT SESSIONS COUNT\n");
    return 64;
  }
  const size_t count = std::strtoull(argv[3], nullptr, 10);
  Prober prober(static_cast<uint16_t>(std::atoi(argv[1])), std::strtoull(argv[2], nullptr, 10), count);
  const auto start = std::chrono::steady_clock::now();
  prober.Run();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                     static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  std::printf("rate=%.0f cpu_us=%.1f\n", static_cast<double>(count) / seconds, cpu / static_cast<double>(count));
  return 0;
}
