#include "opensmtpd/filter.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

std::string ReadAll(int fd) {
  std::array<char, 65536> bytes;
  std::string received;
  for (;;) {
    const ssize_t count = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count <= 0) return received;
    received.append(bytes.data(), static_cast<size_t>(count));
  }
}

void WriteAll(int fd, absl::string_view text) {
  EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

// A line door that answers when the test tells it to.
class LineDoor {
 public:
  explicit LineDoor(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 2000), 0);
  }
  ~LineDoor() { Close(); }
  LineDoor(const LineDoor&) = delete;
  LineDoor& operator=(const LineDoor&) = delete;

  void Close() {
    Forget();
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  // Closes all connections.
  void Forget() {
    for (const int client : clients_) close(client);
    clients_.clear();
    asked_.clear();
  }
  // Returns the questions that are not answered yet.
  std::vector<std::string> Asked() {
    for (int client = accept(fd_, nullptr, nullptr); client >= 0; client = accept(fd_, nullptr, nullptr)) {
      clients_.push_back(client);
    }
    for (const int client : clients_) {
      const std::string line = ReadAll(client);
      if (!line.empty()) asked_[line] = client;
    }
    std::vector<std::string> lines;
    lines.reserve(asked_.size());
    for (const auto& [line, client] : asked_) lines.emplace_back(absl::StripSuffix(line, "\n"));
    return lines;
  }
  void Answer(const std::string& line, absl::string_view answer) {
    WriteAll(asked_.at(line + "\n"), answer);
    asked_.erase(line + "\n");
  }
  size_t connections() const { return clients_.size(); }

 private:
  int fd_;
  std::vector<int> clients_;
  std::map<std::string, int> asked_;
};

class FilterTest : public testing::Test {
 protected:
  FilterTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    smtpd_ = ends[0];
    filter_ = std::make_unique<Filter>(test_.loop(), *LinePlace::Parse("unix:" + path_), ends[1], dup(ends[1]));
    test_.loop().Spawn(Run());
  }
  ~FilterTest() override { close(smtpd_); }

  boost::asio::awaitable<void> Run() {
    co_await filter_->Run();
    ended_ = true;
  }
  void Say(absl::string_view text) {
    WriteAll(smtpd_, text);
    test_.RunUntilIdle();
  }
  static std::string Question(absl::string_view token, absl::string_view address) {
    return absl::StrCat("filter|0.6|1.2|smtp-in|rcpt-to|S|", token, "|", address, "\n");
  }
  static std::string Result(absl::string_view token, absl::string_view result) {
    return absl::StrCat("filter-result|S|", token, "|", result, "\n");
  }
  std::string Heard() {
    test_.RunUntilIdle();
    return ReadAll(smtpd_);
  }

  CapturedLog log_;
  TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/line";
  TestLoop test_;
  LineDoor door_{path_};
  int smtpd_ = -1;
  std::unique_ptr<Filter> filter_;
  bool ended_ = false;
};

using Lines = std::vector<std::string>;

TEST_F(FilterTest, RegistersWhenOpenSmtpdIsReady) {
  Say("config|smtpd-version|6.8.0p2\nconfig|smtp-session-timeout|300\nconfig|subsystem|smtp-in\n");
  EXPECT_EQ(Heard(), "");
  Say("config|ready\n");
  EXPECT_EQ(Heard(), "register|filter|smtp-in|rcpt-to\nregister|ready\n");
}

TEST_F(FilterTest, AnswersInWhateverOrderVerifydDoes) {
  Say(Question("1", "a@example.com") + Question("2", "b@example.com") + Question("3", "c@example.com"));
  EXPECT_EQ(door_.Asked(), (Lines{"rcpt a@example.com", "rcpt b@example.com", "rcpt c@example.com"}));
  door_.Answer("rcpt c@example.com", "deny 550 5.1.1 no\n");
  EXPECT_EQ(Heard(), Result("3", "reject|550 5.1.1 no"));
  door_.Answer("rcpt a@example.com", "accept\n");
  EXPECT_EQ(Heard(), Result("1", "proceed"));
  door_.Answer("rcpt b@example.com", "defer 450 4.1.1 later\n");
  EXPECT_EQ(Heard(), Result("2", "reject|450 4.1.1 later"));
}

TEST_F(FilterTest, ConnectionsAreUsedAgainAndThoseThatWereClosedMeanwhileReplaced) {
  for (int i = 0; i < 5; ++i) {
    Say(Question("1", "a@example.com"));
    ASSERT_EQ(door_.Asked(), Lines{"rcpt a@example.com"});
    door_.Answer("rcpt a@example.com", "accept\n");
    EXPECT_EQ(Heard(), Result("1", "proceed"));
  }
  EXPECT_EQ(door_.connections(), 1U);
  door_.Forget();
  Say(Question("2", "b@example.com"));
  ASSERT_EQ(door_.Asked(), Lines{"rcpt b@example.com"});
  door_.Answer("rcpt b@example.com", "deny 550 5.1.1 no\n");
  EXPECT_EQ(Heard(), Result("2", "reject|550 5.1.1 no"));
  EXPECT_TRUE(log_.lines().empty());
}

TEST_F(FilterTest, WithoutVerifydMailGoesOnAndTheLogSaysSoOnce) {
  door_.Close();
  Say(Question("1", "a@example.com") + Question("2", "b@example.com"));
  EXPECT_EQ(Heard(), Result("1", "proceed") + Result("2", "proceed"));
  EXPECT_EQ(log_.lines().size(), 1U);
  EXPECT_TRUE(log_.Contains("verifyd can not be asked: Connection refused: recipients are accepted unasked"));
  unlink(path_.c_str());
  LineDoor again(path_);
  Say(Question("3", "a@example.com"));
  ASSERT_EQ(again.Asked(), Lines{"rcpt a@example.com"});
  again.Answer("rcpt a@example.com", "accept\n");
  EXPECT_EQ(Heard(), Result("3", "proceed"));
  EXPECT_TRUE(log_.Contains("verifyd answers again"));
}

TEST_F(FilterTest, AVerifydThatDoesNotAnswerIsNotWaitedForLong) {
  Say(Question("1", "a@example.com"));
  test_.Advance(absl::Seconds(14));
  EXPECT_EQ(Heard(), "");
  test_.Advance(absl::Seconds(2));
  EXPECT_EQ(Heard(), Result("1", "proceed"));
  EXPECT_TRUE(log_.Contains("no answer in time"));
}

TEST_F(FilterTest, WhatDoesNotSpeakTheLineProtocolIsNotBelieved) {
  for (const std::string& answer : {std::string("deny 550 5.1.1 a\ndeny 550 5.1.1 b\n"), std::string(5000, 'x')}) {
    Say(Question("1", "a@example.com"));
    ASSERT_EQ(door_.Asked(), Lines{"rcpt a@example.com"});
    door_.Answer("rcpt a@example.com", answer);
    EXPECT_EQ(Heard(), Result("1", "proceed"));
  }
  EXPECT_TRUE(log_.Contains("that is no line door"));
}

TEST_F(FilterTest, ThousandsOfQuestionsAtATimeProceed) {
  std::string result;
  for (int i = 0; i < 1100; ++i) {
    Say(Question(absl::StrCat(i), absl::StrCat("user", i, "@example.com")));
    if (i >= 1000) absl::StrAppend(&result, Result(absl::StrCat(i), "proceed"));
  }
  EXPECT_EQ(Heard(), result);
}

TEST_F(FilterTest, LinesMayComeInPiecesAndLongOnesAreCut) {
  for (const char byte : "config|ready\n" + Question("1", "")) Say(std::string(1, byte));
  EXPECT_EQ(Heard(), absl::StrCat(kRegistration, Result("1", "proceed")));
  Say(std::string(100000, 'x') + "\n" + Question("2", ""));
  EXPECT_EQ(Heard(), Result("2", "proceed"));
}

TEST_F(FilterTest, EndsWithOpenSmtpd) {
  shutdown(smtpd_, SHUT_RDWR);
  test_.RunUntilIdle();
  EXPECT_TRUE(ended_);
}

TEST(LinePlaceTest, IsWrittenAsInLineListen) {
  EXPECT_EQ(LinePlace::Parse("unix:/run/x/line")->path, "/run/x/line");
  EXPECT_EQ(LinePlace::Parse("inet:127.0.0.1:10095")->address, "127.0.0.1");
  EXPECT_EQ(LinePlace::Parse("inet:[::1]:10095")->address, "::1");
  EXPECT_EQ(LinePlace::Parse("inet:[::1]:10095")->port, 10095);
  for (const char* bad : {"", "line", "/run/line", "unix:", "unix:line", "inet:", "inet:127.0.0.1", "inet:127.0.0.1:",
                          "inet:127.0.0.1:0", "inet:127.0.0.1:65536", "inet:localhost:1", "inet::10095"}) {
    EXPECT_THAT(LinePlace::Parse(bad), FailsWith("expected inet:ADDRESS:PORT or unix:/PATH")) << bad;
  }
  EXPECT_THAT(LinePlace::Parse("unix:/" + std::string(200, 'x')), FailsWith("expected"));
}

}  // namespace
}  // namespace verifyd
