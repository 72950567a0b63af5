// Asks a door of verifyd, or another server that speaks its protocol, and measures. One thread, one request outstanding
// on each connection, as smtpd(8) does. The door is at a port of 127.0.0.1, or at the UNIX socket of a path with a '/'.
//   door_load DOOR PORT|PATH CONNECTIONS REQUESTS USERS zipf|uniform|each [PACE]
// With PACE at most so many requests a second are sent, one after the other. Recipients are user0@bench.test, user1@...
// of USERS; "each" takes them in turn, each once. Prints one line:
//   rate=ANSWERS/S p50_us= p90_us= p99_us= max_us= other=ANSWERS THAT SAY SOMETHING AGAINST A RECIPIENT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
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
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::string_view_literals;
using Time = std::chrono::steady_clock::time_point;

struct Client {
  int fd = -1;
  Time sent;
  std::string received;
};

// A door's protocol. A new door is a row of kDoors.
struct Door {
  std::string_view name;
  // The client's text after it has connected, and the number of answers (a greeting is one) before its first request.
  std::string opening;
  size_t opening_answers;
  std::string (*request)(const std::string& address);
  // Length of the first whole answer; 0 when it is not whole yet.
  size_t (*answer_length)(std::string_view received);
  // The beginning of an answer that says nothing against the recipient.
  std::string_view permits;
};

// Chooses the user of the next question.
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

// All attributes that Postfix 3.7 sends.
std::string PolicyRequest(const std::string& address) {
  return "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.7\n"
         "client_name=mail.sender.example\nclient_port=41234\nreverse_client_name=mail.sender.example\n"
         "server_address=192.0.2.1\nserver_port=25\nhelo_name=mail.sender.example\nsender=someone@sender.example\n"
         "recipient=" +
         address +
         "\nrecipient_count=0\nqueue_id=\ninstance=3403.6b03be32.b189e.0\nsize=12345\netrn_domain=\nstress=\n"
         "sasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\nccert_fingerprint=\n"
         "ccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\nencryption_cipher=TLS_AES_256_GCM_SHA384\n"
         "encryption_keysize=256\npolicy_context=\n\n";
}

std::string SocketmapRequest(const std::string& address) {
  return std::to_string(7 + address.size()) + ":verify " + address + ",";
}

std::string TcpTableRequest(const std::string& address) { return "get " + address + "\n"; }

std::string LineRequest(const std::string& address) { return "rcpt " + address + "\n"; }

std::string VerifyRequest(const std::string& address) {
  return std::string("request\0query\0address\0"sv).append(address).append("\0\0"sv);
}

std::string MilterPacket(char command, std::string_view data) {
  const uint32_t length = htonl(static_cast<uint32_t>(data.size() + 1));
  std::string packet(reinterpret_cast<const char*>(&length), sizeof(length));
  packet += command;
  packet += data;
  return packet;
}

// With the macros that Postfix 3.7 sends.
std::string MilterRequest(const std::string& address) {
  return MilterPacket('D', std::string("R{rcpt_addr}\0"sv)
                               .append(address)
                               .append("\0{rcpt_host}\0bench.test\0{rcpt_mailer}\0relay\0"sv)) +
         MilterPacket('R', std::string("<").append(address).append(">\0"sv));
}

// A client and its sender. Only the options are answered: verifyd asks for no reply to the others.
std::string MilterOpening() {
  return MilterPacket('O', "\0\0\0\6\0\0\1\377\0\37\377\377"sv) + MilterPacket('D', "Cv\0Postfix 3.7.11\0"sv) +
         MilterPacket('C', "mail.sender.example\0004\241\022192.0.2.7\0"sv) +
         MilterPacket('H', "mail.sender.example\0"sv) + MilterPacket('M', "<someone@sender.example>\0"sv);
}

size_t LengthOfLine(std::string_view received) { return received.find('\n') + 1; }

size_t LengthToEmptyLine(std::string_view received) {
  const size_t end = received.find("\n\n");
  return end == std::string_view::npos ? 0 : end + 2;
}

size_t LengthOfNetstring(std::string_view received) {
  const size_t colon = received.find(':');
  if (colon == std::string_view::npos) return 0;
  const size_t length = colon + 1 + std::strtoull(std::string(received.substr(0, colon)).c_str(), nullptr, 10) + 1;
  return received.size() < length ? 0 : length;
}

size_t LengthOfMilterPacket(std::string_view received) {
  uint32_t length = 0;
  if (received.size() < sizeof(length)) return 0;
  std::memcpy(&length, received.data(), sizeof(length));
  const size_t whole = sizeof(length) + ntohl(length);
  return received.size() < whole ? 0 : whole;
}

// The length of a list of attributes. None of the values of an answer is empty.
size_t LengthOfAttributes(std::string_view received) {
  const size_t end = received.find("\0\0"sv);
  return end == std::string_view::npos ? 0 : end + 2;
}

const std::array<Door, 6> kDoors = {{
    {"policy", "", 0, PolicyRequest, LengthToEmptyLine, "action=DUNNO"},
    {"milter", MilterOpening(), 1, MilterRequest, LengthOfMilterPacket, "\0\0\0\1c"sv},
    {"verify", "", 1, VerifyRequest, LengthOfAttributes, "status\0000\0recipient_status\0000\0"sv},
    {"socketmap", "", 0, SocketmapRequest, LengthOfNetstring, "9:NOTFOUND"},
    {"tcp_table", "", 0, TcpTableRequest, LengthOfLine, "500 "},
    {"line", "", 0, LineRequest, LengthOfLine, "accept"},
}};

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int ConnectToPath(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Fail(path);
  return fd;
}

int ConnectToPort(const char* port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Fail(port);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

void Write(const Client& client, std::string_view bytes) {
  if (write(client.fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) Fail("write");
}

// Waits for the next whole answer, and takes it.
std::string Receive(const Door& door, Client& client) {
  std::array<char, 4096> buffer;
  for (;;) {
    if (const size_t length = door.answer_length(client.received); length > 0) {
      std::string answer = client.received.substr(0, length);
      client.received.erase(0, length);
      return answer;
    }
    const ssize_t got = read(client.fd, buffer.data(), buffer.size());
    if (got <= 0) {
      std::fprintf(stderr, "connection closed\n");
      std::exit(1);
    }
    client.received.append(buffer.data(), static_cast<size_t>(got));
  }
}

void Open(const Door& door, Client& client, const char* endpoint) {
  client.fd = std::strchr(endpoint, '/') != nullptr ? ConnectToPath(endpoint) : ConnectToPort(endpoint);
  if (!door.opening.empty()) Write(client, door.opening);
  for (size_t i = 0; i < door.opening_answers; ++i) Receive(door, client);
}

void Ask(const Door& door, Client& client, size_t user) {
  client.sent = std::chrono::steady_clock::now();
  Write(client, door.request("user" + std::to_string(user) + "@bench.test"));
}

const Door* Find(std::string_view name) {
  for (const Door& door : kDoors) {
    if (door.name == name) return &door;
  }
  return nullptr;
}

struct Measured {
  std::vector<uint32_t> waits;  // tenths of a microsecond
  size_t other = 0;
  double seconds = 0;
};

void Take(const Door& door, Client& client, Measured& measured) {
  const std::string answer = Receive(door, client);
  const auto wait = std::chrono::steady_clock::now() - client.sent;
  measured.waits.push_back(
      static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count() / 100));
  if (answer.compare(0, door.permits.size(), door.permits) != 0) ++measured.other;
}

// Sends one request after the other, `pace` a second.
Measured RunPaced(const Door& door, std::vector<Client>& clients, size_t total, Users& users, double pace) {
  Measured measured;
  measured.waits.reserve(total);
  const Time start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < total; ++i) {
    std::this_thread::sleep_until(start + std::chrono::duration_cast<Time::duration>(
                                              std::chrono::duration<double>(static_cast<double>(i) / pace)));
    Client& client = clients[i % clients.size()];
    Ask(door, client, users.Next());
    Take(door, client, measured);
  }
  measured.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return measured;
}

Measured Run(const Door& door, std::vector<Client>& clients, size_t total, Users& users) {
  Measured measured;
  measured.waits.reserve(total);
  const int poll = epoll_create1(0);
  for (size_t i = 0; i < clients.size(); ++i) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &event);
  }
  const Time start = std::chrono::steady_clock::now();
  size_t asked = clients.size();
  for (Client& client : clients) Ask(door, client, users.Next());
  std::array<epoll_event, 64> events = {};
  while (measured.waits.size() < total) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 30000);
    if (ready <= 0) {
      std::fprintf(stderr, "no answer within 30 s\n");
      std::exit(1);
    }
    for (int i = 0; i < ready; ++i) {
      Client& client = clients[events[i].data.u64];
      Take(door, client, measured);
      if (asked++ < total) Ask(door, client, users.Next());
    }
  }
  measured.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return measured;
}

}  // namespace

int main(int argc, char** argv) {
  const Door* const door = argc == 7 || argc == 8 ? Find(argv[1]) : nullptr;
  if (door == nullptr) {
    std::fprintf(stderr, "usage: door_load DOOR PORT|PATH CONNECTIONS REQUESTS USERS zipf|uniform|each [PACE]\ndoors:");
    for (const Door& known : kDoors) std::fprintf(stderr, " %s", std::string(known.name).c_str());
    std::fprintf(stderr, "\n");
    return 64;
  }
  const size_t total = std::strtoull(argv[4], nullptr, 10);
  std::vector<Client> clients(std::min<size_t>(std::strtoull(argv[3], nullptr, 10), total));
  for (Client& client : clients) Open(*door, client, argv[2]);
  Users users(std::strtoull(argv[5], nullptr, 10), argv[6]);
  const double pace = argc == 8 ? std::atof(argv[7]) : 0;
  Measured measured = pace > 0 ? RunPaced(*door, clients, total, users, pace) : Run(*door, clients, total, users);
  std::vector<uint32_t>& waits = measured.waits;
  std::sort(waits.begin(), waits.end());
  const auto at = [&](double share) {
    return waits[std::min(waits.size() - 1, static_cast<size_t>(share * static_cast<double>(waits.size())))] / 10.0;
  };
  std::printf("rate=%.0f p50_us=%.1f p90_us=%.1f p99_us=%.1f max_us=%.1f other=%zu\n",
              static_cast<double>(total) / measured.seconds, at(0.5), at(0.9), at(0.99), at(1.0), measured.other);
  return 0;
}
