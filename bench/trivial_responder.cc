// Measures a server that does nothing: the same libraries, a coroutine a connection, and yes to every request. The
// answers of doors are compared with it.
//   trivial_responder policy|milter|verify PORT|PATH
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"

namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// A literal with the NULs in it.
template <size_t kSize>
constexpr absl::string_view Bytes(const char (&literal)[kSize]) {
  return absl::string_view(literal, kSize - 1);
}

struct Protocol {
  absl::string_view name;
  absl::string_view greeting;
  // Length of the first whole request, 0 when there is none.
  size_t (*length)(absl::string_view buffer);
  absl::string_view (*answer)(absl::string_view request);
};

size_t LengthTo(absl::string_view buffer, absl::string_view end) {
  const size_t at = buffer.find(end);
  return at == absl::string_view::npos ? 0 : at + end.size();
}

size_t PolicyLength(absl::string_view buffer) { return LengthTo(buffer, "\n\n"); }

absl::string_view PolicyAnswer(absl::string_view /*request*/) { return "action=DUNNO\n\n"; }

size_t MilterLength(absl::string_view buffer) {
  if (buffer.size() < 4) return 0;
  size_t length = 0;
  for (const char byte : buffer.substr(0, 4)) length = length << 8 | static_cast<unsigned char>(byte);
  return buffer.size() < 4 + length ? 0 : 4 + length;
}

// The options are those that verifyd asks for.
absl::string_view MilterAnswer(absl::string_view packet) {
  if (packet[4] == 'O') return Bytes("\0\0\0\x0dO\0\0\0\6\0\0\0\0\0\0\x73\x70");
  return packet[4] == 'R' || packet[4] == 'E' ? Bytes("\0\0\0\1c") : "";
}

size_t VerifyLength(absl::string_view buffer) { return LengthTo(buffer, Bytes("\0\0")); }

absl::string_view VerifyAnswer(absl::string_view /*request*/) {
  return Bytes("status\0000\0recipient_status\0000\0reason\000250 2.1.5 Ok\0\0");
}

constexpr Protocol kProtocols[] = {
    {"policy", "", PolicyLength, PolicyAnswer},
    {"milter", "", MilterLength, MilterAnswer},
    {"verify", Bytes("protocol\0address_verification_prrotocol\0\0"), VerifyLength, VerifyAnswer},
};

// Returns the answers to the whole requests in `buffer`, and takes those off.
std::string Answers(const Protocol& protocol, std::string& buffer) {
  std::string answers;
  size_t done = 0;
  for (;;) {
    const absl::string_view rest = absl::string_view(buffer).substr(done);
    const size_t length = protocol.length(rest);
    if (length == 0) break;
    const absl::string_view answer = protocol.answer(rest.substr(0, length));
    answers.append(answer.data(), answer.size());
    done += length;
  }
  buffer.erase(0, done);
  return answers;
}

template <typename Socket>
asio::awaitable<void> Talk(const Protocol& protocol, Socket socket) {
  std::string buffer;
  std::string answers(protocol.greeting.data(), protocol.greeting.size());
  for (;;) {
    if (!answers.empty()) {
      const auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(answers), kAwait);
      if (write_error) co_return;
    }
    const size_t held = buffer.size();
    buffer.resize(held + 4096);
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(buffer.data() + held, 4096), kAwait);
    buffer.resize(held + count);
    if (error) co_return;
    answers = Answers(protocol, buffer);
  }
}

template <typename Acceptor>
asio::awaitable<void> Accept(const Protocol& protocol, Acceptor& acceptor) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(kAwait);
    if (error) co_return;
    if constexpr (std::is_same_v<Acceptor, asio::ip::tcp::acceptor>) socket.set_option(asio::ip::tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), Talk(protocol, std::move(socket)), asio::detached);
  }
}

template <typename Acceptor>
void Serve(const Protocol& protocol, asio::io_context& context, Acceptor acceptor) {
  asio::co_spawn(context, Accept(protocol, acceptor), asio::detached);
  context.run();
}

}  // namespace

int main(int argc, char** argv) {
  const Protocol* protocol = nullptr;
  for (const Protocol& known : kProtocols) {
    if (argc == 3 && known.name == argv[1]) protocol = &known;
  }
  if (protocol == nullptr) {
    std::fprintf(stderr, "usage: trivial_responder policy|milter|verify PORT|PATH\n");
    return 64;
  }
  asio::io_context context(1);
  int port = 0;
  if (absl::SimpleAtoi(argv[2], &port)) {
    const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), static_cast<uint16_t>(port));
    Serve(*protocol, context, asio::ip::tcp::acceptor(context, endpoint));
  } else {
    unlink(argv[2]);
    const asio::local::stream_protocol::endpoint endpoint(argv[2]);
    Serve(*protocol, context, asio::local::stream_protocol::acceptor(context, endpoint));
  }
  return 0;
}
