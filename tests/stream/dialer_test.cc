#include "stream/dialer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/read.hpp"
#include "boost/asio/write.hpp"

namespace verifyd {
namespace {

using boost::asio::ip::tcp;

// Tests with real sockets on loopback; the loop runs until the task says it is over.
class DialerTest : public testing::Test {
 protected:
  void Run(std::function<boost::asio::awaitable<void>()> task) {
    loop_.Spawn(StopAfter(loop_, std::move(task)));
    loop_.Run();
  }
  Endpoint At(uint16_t port) {
    Endpoint endpoint;
    endpoint.host = "localhost";
    endpoint.address = "127.0.0.1";
    endpoint.port = port;
    return endpoint;
  }

  Loop loop_{Clock::Real()};
  std::unique_ptr<Dialer> dialer_ = MakeSocketDialer(loop_);
  boost::asio::io_context others_;
  tcp::acceptor acceptor_{others_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  tcp::socket peer_{others_};
  const MonoTime far_ = Clock::Real().Mono() + absl::Minutes(5);

 private:
  static boost::asio::awaitable<void> StopAfter(Loop& loop, std::function<boost::asio::awaitable<void>()> task) {
    co_await task();
    loop.Stop();
  }
};

TEST(EndpointTest, IsWrittenAsPostfixWritesIt) {
  Endpoint endpoint;
  endpoint.host = "mx.example.com";
  endpoint.address = "192.0.2.1";
  EXPECT_EQ(endpoint.ToString(), "mx.example.com[192.0.2.1]:25");
}

TEST_F(DialerTest, BytesGoBothWaysUntilTheEnd) {
  Run([this]() -> boost::asio::awaitable<void> {
    Dialed dialed = co_await dialer_->Dial(At(acceptor_.local_endpoint().port()), "127.0.0.1", far_);
    EXPECT_EQ(dialed.failure, Event::kNone) << dialed.error;
    if (dialed.stream == nullptr) co_return;
    acceptor_.accept(peer_);
    boost::asio::write(peer_, boost::asio::buffer("220 hi\r\n", 8));
    char buffer[100];
    const auto got = co_await dialed.stream->Read(buffer, sizeof(buffer));
    EXPECT_EQ(std::string(buffer, got.value_or(0)), "220 hi\r\n");
    const absl::Status written = co_await dialed.stream->Write("QUIT\r\n");
    EXPECT_TRUE(written.ok());
    boost::asio::read(peer_, boost::asio::buffer(buffer, 6));
    EXPECT_EQ(std::string(buffer, 6), "QUIT\r\n");
    peer_.close();
    const auto end = co_await dialed.stream->Read(buffer, sizeof(buffer));
    EXPECT_EQ(end.value_or(99), 0U);
  });
}

TEST_F(DialerTest, CloseWakesAReader) {
  Run([this]() -> boost::asio::awaitable<void> {
    Dialed dialed = co_await dialer_->Dial(At(acceptor_.local_endpoint().port()), "", far_);
    if (dialed.stream == nullptr) co_return;
    loop_.Post([stream = dialed.stream.get()] { stream->Close(); });
    char buffer[10];
    const auto got = co_await dialed.stream->Read(buffer, sizeof(buffer));
    EXPECT_EQ(got.status().code(), absl::StatusCode::kAborted);
    const absl::Status written = co_await dialed.stream->Write("x");
    EXPECT_EQ(written.code(), absl::StatusCode::kAborted);
  });
}

TEST_F(DialerTest, AResetIsAnErrorAndNotTheEnd) {
  Run([this]() -> boost::asio::awaitable<void> {
    Dialed dialed = co_await dialer_->Dial(At(acceptor_.local_endpoint().port()), "", far_);
    if (dialed.stream == nullptr) co_return;
    acceptor_.accept(peer_);
    peer_.set_option(boost::asio::socket_base::linger(true, 0));
    peer_.close();
    char buffer[10];
    const auto got = co_await dialed.stream->Read(buffer, sizeof(buffer));
    EXPECT_EQ(got.status().code(), absl::StatusCode::kUnavailable);
  });
}

TEST_F(DialerTest, SaysWhyItCouldNotConnect) {
  const uint16_t port = acceptor_.local_endpoint().port();
  acceptor_.close();
  Run([this, port]() -> boost::asio::awaitable<void> {
    Dialed dialed = co_await dialer_->Dial(At(port), "", far_);
    EXPECT_EQ(dialed.stream, nullptr);
    EXPECT_EQ(dialed.failure, Event::kConnectRefused);
    EXPECT_EQ(dialed.error, "Connection refused");
    // This is no address of this machine.
    dialed = co_await dialer_->Dial(At(port), "192.0.2.1", far_);
    EXPECT_EQ(dialed.failure, Event::kLocalError);
    EXPECT_EQ(dialed.error, "bind to 192.0.2.1: Cannot assign requested address");
    dialed = co_await dialer_->Dial(At(port), "nonsense", far_);
    EXPECT_EQ(dialed.failure, Event::kLocalError);
  });
}

TEST_F(DialerTest, ADeadlineThatHasPassedIsATimeOut) {
  // A listener whose queue is full answers no further SYN, so nothing but the deadline ends this.
  tcp::acceptor full(others_);
  full.open(tcp::v4());
  full.bind(tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  full.listen(0);
  const uint16_t port = full.local_endpoint().port();
  tcp::socket first(others_);
  first.connect(full.local_endpoint());
  Run([this, port]() -> boost::asio::awaitable<void> {
    const Dialed dialed = co_await dialer_->Dial(At(port), "", MonoTime());
    EXPECT_EQ(dialed.stream, nullptr);
    EXPECT_EQ(dialed.failure, Event::kConnectTimeout);
    EXPECT_EQ(dialed.error, "Connection timed out");
  });
}

TEST_F(DialerTest, AUnixSocketIsDialedByItsPath) {
  namespace local = boost::asio::local;
  const std::string path = testing::TempDir() + "/dialer-test-" + std::to_string(getpid());
  local::stream_protocol::acceptor acceptor(others_, local::stream_protocol::endpoint(path));
  Endpoint endpoint;
  endpoint.host = "lmtp";
  endpoint.path = path;
  EXPECT_EQ(endpoint.ToString(), absl::StrCat("lmtp[", path, "]"));
  Run([&]() -> boost::asio::awaitable<void> {
    Dialed dialed = co_await dialer_->Dial(endpoint, "", far_);
    EXPECT_NE(dialed.stream, nullptr) << dialed.error;
    if (dialed.stream == nullptr) co_return;
    local::stream_protocol::socket peer = acceptor.accept();
    boost::asio::write(peer, boost::asio::buffer("220 hi\r\n", 8));
    char bytes[100];
    const absl::StatusOr<size_t> count = co_await dialed.stream->Read(bytes, sizeof(bytes));
    EXPECT_TRUE(count.ok());
    if (count.ok()) EXPECT_EQ(std::string(bytes, *count), "220 hi\r\n");
  });
  unlink(path.c_str());
}

TEST_F(DialerTest, AUnixSocketThatNobodyListensOnIsNoConnection) {
  Endpoint endpoint;
  endpoint.host = "lmtp";
  endpoint.path = "/nonexistent/socket";
  Run([&]() -> boost::asio::awaitable<void> {
    const Dialed dialed = co_await dialer_->Dial(endpoint, "", far_);
    EXPECT_EQ(dialed.stream, nullptr);
    EXPECT_EQ(dialed.error, "No such file or directory");
  });
}

}  // namespace
}  // namespace verifyd
