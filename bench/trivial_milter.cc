// What a milter costs that does nothing: the same libraries, a coroutine a connection, "continue" to every recipient,
// and the options that verifyd asks for. The measure of the milter door's answers.
//   trivial_milter PORT
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"

namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

const std::string kOptions("\0\0\0\x0dO\0\0\0\6\0\0\0\0\0\0\x73\x70", 17);
const std::string kContinue("\0\0\0\1c", 5);

size_t Length(const std::string& buffer) {
  if (buffer.size() < 4) return 0;
  size_t length = 0;
  for (size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(buffer[i]);
  return buffer.size() < 4 + length ? 0 : 4 + length;
}

// Answers the whole packets of `buffer`, and takes them off.
std::string Answers(std::string& buffer) {
  std::string answers;
  for (size_t length = Length(buffer); length > 0; length = Length(buffer)) {
    if (buffer[4] == 'O') answers += kOptions;
    if (buffer[4] == 'R' || buffer[4] == 'E') answers += kContinue;
    buffer.erase(0, length);
  }
  return answers;
}

asio::awaitable<void> Talk(asio::ip::tcp::socket socket) {
  std::string buffer;
  for (;;) {
    const size_t held = buffer.size();
    buffer.resize(held + 4096);
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(buffer.data() + held, 4096), kAwait);
    buffer.resize(held + count);
    if (error) co_return;
    const std::string answers = Answers(buffer);
    if (answers.empty()) continue;
    const auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(answers), kAwait);
    if (write_error) co_return;
  }
}

asio::awaitable<void> Accept(asio::ip::tcp::acceptor& acceptor) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(kAwait);
    if (error) co_return;
    socket.set_option(asio::ip::tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), Talk(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: trivial_milter PORT\n");
    return 64;
  }
  asio::io_context context(1);
  asio::ip::tcp::acceptor acceptor(context,
                                   {asio::ip::address_v4::loopback(), static_cast<uint16_t>(std::atoi(argv[1]))});
  asio::co_spawn(context, Accept(acceptor), asio::detached);
  context.run();
  return 0;
}
