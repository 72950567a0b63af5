#include "verifyctl/daemon_asker.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "boost/asio/awaitable.hpp"
#include "tests/status_matchers.h"
#include "tests/temporary_directory.h"

namespace verifyd {
namespace {

// Answers the first caller as soon as it says something, and then reads until the caller closes.
class Answerer {
 public:
  Answerer(const std::string& path, std::string answer) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    thread_ = std::thread([this, answer = std::move(answer)] { Serve(answer); });
  }
  ~Answerer() {
    if (thread_.joinable()) thread_.join();
    close(fd_);
  }
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  // True where the caller has closed its connection.
  bool HeardTheEnd() {
    thread_.join();
    return heard_the_end_;
  }

 private:
  void Serve(const std::string& answer) {
    const int client = accept(fd_, nullptr, nullptr);
    const timeval limit = {.tv_sec = 10, .tv_usec = 0};  // so that a failing test ends
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char bytes[4096];
    EXPECT_GT(recv(client, bytes, sizeof(bytes), 0), 0);
    EXPECT_EQ(send(client, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
    ssize_t count = 1;
    while (count > 0) count = recv(client, bytes, sizeof(bytes), 0);
    heard_the_end_ = count == 0;
    close(client);
  }

  const int fd_;
  bool heard_the_end_ = false;
  std::thread thread_;
};

constexpr char kAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n";

TEST(DaemonAskerTest, AnAnswerThatCameWhileALineWasAwaitedLeftTheConnectionOpen) {
  const TemporaryDirectory folder;
  Answerer daemon(folder.path() + "/control", kAnswer);
  const auto next_line = std::make_shared<std::promise<void>>();
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/verify";
  request.lines = [next_line]() -> boost::asio::awaitable<std::optional<std::string>> {
    next_line->get_future().wait();  // like a reader of a pipe
    co_return std::nullopt;
  };
  std::vector<std::string> lines;
  const auto take = [&](const std::vector<absl::string_view>& came) {
    for (const absl::string_view line : came) lines.emplace_back(line);
  };
  const absl::StatusOr<int> status = DaemonAsker(folder.path() + "/control").Ask(request, take);
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(*status, 200);
  EXPECT_EQ(lines, std::vector<std::string>({"{}"}));
  EXPECT_TRUE(daemon.HeardTheEnd());
  next_line->set_value();
}

TEST(DaemonAskerTest, LinesThatNobodyTakesDoNotKeepTheAnswerBack) {
  const TemporaryDirectory folder;
  Answerer daemon(folder.path() + "/control", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\n{}\n");
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/verify";
  request.lines = []() -> boost::asio::awaitable<std::optional<std::string>> { co_return std::string(100000, 'x'); };
  const absl::StatusOr<int> status =
      DaemonAsker(folder.path() + "/control").Ask(request, [](const std::vector<absl::string_view>& /*lines*/) {});
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(*status, 503);
  EXPECT_TRUE(daemon.HeardTheEnd());
}

}  // namespace
}  // namespace verifyd
