// What a policy server costs that does nothing: the same libraries, a coroutine a connection, "action=DUNNO" to
// whatever ends with an empty line. The measure of policy answers.
//   trivial_responder PORT
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

asio::awaitable<void> Talk(asio::ip::tcp::socket socket) {
  std::string buffer;
  for (;;) {
    const size_t held = buffer.size();
    buffer.resize(held + 4096);
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(buffer.data() + held, 4096), kAwait);
    buffer.resize(held + count);
    if (error) co_return;
    for (size_t end = buffer.find("\n\n"); end != std::string::npos; end = buffer.find("\n\n")) {
      buffer.erase(0, end + 2);
      const auto [write_error, written] =
          co_await asio::async_write(socket, asio::buffer("action=DUNNO\n\n", 14), kAwait);
      if (write_error) co_return;
    }
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
    std::fprintf(stderr, "usage: trivial_responder PORT\n");
    return 64;
  }
  asio::io_context context(1);
  asio::ip::tcp::acceptor acceptor(context,
                                   {asio::ip::address_v4::loopback(), static_cast<uint16_t>(std::atoi(argv[1]))});
  asio::co_spawn(context, Accept(acceptor), asio::detached);
  context.run();
  return 0;
}
