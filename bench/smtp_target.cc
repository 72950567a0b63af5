// An SMTP server that accepts recipients that begin with "user", as fast as it can, or slowly as its options say.
//   smtp_target PORT [NAME=VALUE...]
//     reply_ms        the time that it takes for every reply, the greeting included; replies to commands that come
//                     together come one after another
//     round_trip_ms   the time that the network takes: every reply is so late, and replies to commands that come
//                     together come together
//     connections     the most at a time; beyond, it says 421 and hangs up
//     rate            recipients a second, and as many may be saved up; beyond, it says 421 and hangs up
//     certificate PEM file with certificate and key: it offers STARTTLS Every command is answered; a message is never
//     taken (DATA is refused). It offers PIPELINING. At SIGTERM it prints its counts: commands by verb, the turns in
//     which they came (a turn is the bytes of one read), the most connections at a time, and how long it was busy, in
//     thousandths of the time it served. Where a target is busy all the time, the figures are its own. Unwanted
//     sessions are counted as refused. All counts after the first minute are printed again as late.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
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
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

double Seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

struct Options {
  uint16_t port = 0;
  std::chrono::milliseconds reply{0};
  std::chrono::milliseconds round_trip{0};
  size_t connections = 0;  // 0: no limit
  double rate = 0;         // 0: no limit
  std::string certificate;
};

struct Late {
  Time due;
  uint64_t order;
  int fd;
  uint64_t serial;
  std::string reply;
  bool operator>(const Late& other) const { return std::pair(due, order) > std::pair(other.due, other.order); }
};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

struct Client {
  uint64_t serial = 0;
  std::string input;
  Time last_due;  // when the last of the waiting replies is due
  std::unique_ptr<SSL, FreeSsl> tls;
  bool shaking_hands = false;
};

class Target {
 public:
  explicit Target(const Options& options) : options_(options), saved_(options.rate), poll_(epoll_create1(0)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
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
    if (!options.certificate.empty()) OfferTls();
  }

  // Serves until SIGTERM.
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
      const Time now = Clock::now();
      for (; !late_.empty() && late_.top().due <= now; late_.pop()) {
        const Late& late = late_.top();
        const Client* const client = Find(late.fd);
        if (client != nullptr && client->serial == late.serial) Write(late.fd, late.reply);
      }
      last_busy_ = now;
    }
  }

  void PrintCounts() const {
    std::printf("connections=%llu turns=%llu most_connections=%zu", static_cast<unsigned long long>(next_serial_),
                static_cast<unsigned long long>(turns_), most_clients_);
    rusage used = {};
    getrusage(RUSAGE_SELF, &used);
    const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                       1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    std::printf(" cpu_us=%.0f busy=%.0f", cpu * 1e6, 1000 * cpu / std::max(1e-3, Seconds(last_busy_ - began_)));
    if (options_.connections > 0) {
      const double late = std::max(0.0, Seconds(Clock::now() - began_) - kEarlySeconds);
      std::printf(" refused=%llu late_connections=%llu late_refused=%llu late_accepted=%llu late_ms=%.0f",
                  static_cast<unsigned long long>(refused_), static_cast<unsigned long long>(late_connections_),
                  static_cast<unsigned long long>(late_refused_), static_cast<unsigned long long>(late_accepted_),
                  late * 1000);
    }
    for (const Verb& verb : verbs_) std::printf(" %s=%llu", verb.name, static_cast<unsigned long long>(verb.count));
    std::printf("\n");
  }

 private:
  struct Verb {
    const char* name;
    std::string_view word;
    std::string_view answer;
    uint64_t count = 0;
  };

  void OfferTls() {
    context_ = SSL_CTX_new(TLS_server_method());
    const char* const file = options_.certificate.c_str();
    if (SSL_CTX_use_certificate_chain_file(context_, file) != 1 ||
        SSL_CTX_use_PrivateKey_file(context_, file, SSL_FILETYPE_PEM) != 1) {
      std::fprintf(stderr, "%s: no certificate and key\n", file);
      std::exit(1);
    }
    SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF);
  }
  void Watch(int fd) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
  }
  int Wait() const {
    if (late_.empty()) return -1;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(late_.top().due - Clock::now());
    return left.count() < 0 ? 0 : static_cast<int>(left.count()) + 1;
  }
  Client* Find(int fd) {
    const auto place = static_cast<size_t>(fd);
    return place < clients_.size() ? clients_[place].get() : nullptr;
  }
  void Accept() {
    for (int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK); fd >= 0;
         fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      const bool full = options_.connections > 0 && open_clients_ >= options_.connections;
      if (next_serial_ == 0) began_ = Clock::now();
      if (AfterFirstMinute()) ++late_connections_;
      const auto place = static_cast<size_t>(fd);
      if (clients_.size() <= place) clients_.resize(place + 1);
      clients_[place] = std::make_unique<Client>();
      clients_[place]->serial = next_serial_++;
      most_clients_ = std::max(most_clients_, ++open_clients_);
      if (full) {
        Refuse(fd, "421 4.7.0 Too many connections\r\n");
        continue;
      }
      Watch(fd);
      Reply(fd, "220 target.bench.test ESMTP\r\n");
    }
  }
  void Reply(int fd, std::string_view reply) {
    if (options_.reply.count() == 0 && options_.round_trip.count() == 0) return Write(fd, reply);
    Client& client = *Find(fd);
    const Time now = Clock::now();
    const Time due =
        options_.reply.count() > 0 ? std::max(now, client.last_due) + options_.reply : now + options_.round_trip;
    client.last_due = due;
    late_.push({due, ++orders_, fd, client.serial, std::string(reply)});
  }
  void Write(int fd, std::string_view reply) {
    Client& client = *Find(fd);
    ssize_t written = 0;
    if (client.tls != nullptr && !client.shaking_hands) {
      written = SSL_write(client.tls.get(), reply.data(), static_cast<int>(reply.size()));
      if (written <= 0) return Close(fd);
    } else {
      written = write(fd, reply.data(), reply.size());
      if (written < 0 && errno != EAGAIN) return Close(fd);
    }
    if (reply.substr(0, 4) == "220 " && client.shaking_hands) {
      client.tls.reset(SSL_new(context_));
      SSL_set_fd(client.tls.get(), fd);
      SSL_set_accept_state(client.tls.get());
    }
  }
  bool AfterFirstMinute() const { return Seconds(Clock::now() - began_) > kEarlySeconds; }
  // Returns true if one more recipient is not too many.
  bool Bears() {
    if (options_.rate <= 0) return true;
    const Time now = Clock::now();
    saved_ = std::min(options_.rate, saved_ + options_.rate * Seconds(now - filled_));
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
    if (Find(fd) != nullptr) Close(fd);
  }
  void Close(int fd) {
    clients_[static_cast<size_t>(fd)].reset();
    --open_clients_;
    close(fd);
  }
  // Returns the bytes read; 0: none now, -1: closed.
  ssize_t Get(int fd, Client& client, char* buffer, size_t size) {
    if (client.tls == nullptr) {
      const ssize_t got = read(fd, buffer, size);
      return got == 0 ? -1 : got < 0 && errno == EAGAIN ? 0 : got;
    }
    SSL* const tls = client.tls.get();
    if (client.shaking_hands) {
      const int done = SSL_do_handshake(tls);
      if (done == 1) client.shaking_hands = false;
      if (done != 1) return SSL_get_error(tls, done) == SSL_ERROR_WANT_READ ? 0 : -1;
    }
    const int got = SSL_read(tls, buffer, static_cast<int>(size));
    return got > 0 ? got : SSL_get_error(tls, got) == SSL_ERROR_WANT_READ ? 0 : -1;
  }
  void Read(int fd) {
    Client* const client = Find(fd);
    if (client == nullptr) return;
    std::array<char, 16384> buffer;
    const ssize_t got = Get(fd, *client, buffer.data(), buffer.size());
    if (got < 0) return Close(fd);
    if (got == 0) return;
    client->input.append(buffer.data(), static_cast<size_t>(got));
    ++turns_;
    std::string replies;
    const bool apart = options_.reply.count() > 0;
    size_t start = 0;
    for (size_t end = client->input.find('\n'); end != std::string::npos; end = client->input.find('\n', start)) {
      const std::string_view line(client->input.data() + start, end - start);
      if (Is(line, "RCPT") && !Bears()) {
        return Refuse(fd, replies + "421 4.7.0 Too many recipients in a second, slow down\r\n");
      }
      const std::string_view answer = AnswerTo(line, *client);
      if (apart) {
        Reply(fd, answer);
        if (Find(fd) == nullptr) return;
      } else {
        replies += answer;
      }
      start = end + 1;
    }
    client->input.erase(0, start);
    if (!replies.empty()) Reply(fd, replies);
  }
  static bool Is(std::string_view line, std::string_view word) {
    return line.size() >= word.size() && strncasecmp(line.data(), word.data(), word.size()) == 0;
  }
  std::string_view AnswerTo(std::string_view line, Client& client) {
    for (Verb& verb : verbs_) {
      if (!Is(line, verb.word)) continue;
      ++verb.count;
      if (verb.word == "STARTTLS" && context_ != nullptr) client.shaking_hands = true;
      if (verb.word == "STARTTLS" && context_ == nullptr) return "502 5.5.1 not here\r\n";
      if (verb.word == "EHLO" && context_ != nullptr && client.tls == nullptr) {
        return "250-target.bench.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 ENHANCEDSTATUSCODES\r\n";
      }
      return verb.answer;
    }
    return "";  // never reached: the last verb is every word
  }

  static constexpr double kEarlySeconds = 60;

  const Options options_;
  double saved_;
  Time filled_;
  Time began_;
  Time last_busy_;
  uint64_t refused_ = 0;
  uint64_t late_connections_ = 0;
  uint64_t late_refused_ = 0;
  uint64_t late_accepted_ = 0;
  const int poll_;
  int listener_ = -1;
  int end_ = -1;  // readable when SIGTERM has come
  SSL_CTX* context_ = nullptr;
  uint64_t next_serial_ = 0;  // the number of connections so far
  uint64_t turns_ = 0;
  uint64_t orders_ = 0;
  size_t open_clients_ = 0;
  size_t most_clients_ = 0;
  std::vector<Verb> verbs_ = {
      {"accepted", "RCPT TO:<user", "250 2.1.5 Ok\r\n"},
      {"unknown", "RCPT", "550 5.1.1 User unknown\r\n"},
      {"mail", "MAIL", "250 2.1.0 Ok\r\n"},
      {"rset", "RSET", "250 2.0.0 Ok\r\n"},
      {"ehlo", "EHLO", "250-target.bench.test\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n"},
      {"quit", "QUIT", "221 2.0.0 Bye\r\n"},
      {"starttls", "STARTTLS", "220 2.0.0 Ready\r\n"},
      {"data", "DATA", "554 5.5.1 This target takes no messages\r\n"},
      {"other", "", "250 2.0.0 Ok\r\n"},
  };
  std::vector<std::unique_ptr<Client>> clients_;  // by descriptor
  std::priority_queue<Late, std::vector<Late>, std::greater<>> late_;
};

bool Take(std::string_view argument, Options& options) {
  const size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = argument.substr(0, equals);
  const std::string value(argument.substr(equals + 1));
  if (name == "reply_ms") {
    options.reply = std::chrono::milliseconds(std::atoi(value.c_str()));
  } else if (name == "round_trip_ms") {
    options.round_trip = std::chrono::milliseconds(std::atoi(value.c_str()));
  } else if (name == "connections") {
    options.connections = std::strtoull(value.c_str(), nullptr, 10);
  } else if (name == "rate") {
    options.rate = std::atof(value.c_str());
  } else if (name == "certificate") {
    options.certificate = value;
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  bool understood = argc > 1;
  if (understood) options.port = static_cast<uint16_t>(std::atoi(argv[1]));
  for (int i = 2; i < argc; ++i) understood &= Take(argv[i], options);
  if (!understood) {
    std::fprintf(
        stderr, "usage: smtp_target PORT [reply_ms=N] [round_trip_ms=N] [connections=N] [rate=N] [certificate=FILE]\n");
    return 64;
  }
  std::signal(SIGPIPE, SIG_IGN);
  Target target(options);
  target.Run();
  target.PrintCounts();
  return 0;
}
