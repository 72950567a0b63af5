// Asks a verify(8) on a UNIX socket, Postfix's or ours, and measures. One thread, one query outstanding on each
// connection, as smtpd(8) does.
//   verify_load PATH CONNECTIONS QUERIES USERS
// Addresses are user0@bench.test, user1@... of USERS, at random. Prints one line:
//   rate=ANSWERS/S p50_us= p90_us= p99_us= max_us= other=ANSWERS THAT WERE NOT "DELIVERABLE"
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Time = std::chrono::steady_clock::time_point;
using namespace std::string_view_literals;

constexpr std::string_view kDeliverable = "status\0000\0recipient_status\0000\0reason\0"sv;

struct Client {
  int fd = -1;
  Time sent;
};

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// With its greeting taken.
int Connect(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) Fail(path);
  std::array<char, 41> greeting;
  const ssize_t got = recv(fd, greeting.data(), greeting.size(), MSG_WAITALL);
  if (got != static_cast<ssize_t>(greeting.size())) Fail("greeting");
  return fd;
}

void Ask(Client& client, size_t user) {
  std::string query("request\0query\0address\0user"sv);
  query += std::to_string(user);
  query += "@bench.test\0\0"sv;
  client.sent = std::chrono::steady_clock::now();
  if (write(client.fd, query.data(), query.size()) != static_cast<ssize_t>(query.size())) Fail("write");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: verify_load PATH CONNECTIONS QUERIES USERS\n");
    return 64;
  }
  const size_t total = std::strtoull(argv[3], nullptr, 10);
  std::vector<Client> clients(std::min<size_t>(std::strtoull(argv[2], nullptr, 10), total));
  std::mt19937_64 random(1);
  std::uniform_int_distribution<size_t> users(0, std::strtoull(argv[4], nullptr, 10) - 1);
  std::vector<uint32_t> waits;
  waits.reserve(total);
  const int poll = epoll_create1(0);
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i].fd = Connect(argv[1]);
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &event);
  }
  size_t asked = 0;
  size_t other = 0;
  const Time start = std::chrono::steady_clock::now();
  for (Client& client : clients) {
    Ask(client, users(random));
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
      if (got < 2 || buffer[static_cast<size_t>(got) - 1] != '\0' || buffer[static_cast<size_t>(got) - 2] != '\0') {
        std::fprintf(stderr, "connection closed, or half an answer\n");
        return 1;
      }
      waits.push_back(static_cast<uint32_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - client.sent).count() /
          100));
      if (std::string_view(buffer.data(), static_cast<size_t>(got)).substr(0, kDeliverable.size()) != kDeliverable) {
        ++other;
      }
      if (asked < total) {
        Ask(client, users(random));
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
