// Names recipients to an SMTP server on 127.0.0.1 and measures. One thread; each session waits for every reply, and
// begins a new transaction after some recipients. No message is sent.
//   smtp_load PORT SESSIONS RECIPIENTS RECIPIENTS_OF_A_TRANSACTION USERS
// The sender is empty, and a transaction names one user again and again, user0@bench.test or user1@... of USERS:
// Postfix has trivial-rewrite(8) look at an address only where it differs from the one before, and that would be
// measured instead. The clock starts when all sessions have said EHLO. Prints one line:
//   rate=RECIPIENTS/S other=REPLIES THAT WERE NOT 250
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

struct Session {
  int fd = -1;
  std::string reply;
  std::string recipient;
  // Named in this transaction; -1: MAIL has not been said.
  int64_t recipients = -1;
  bool naming = false;
};

void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int Connect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Fail("connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

void Say(const Session& session, const std::string& command) {
  if (write(session.fd, command.data(), command.size()) != static_cast<ssize_t>(command.size())) Fail("write");
}

// Returns true once a whole reply, of one line or several, is there.
bool Read(Session& session) {
  std::array<char, 4096> buffer;
  const ssize_t got = read(session.fd, buffer.data(), buffer.size());
  if (got <= 0) Fail("read");
  session.reply.append(buffer.data(), static_cast<size_t>(got));
  if (session.reply.back() != '\n') return false;
  const size_t line = session.reply.rfind('\n', session.reply.size() - 2);
  return session.reply[(line == std::string::npos ? 0 : line + 1) + 3] == ' ';
}

// Reads the greeting, and the reply to EHLO.
void Begin(Session& session) {
  for (const char* command : {"EHLO client.bench.test\r\n", ""}) {
    while (!Read(session)) {
    }
    session.reply.clear();
    Say(session, command);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: smtp_load PORT SESSIONS RECIPIENTS RECIPIENTS_OF_A_TRANSACTION USERS\n");
    return 64;
  }
  std::vector<Session> sessions(std::strtoull(argv[2], nullptr, 10));
  const size_t total = std::strtoull(argv[3], nullptr, 10);
  const int64_t of_a_transaction = std::strtoll(argv[4], nullptr, 10);
  std::mt19937_64 random(42);
  std::uniform_int_distribution<size_t> users(0, std::strtoull(argv[5], nullptr, 10) - 1);
  const int poll = epoll_create1(0);
  for (size_t i = 0; i < sessions.size(); ++i) {
    sessions[i].fd = Connect(static_cast<uint16_t>(std::atoi(argv[1])));
    Begin(sessions[i]);
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(poll, EPOLL_CTL_ADD, sessions[i].fd, &event);
  }
  size_t replies = 0;
  size_t other = 0;
  const auto next = [&](Session& session) {
    session.naming = session.recipients >= 0 && session.recipients < of_a_transaction;
    if (session.naming) {
      ++session.recipients;
      Say(session, session.recipient);
    } else if (session.recipients < 0) {
      session.recipients = 0;
      session.recipient = "RCPT TO:<user" + std::to_string(users(random)) + "@bench.test>\r\n";
      Say(session, "MAIL FROM:<>\r\n");
    } else {
      session.recipients = -1;
      Say(session, "RSET\r\n");
    }
  };
  const auto start = std::chrono::steady_clock::now();
  for (Session& session : sessions) next(session);
  std::array<epoll_event, 64> events = {};
  while (replies < total) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 30000);
    if (ready <= 0) Fail("no reply within 30 s");
    for (int i = 0; i < ready; ++i) {
      Session& session = sessions[events[i].data.u64];
      if (!Read(session)) continue;
      if (session.reply.compare(0, 3, "250") != 0) ++other;
      session.reply.clear();
      if (session.naming) ++replies;
      next(session);
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("rate=%.0f other=%zu\n", static_cast<double>(replies) / seconds, other);
  return 0;
}
