#include "verifyd/http/control.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"
#include "tests/verifyd/api/api_world.h"

namespace verifyd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Client {
 public:
  explicit Client(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  bool closed() const { return closed_; }
  // Sends as much as the socket takes at once.
  size_t Send(absl::string_view bytes) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<size_t>(sent);
  }
  // Returns what has come by now.
  std::string Receive() {
    std::string received;
    std::array<char, 65536> bytes;
    for (;;) {
      const ssize_t count = recv(fd_, bytes.data(), bytes.size(), 0);
      if (count == 0 || (count < 0 && errno != EAGAIN)) closed_ = true;
      if (count <= 0) return received;
      received.append(bytes.data(), static_cast<size_t>(count));
    }
  }

 private:
  const int fd_;
  bool connected_ = false;
  bool closed_ = false;
};

class ControlDoorTest : public testing::Test {
 protected:
  ControlDoorTest() {
    char name[] = "/tmp/verifyd-control-XXXXXX";
    directory_ = mkdtemp(name);
    path_ = directory_ + "/control";
  }
  ~ControlDoorTest() override {
    door_.Close();
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }

  std::string Ask(Client& client, const std::string& request) {
    EXPECT_EQ(client.Send(request), request.size());
    test_.RunUntilIdle();
    return client.Receive();
  }

  CapturedLog log_;
  TestLoop test_;
  ApiWorld world_{test_.loop()};
  ControlDoor door_{test_.loop(), world_.Context()};
  std::string directory_;
  std::string path_;
};

constexpr char kStats[] = "GET /v1/stats HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(ControlDoorTest, AnswersOneRequestAfterTheOther) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  ASSERT_TRUE(client.connected());
  for (int i = 0; i < 2; ++i) {
    const std::string answer = Ask(client, kStats);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(answer, EndsWith("}\n"));
  }
  EXPECT_FALSE(client.closed());
}

TEST_F(ControlDoorTest, AClientThatSaysCloseIsClosed) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  EXPECT_THAT(Ask(client, "GET /v1/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(client.closed());
}

TEST_F(ControlDoorTest, StreamsALineForEachAddressAsAChunk) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  const std::string body = R"({"addresses": ["slow@example.com", "nonsense"]})";
  std::string answer = Ask(
      client, absl::StrCat("POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/x-ndjson\r\n"));
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, HasSubstr("\"address\":\"nonsense\""));
  EXPECT_THAT(answer, Not(HasSubstr("slow@example.com")));
  // This is longer than the silence that ends an idle connection.
  test_.Advance(absl::Minutes(2));
  answer = client.Receive();
  EXPECT_THAT(answer, HasSubstr("\"address\":\"slow@example.com\",\"status\":\"deliverable\""));
  EXPECT_THAT(answer, EndsWith("\r\n0\r\n\r\n"));
}

TEST_F(ControlDoorTest, AnswersToLinesOfTextComeWhileMoreLinesDo) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  const auto chunk = [](const std::string& text) { return absl::StrCat(absl::Hex(text.size()), "\r\n", text, "\r\n"); };
  std::string answer = Ask(client, absl::StrCat("POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                                                "Transfer-Encoding: chunked\r\n\r\n",
                                                chunk("joe@example.com\n")));
  EXPECT_THAT(answer, HasSubstr("\"address\":\"joe@example.com\",\"status\":\"deliverable\""));
  // A client may take its time for the next line.
  test_.Advance(absl::Minutes(5));
  Ask(client, chunk("slow@exam"));
  test_.Advance(absl::Seconds(29));
  answer = Ask(client, absl::StrCat(chunk("ple.com\n# nobody\n\nbad@example.com"), "0\r\n\r\n"));
  EXPECT_THAT(answer, HasSubstr("\"address\":\"bad@example.com\",\"status\":\"undeliverable\""));
  EXPECT_THAT(answer, Not(HasSubstr("nobody")));
  test_.Advance(absl::Seconds(61));
  answer = client.Receive();
  EXPECT_THAT(answer, HasSubstr("\"address\":\"slow@example.com\",\"status\":\"deliverable\""));
  EXPECT_THAT(answer, EndsWith("\r\n0\r\n\r\n"));
  EXPECT_THAT(Ask(client, kStats), StartsWith("HTTP/1.1 200"));
}

TEST_F(ControlDoorTest, ALineThatWasBegunWasAwaitedForEver) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  Ask(client,
      "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: "
      "100\r\n\r\njoe@example.com\n");
  test_.Advance(absl::Minutes(5));
  Ask(client, "slow@");
  test_.Advance(absl::Seconds(20));
  Ask(client, "exam");
  EXPECT_FALSE(client.closed());
  test_.Advance(absl::Seconds(11));
  client.Receive();
  EXPECT_TRUE(client.closed());
}

TEST_F(ControlDoorTest, ALineOfTextThatIsTooLongIsToldSoAndIsNotKept) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  const std::string body = std::string(3000000, 'x') + "\njoe@example.com\n";
  std::string request = absl::StrCat("POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n",
                                     "Content-Length: ", body.size(), "\r\n\r\n", body);
  for (absl::string_view rest = request; !rest.empty(); test_.RunUntilIdle()) rest.remove_prefix(client.Send(rest));
  const std::string answer = client.Receive();
  EXPECT_THAT(answer, HasSubstr("\"error\""));
  EXPECT_THAT(answer, HasSubstr("\"address\":\"joe@example.com\",\"status\":\"deliverable\""));
}

TEST_F(ControlDoorTest, AClientThatGoesWhileItsListIsReadLeavesNothingBehind) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  {
    Client client(path_);
    Ask(client,
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        "Transfer-Encoding: chunked\r\n\r\n11\r\nslow@example.com\n\r\n");
  }
  test_.Advance(absl::Minutes(2));
  Client again(path_);
  EXPECT_THAT(Ask(again, kStats), StartsWith("HTTP/1.1 200"));
}

TEST_F(ControlDoorTest, AnOldClientGetsTheLinesWithoutChunks) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  const std::string body = R"({"addresses": ["a"]})";
  const std::string answer =
      Ask(client, absl::StrCat("POST /v1/query HTTP/1.0\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\n{\"address\":\"a\""));
  EXPECT_THAT(answer, EndsWith("}\n"));
  EXPECT_TRUE(client.closed());
}

TEST_F(ControlDoorTest, RefusesWhatIsTooLarge) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client large_body(path_);
  EXPECT_THAT(Ask(large_body, "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_TRUE(large_body.closed());
  Client large_header(path_);
  EXPECT_THAT(Ask(large_header, absl::StrCat("GET /v1/ HTTP/1.1\r\nX: ", std::string(9000, 'x'), "\r\n\r\n")),
              StartsWith("HTTP/1.1 431"));
  EXPECT_TRUE(large_header.closed());
}

TEST_F(ControlDoorTest, AListOfAMebibyteIsTaken) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  std::string body = R"({"addresses": [)";
  while (body.size() < 1000000) absl::StrAppend(&body, "\"", std::string(200, 'x'), "@example.com\",");
  body += "\"x\"]}";
  std::string request =
      absl::StrCat("POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
  for (absl::string_view rest = request; !rest.empty(); test_.RunUntilIdle()) rest.remove_prefix(client.Send(rest));
  std::string answer;
  for (std::string more = client.Receive(); !more.empty(); more = client.Receive()) {
    answer += more;
    test_.RunUntilIdle();
  }
  EXPECT_THAT(answer, EndsWith("\r\n0\r\n\r\n"));
}

TEST_F(ControlDoorTest, WhatIsNotHttpIsToldSo) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  EXPECT_THAT(Ask(client, "EHLO gateway.example\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(client.closed());
}

TEST_F(ControlDoorTest, ASilentClientIsClosed) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client silent(path_);
  Client half(path_);
  test_.RunUntilIdle();
  half.Send("GET /v1/st");
  test_.Advance(absl::Seconds(29));
  silent.Receive();
  EXPECT_FALSE(silent.closed());
  test_.Advance(absl::Seconds(2));
  silent.Receive();
  half.Receive();
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(half.closed());
}

TEST_F(ControlDoorTest, TheSixtyFifthConnectionIsClosedAndThereIsRoomAgainWhenOneHasGone) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  std::deque<Client> clients;
  for (int i = 0; i < 65; ++i) clients.emplace_back(path_);
  test_.RunUntilIdle();
  clients.back().Receive();
  EXPECT_TRUE(clients.back().closed());
  EXPECT_TRUE(log_.Contains("more than 64 connections"));
  clients.pop_front();
  test_.RunUntilIdle();
  Client again(path_);
  EXPECT_THAT(Ask(again, kStats), StartsWith("HTTP/1.1 200"));
}

TEST_F(ControlDoorTest, SixtyFourHalfSentListsKeptTheSocketForEver) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  std::deque<Client> clients;
  for (int i = 0; i < 64; ++i) {
    clients.emplace_back(path_).Send(
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: "
        "100\r\n\r\njoe@example.com\n");
    test_.RunUntilIdle();
  }
  test_.Advance(absl::Seconds(29));
  Client early(path_);
  test_.RunUntilIdle();
  early.Receive();
  EXPECT_TRUE(early.closed());
  test_.Advance(absl::Seconds(2));
  std::deque<Client> late;
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Ask(late.emplace_back(path_), kStats), StartsWith("HTTP/1.1 200"));
  int closed = 0;
  for (Client& client : clients) {
    client.Receive();
    if (client.closed()) ++closed;
  }
  EXPECT_EQ(closed, 3);
}

TEST_F(ControlDoorTest, ARouteThatThrewKeptItsPlaceForEver) {
  ApiContext& context = world_.Context();
  context.daemon->reload = []() -> boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>> {
    throw std::runtime_error("no more memory");
    co_return std::vector<std::string>();
  };
  context.daemon->more_stats = []() -> std::vector<std::pair<std::string, double>> {
    throw std::runtime_error("no numbers");
  };
  ControlDoor door(test_.loop(), context);
  ASSERT_THAT(door.Listen(path_), IsOk());
  for (int i = 0; i < 70; ++i) {
    Client client(path_);
    std::string answer = Ask(client, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
    EXPECT_THAT(answer, EndsWith("{\"error\":\"internal error: no more memory\"}\n"));
    EXPECT_THAT(Ask(client, kStats), StartsWith("HTTP/1.1 500 "));
    EXPECT_THAT(Ask(client, "GET /v1/ HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_TRUE(log_.Contains("control: internal error while answering a request: no more memory"));
  EXPECT_TRUE(log_.Contains("control: internal error while answering a request: no numbers"));
  EXPECT_FALSE(log_.Contains("more than 64 connections"));
}

TEST_F(ControlDoorTest, TheDaemonsOwnUserMayChange) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  EXPECT_THAT(Ask(client, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(ControlDoorTest, TheSocketIsForOwnerAndGroupAndGoesWithTheDoor) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660U);
  ControlDoor second(test_.loop(), world_.Context());
  EXPECT_THAT(second.Listen(path_), FailsWith("another process listens there"));
  door_.Close();
  EXPECT_NE(stat(path_.c_str(), &info), 0);
}

TEST_F(ControlDoorTest, ServesASocketThatIsHandedOver) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(fd, 8), 0);
  door_.Adopt(fd);
  Client client(path_);
  EXPECT_THAT(Ask(client, kStats), StartsWith("HTTP/1.1 200"));
}

TEST_F(ControlDoorTest, ClosingTheDoorEndsWhoIsBeingServed) {
  ASSERT_THAT(door_.Listen(path_), IsOk());
  Client client(path_);
  const std::string body = R"({"addresses": ["slow@example.com"]})";
  Ask(client, absl::StrCat("POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  door_.Close();
  test_.Advance(absl::Minutes(2));
  EXPECT_THAT(client.Receive(), Not(HasSubstr("slow@example.com")));
  EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace verifyd
