// Asks a policy server on 127.0.0.1 and measures. One thread, one request outstanding on each connection, as smtpd(8)
// does.
//   policy_load PORT CONNECTIONS REQUESTS USERS zipf|uniform|each
// Recipients are user0@bench.test, user1@... of USERS; "each" takes them in turn, each once. Prints one line:
//   rate=ANSWERS/S p50_us= p90_us= p99_us= max_us= other=ANSWERS THAT WERE NOT DUNNO
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using Time = std::chrono::steady_clock::time_point;

struct Client {
  int fd = -1;
  Time sent;
};

// Which user is asked about next.
class Users {
 public:
  Users(size_t count, const std::string& distribution) : count_(count), distribution_(distribution) {
    if (distribution_ != "zipf") return;
    cumulated_.reserve(count);
    double sum = 0;
    for (size_t i = 0; i < count; ++i) cumulated_.push_back(sum += 1.0 / static_cast<double>(i + 1));
  }
  size_t Next() {
    if (distribution_ == "each") return next_++ % count_;
    if (distribution_ == "uniform") return std::uniform_int_distribution<size_t>(0, count_ - 1)(random_);
    const double x = std::uniform_real_distribution<double>(0, cumulated_.back())(random_);
    return static_cast<size_t>(std::lower_bound(cumulated_.begin(), cumulated_.end(), x) - cumulated_.begin());
  }

 private:
  const size_t count_;
  const std::string distribution_;
  std::vector<double> cumulated_;
  size_t next_ = 0;
  std::mt19937_64 random_{42};
};

// All that Postfix 3.7 sends.
std::string Request(size_t user) {
  std::string request =
      "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.7\n"
      "client_name=mail.sender.example\nclient_port=41234\nreverse_client_name=mail.sender.example\n"
      "server_address=192.0.2.1\nserver_port=25\nhelo_name=mail.sender.example\nsender=someone@sender.example\n"
      "recipient=user";
  request += std::to_string(user);
  request +=
      "@bench.test\nrecipient_count=0\nqueue_id=\ninstance=3403.6b03be32.b189e.0\nsize=12345\netrn_domain=\nstress=\n"
      "sasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\nccert_fingerprint=\n"
      "ccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\nencryption_cipher=TLS_AES_256_GCM_SHA384\n"
      "encryption_keysize=256\npolicy_context=\n\n";
  return request;
}

int Connect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

void Send(Client& client, const std::string& request) {
  client.sent = std::chrono::steady_clock::now();
  if (write(client.fd, request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
    std::perror("write");
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: policy_load PORT CONNECTIONS REQUESTS USERS zipf|uniform|each\n");
    return 64;
  }
  const size_t total = std::strtoull(argv[3], nullptr, 10);
  std::vector<Client> clients(std::min<size_t>(std::strtoull(argv[2], nullptr, 10), total));
  Users users(std::strtoull(argv[4], nullptr, 10), argv[5]);
  std::vector<uint32_t> waits;
  waits.reserve(total);
  const int poll = epoll_create1(0);
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i].fd = Connect(static_cast<uint16_t>(std::atoi(argv[1])));
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &event);
  }
  size_t asked = 0;
  size_t other = 0;
  const Time start = std::chrono::steady_clock::now();
  for (Client& client : clients) {
    Send(client, Request(users.Next()));
    ++asked;
  }
  std::array<epoll_event, 64> events = {};
  std::array<char, 4096> buffer = {};
  while (waits.size() < total) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 30000);
    if (ready <= 0) {
      std::fprintf(stderr, "no answer within 30 s\n");
      return 1;
    }
    for (int i = 0; i < ready; ++i) {
      Client& client = clients[events[i].data.u64];
      const ssize_t got = read(client.fd, buffer.data(), buffer.size());
      if (got < 2 || buffer[static_cast<size_t>(got) - 2] != '\n') {
        std::fprintf(stderr, "connection closed, or half an answer\n");
        return 1;
      }
      waits.push_back(static_cast<uint32_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - client.sent).count() /
          100));
      if (std::memcmp(buffer.data(), "action=DUNNO", 12) != 0) ++other;
      if (asked < total) {
        Send(client, Request(users.Next()));
        ++asked;
      }
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::sort(waits.begin(), waits.end());
  const auto at = [&](double share) {
    return waits[std::min(waits.size() - 1, static_cast<size_t>(share * static_cast<double>(waits.size())))] / 10.0;
  };
  std::printf("rate=%.0f p50_us=%.1f p90_us=%.1f p99_us=%.1f max_us=%.1f other=%zu\n",
              static_cast<double>(total) / seconds, at(0.5), at(0.9), at(0.99), at(1.0), other);
  return 0;
}
