// An SMTP server that accepts the recipients that begin with "user", as fast as it can, or after a delay a
// reply.
//   smtp_target PORT [DELAY_MS [CONNECTIONS RECIPIENTS_PER_SECOND]]
// Every command is answered; a message is never taken (DATA is refused). It offers PIPELINING: commands that come
// together are answered together. At SIGTERM it says on standard output what it has seen: commands by verb, and the
// turns in which they came (a turn is what one read gave). Beyond so many connections at a time, or recipients a second
// (as many are saved up), it says 421 and hangs up; such sessions are counted as refused, and all counts of what came
// after the first minute again as late.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace {

using Time = std::chrono::steady_clock::time_point;

struct Late {
  Time due;
  int fd;
  uint64_t serial;
  std::string reply;
};

struct Client {
  uint64_t serial;
  std::string input;
};

class Target {
 public:
  Target(uint16_t port, std::chrono::microseconds delay, size_t connections, double rate)
      : delay_(delay), connections_(connections), rate_(rate), saved_(rate), poll_(epoll_create1(0)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(listener_, 4096) != 0) {
      std::perror("listen");
      std::exit(1);
    }
    Watch(listener_);
    sigset_t terminate;
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    sigprocmask(SIG_BLOCK, &terminate, nullptr);
    end_ = signalfd(-1, &terminate, SFD_NONBLOCK);
    Watch(end_);
  }

  // Until SIGTERM.
  void Run() {
    std::array<epoll_event, 256> events = {};
    for (;;) {
      const int ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), Wait());
      for (int i = 0; i < ready; ++i) {
        if (events[i].data.fd == end_) return;
        if (events[i].data.fd == listener_) {
          Accept();
        } else {
          Read(events[i].data.fd);
        }
      }
      const Time now = std::chrono::steady_clock::now();
      for (; !late_.empty() && late_.front().due <= now; late_.pop_front()) {
        const auto client = clients_.find(late_.front().fd);
        if (client != clients_.end() && client->second.serial == late_.front().serial) {
          Write(late_.front().fd, late_.front().reply);
        }
      }
    }
  }

  void PrintCounts() const {
    std::printf("connections=%llu turns=%llu", static_cast<unsigned long long>(next_serial_),
                static_cast<unsigned long long>(turns_));
    if (connections_ > 0) {
      const double late = std::max(0.0, Seconds(std::chrono::steady_clock::now() - began_) - kEarlySeconds);
      std::printf(" refused=%llu late_connections=%llu late_refused=%llu late_accepted=%llu late_ms=%.0f",
                  static_cast<unsigned long long>(refused_), static_cast<unsigned long long>(late_connections_),
                  static_cast<unsigned long long>(late_refused_), static_cast<unsigned long long>(late_accepted_),
                  late * 1000);
    }
    for (const auto& [verb, count] : commands_) {
      std::printf(" %.*s=%llu", static_cast<int>(verb.size()), verb.data(), static_cast<unsigned long long>(count));
    }
    std::printf("\n");
  }

 private:
  void Watch(int fd) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
  }
  int Wait() const {
    if (late_.empty()) return -1;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(late_.front().due - std::chrono::steady_clock::now());
    return left.count() < 0 ? 0 : static_cast<int>(left.count()) + 1;
  }
  void Accept() {
    for (int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK); fd >= 0;
         fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      const bool full = connections_ > 0 && clients_.size() >= connections_;
      if (next_serial_ == 0) began_ = std::chrono::steady_clock::now();
      if (AfterFirstMinute()) ++late_connections_;
      clients_[fd].serial = next_serial_++;
      if (full) {
        Refuse(fd, "421 4.7.0 Too many connections\r\n");
        continue;
      }
      Watch(fd);
      Reply(fd, "220 target.bench.test ESMTP\r\n");
    }
  }
  void Reply(int fd, std::string reply) {
    if (delay_.count() == 0) {
      Write(fd, reply);
    } else {
      late_.push_back({std::chrono::steady_clock::now() + delay_, fd, clients_[fd].serial, std::move(reply)});
    }
  }
  void Write(int fd, const std::string& reply) {
    if (write(fd, reply.data(), reply.size()) < 0 && errno != EAGAIN) Close(fd);
  }
  static double Seconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration<double>(time).count();
  }
  bool AfterFirstMinute() const { return Seconds(std::chrono::steady_clock::now() - began_) > kEarlySeconds; }
  // One more recipient is not too many.
  bool Bears() {
    if (connections_ == 0) return true;
    const Time now = std::chrono::steady_clock::now();
    saved_ = std::min(rate_, saved_ + rate_ * Seconds(now - filled_));
    filled_ = now;
    if (saved_ < 1) return false;
    saved_ -= 1;
    if (AfterFirstMinute()) ++late_accepted_;
    return true;
  }
  void Refuse(int fd, const std::string& words) {
    ++refused_;
    if (AfterFirstMinute()) ++late_refused_;
    Write(fd, words);
    if (clients_.contains(fd)) Close(fd);
  }
  void Close(int fd) {
    clients_.erase(fd);
    close(fd);
  }
  void Read(int fd) {
    std::array<char, 4096> buffer = {};
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) Close(fd);
      return;
    }
    Client& client = clients_[fd];
    client.input.append(buffer.data(), static_cast<size_t>(got));
    ++turns_;
    std::string replies;
    size_t start = 0;
    for (size_t end = client.input.find('\n'); end != std::string::npos; end = client.input.find('\n', start)) {
      const std::string line = client.input.substr(start, end - start);
      if (strncasecmp(line.c_str(), "RCPT", 4) == 0 && !Bears()) {
        return Refuse(fd, replies + "421 4.7.0 Too many recipients in a second, slow down\r\n");
      }
      replies += AnswerTo(line);
      start = end + 1;
    }
    client.input.erase(0, start);
    if (!replies.empty()) Reply(fd, std::move(replies));
  }
  std::string AnswerTo(const std::string& line) {
    const auto is = [&](const char* word) { return strncasecmp(line.c_str(), word, std::strlen(word)) == 0; };
    const auto counted = [&](const char* verb, const char* answer) {
      ++commands_[verb];
      return std::string(answer);
    };
    if (is("EHLO")) return counted("ehlo", "250-target.bench.test\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n");
    if (is("MAIL")) return counted("mail", "250 2.1.0 Ok\r\n");
    if (is("RCPT TO:<user")) return counted("rcpt", "250 2.1.5 Ok\r\n");
    if (is("RCPT")) return counted("rcpt", "550 5.1.1 User unknown\r\n");
    if (is("RSET")) return counted("rset", "250 2.0.0 Ok\r\n");
    if (is("QUIT")) return counted("quit", "221 2.0.0 Bye\r\n");
    if (is("DATA")) return counted("data", "554 5.5.1 This target takes no messages\r\n");
    return counted("other", "250 2.0.0 Ok\r\n");
  }

  static constexpr double kEarlySeconds = 60;

  const std::chrono::microseconds delay_;
  const size_t connections_;  // 0: no limits
  const double rate_;
  double saved_;
  Time filled_;
  Time began_;
  uint64_t refused_ = 0;
  uint64_t late_connections_ = 0;
  uint64_t late_refused_ = 0;
  uint64_t late_accepted_ = 0;
  const int poll_;
  int listener_ = -1;
  int end_ = -1;              // readable when SIGTERM has come
  uint64_t next_serial_ = 0;  // so many connections there were
  uint64_t turns_ = 0;
  std::map<std::string_view, uint64_t> commands_;  // by verb
  std::map<int, Client> clients_;
  std::deque<Late> late_;  // all have the same delay: in the order of their due times
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc == 4 || argc > 5) {
    std::fprintf(stderr, "usage: smtp_target PORT [DELAY_MS [CONNECTIONS RECIPIENTS_PER_SECOND]]\n");
    return 64;
  }
  Target target(static_cast<uint16_t>(std::atoi(argv[1])), std::chrono::milliseconds(argc > 2 ? std::atoi(argv[2]) : 0),
                argc > 4 ? std::strtoull(argv[3], nullptr, 10) : 0, argc > 4 ? std::atof(argv[4]) : 0);
  target.Run();
  target.PrintCounts();
  return 0;
}
