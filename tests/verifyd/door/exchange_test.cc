#include "verifyd/door/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/signal.h"
#include "tests/cache/samples.h"
#include "tests/test_loop.h"
#include "tests/verifyd/caller.h"

namespace verifyd {
namespace {

using ::testing::Contains;

// Lines are requests. "wait" is answered when told to; "work" likewise, with a word in between. "fault" and "late
// fault" throw an exception; "oddity", "late oddity" and "late mute" throw one without a text. "bye" hangs up. "haste"
// wants to wait and then need not. A line that begins with '!' is of another protocol. All others are echoed, with '*'
// where only memory may be asked. The number of requests so far goes before each answer.
class EchoProtocol : public DoorProtocol {
 public:
  explicit EchoProtocol(Loop& loop) : told(loop) {}

  absl::string_view name() const override { return "echo"; }
  size_t request_limit() const override { return 5000; }
  absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const override {
    if (!buffer.empty() && buffer[0] == '!') return absl::InvalidArgumentError("found a '!'");
    return buffer.find('\n') + 1;
  }
  void Configure(const DoorSettings& settings) override {}
  std::unique_ptr<Conversation> Begin(DoorClient& client) override;

  Signal told;
  int conversations = 0;
};

class EchoConversation final : public Conversation {
 public:
  EchoConversation(EchoProtocol& protocol, DoorClient& client) : protocol_(protocol), client_(client) {
    ++protocol_.conversations;
    client_.Say("hello ");
  }
  ~EchoConversation() override { --protocol_.conversations; }

  std::optional<boost::asio::awaitable<void>> Answer(absl::string_view request) override {
    ++said_;
    if (request == "wait\n") return Later(request);
    if (request == "work\n") return Work(request);
    if (request == "haste\n") return Haste(request);
    if (request == "late fault\n") return Fault(std::runtime_error("later"));
    if (request == "late oddity\n") return Fault(7);
    if (request == "late mute\n") return Fault(std::runtime_error(""));
    if (request == "fault\n") throw std::runtime_error("at once");
    if (request == "oddity\n") throw 7;  // NOLINT(hicpp-exception-baseclass)
    if (request == "bye\n") client_.HangUp();
    Echo(request);
    return std::nullopt;
  }
  void AnswerFailure() override { client_.Say("sorry "); }

 private:
  void Echo(absl::string_view request) {
    client_.Say(absl::StrCat(said_, client_.memory_only() ? "*" : "", request.substr(0, request.size() - 1), " "));
  }
  boost::asio::awaitable<void> Later(absl::string_view request) {
    co_await protocol_.told.Wait();
    Echo(request);
  }
  boost::asio::awaitable<void> Haste(absl::string_view request) {
    Echo(request);
    co_return;
  }
  boost::asio::awaitable<void> Work(absl::string_view request) {
    client_.SayNow("working ");
    co_await Later(request);
  }
  template <typename T>
  boost::asio::awaitable<void> Fault(T thrown) {
    co_await protocol_.told.Wait();
    throw thrown;
  }

  EchoProtocol& protocol_;
  DoorClient& client_;
  int said_ = 0;
};

std::unique_ptr<Conversation> EchoProtocol::Begin(DoorClient& client) {
  return std::make_unique<EchoConversation>(*this, client);
}

class ExchangeTest : public testing::Test {
 protected:
  ExchangeTest() {
    auto protocol = std::make_unique<EchoProtocol>(test_.loop());
    protocol_ = protocol.get();
    exchange_ = std::make_unique<Exchange>(test_.loop(), metrics_, std::move(protocol));
    exchange_->Configure({});
    exchange_->Serve(*Listener::Open(test_.loop(), *ListenAddress::Parse("unix:" + path_)));
    test_.RunUntilIdle();
  }

  std::string Answer(Caller& caller, absl::string_view request) {
    caller.Send(request);
    test_.RunUntilIdle();
    return caller.Receive();
  }
  void Tell() {
    protocol_->told.NotifyAll();
    test_.RunUntilIdle();
  }
  bool Drain(absl::Duration limit) {
    exchange_->BeginDrain();
    const MonoTime deadline = test_.clock().Mono() + limit;
    return test_.Run([](Exchange& exchange, MonoTime until) -> boost::asio::awaitable<bool> {
      co_await exchange.Drained(until);
      co_return exchange.connections() == 0;
    }(*exchange_, deadline));
  }
  size_t Logged(absl::string_view part) const {
    size_t count = 0;
    for (const std::string& line : log_.lines()) count += absl::string_view(line).find(part) == line.npos ? 0 : 1;
    return count;
  }

  CapturedLog log_;
  TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/door";
  TestLoop test_;
  Metrics metrics_;
  EchoProtocol* protocol_ = nullptr;
  std::unique_ptr<Exchange> exchange_;
};

TEST_F(ExchangeTest, GreetsAndAnswersRequestsThatComeAtOnceInOrder) {
  Caller caller(path_);
  test_.RunUntilIdle();
  EXPECT_EQ(caller.Receive(), "hello ");
  EXPECT_EQ(Answer(caller, "a\nb\nc"), "1a 2b ");
  EXPECT_EQ(Answer(caller, "d\n"), "3cd ");
}

TEST_F(ExchangeTest, WhatComesBehindARequestThatWaitsIsAnsweredBehindIt) {
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, "a\nwait\nb\nwait\nc\n"), "hello 1a ");
  Tell();
  EXPECT_EQ(caller.Receive(), "2wait 3b ");
  Tell();
  EXPECT_EQ(caller.Receive(), "4wait 5c ");
}

TEST_F(ExchangeTest, WhoDecidesMaySaySomethingMeanwhile) {
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, "work\n"), "hello working ");
  Tell();
  EXPECT_EQ(caller.Receive(), "1work ");
}

TEST_F(ExchangeTest, WhereThereIsNothingToWaitForAfterAllTheClientIsReadOn) {
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, "haste\nhaste\na\n"), "hello 1haste 2haste 3a ");
  EXPECT_EQ(Answer(caller, "haste\n"), "4haste ");
  EXPECT_EQ(Answer(caller, "b\n"), "5b ");
  caller.Send("haste\nbye\n");
  test_.RunUntilIdle();
  EXPECT_EQ(caller.Receive(), "6haste 7bye #");
  EXPECT_EQ(exchange_->connections(), 0U);
}

TEST_F(ExchangeTest, AClientThatHasClosedItsHalfIsAnsweredToTheEnd) {
  Caller caller(path_);
  caller.Send("wait\na\n");
  caller.SaysNoMore();
  test_.RunUntilIdle();
  Tell();
  EXPECT_EQ(caller.Receive(), "hello 1wait 2a #");
  EXPECT_EQ(protocol_->conversations, 0);
}

TEST_F(ExchangeTest, AClientThatLeavesWhileItWaitsIsForgottenWhenItIsAnswered) {
  {
    Caller caller(path_);
    Answer(caller, "wait\n");
  }
  test_.RunUntilIdle();
  EXPECT_EQ(exchange_->connections(), 1U);
  Tell();
  EXPECT_EQ(exchange_->connections(), 0U);
}

TEST_F(ExchangeTest, AConversationMayHangUp) {
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, "a\nbye\nb\n"), "hello 1a 2bye #");
}

TEST_F(ExchangeTest, WhoSpeaksAnotherProtocolIsHungUpOnAndLogged) {
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, "a\n!b\n"), "hello 1a #");
  EXPECT_TRUE(log_.Contains("echo: found a '!': connection closed"));
}

TEST_F(ExchangeTest, ARequestOfTooManyBytesIsHungUpOn) {
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, std::string(5001, 'x')), "hello #");
  EXPECT_TRUE(log_.Contains("echo: a request of more than 5000 bytes: connection closed"));
}

TEST_F(ExchangeTest, AFaultIsAnsweredAsTheProtocolSeesFitAndTheConnectionGoesOn) {
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, "fault\na\nlate fault\nb\n"), "hello sorry 2a ");
  Tell();
  EXPECT_EQ(caller.Receive(), "sorry 4b ");
  EXPECT_TRUE(log_.Contains("internal error while deciding on a echo request: at once"));
  EXPECT_THAT(metrics_.Collect(), Contains(std::pair<std::string, double>("verifyd_internal_errors_total", 2)));
}

TEST_F(ExchangeTest, WhatWasThrownAndIsNoStdExceptionLeftTheClientWithoutAnAnswer) {
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, "oddity\na\nlate oddity\nb\n"), "hello sorry 2a ");
  Tell();
  EXPECT_EQ(caller.Receive(), "sorry 4b ");
  EXPECT_EQ(Logged("internal error while deciding on a echo request: an exception of unknown type"), 2U);
}

TEST_F(ExchangeTest, AnExceptionWithoutTextLeftTheClientWithoutAnAnswer) {
  Caller caller(path_);
  Answer(caller, "late mute\na\n");
  Tell();
  EXPECT_EQ(caller.Receive(), "sorry 2a ");
}

TEST_F(ExchangeTest, OverTheLimitConnectionsAreAnsweredFromMemoryAndOverTwiceThatClosed) {
  exchange_->Configure({.connections = 1});
  Caller first(path_);
  Caller second(path_);
  Caller third(path_);
  EXPECT_EQ(Answer(first, "a\n"), "hello 1a ");
  EXPECT_EQ(Answer(second, "a\n"), "hello 1*a ");
  EXPECT_EQ(third.Receive(), "#");
  EXPECT_EQ(Logged("echo: more than 1 connections (echo_connection_limit)"), 1U);
}

TEST_F(ExchangeTest, OverTheRateClientsTakeTurnsAndAreKeptWaiting) {
  exchange_->Configure({.requests_per_second = 2});
  Caller first(path_);
  Caller second(path_);
  EXPECT_EQ(Answer(first, "a\nb\nc\nd\n"), "hello 1a 2b ");
  EXPECT_EQ(Answer(second, "e\n"), "hello ");
  test_.Advance(absl::Milliseconds(501));
  EXPECT_EQ(first.Receive(), "3c ");
  EXPECT_EQ(second.Receive(), "");
  test_.Advance(absl::Milliseconds(501));
  EXPECT_EQ(first.Receive(), "");
  EXPECT_EQ(second.Receive(), "1e ");
  test_.Advance(absl::Milliseconds(501));
  EXPECT_EQ(first.Receive(), "4d ");
  EXPECT_EQ(Logged("echo: more than 2 requests a second (echo_request_rate_limit): clients are kept waiting"), 1U);
  test_.Advance(absl::Minutes(1));
  EXPECT_EQ(Answer(first, "f\ng\nh\n"), "5f 6g ");
  EXPECT_EQ(Logged("requests a second"), 2U);
}

TEST_F(ExchangeTest, WhenTheRateIsLiftedNobodyWaitsAnyLonger) {
  exchange_->Configure({.requests_per_second = 1});
  Caller caller(path_);
  EXPECT_EQ(Answer(caller, "a\nb\nc\n"), "hello 1a ");
  exchange_->Configure({});
  test_.RunUntilIdle();
  EXPECT_EQ(caller.Receive(), "2b 3c ");
}

TEST_F(ExchangeTest, AStalledClientIsClosedAndAnIdleOneIsNot) {
  Caller stalled(path_);
  Caller idle(path_);
  Caller waiting(path_);
  Answer(stalled, "half a request");
  Answer(idle, "a\n");
  Answer(waiting, "wait\n");
  test_.Advance(absl::Minutes(2));
  EXPECT_EQ(stalled.Receive(), "#");
  EXPECT_EQ(idle.Receive(), "");
  EXPECT_EQ(exchange_->connections(), 2U);
  test_.Advance(absl::Hours(1));
  EXPECT_EQ(idle.Receive(), "#");
  Tell();
  EXPECT_EQ(waiting.Receive(), "1wait ");
}

TEST_F(ExchangeTest, ADrainAnswersWhatHasComeAndClosesTheRest) {
  exchange_->Configure({.requests_per_second = 2});
  Caller idle(path_);
  Caller waiting(path_);
  Caller queued(path_);
  Answer(idle, "");
  Answer(waiting, "wait\n");
  EXPECT_EQ(Answer(queued, "a\nb\nc\n"), "hello 1a ");
  EXPECT_FALSE(Drain(absl::Seconds(1)));
  EXPECT_EQ(idle.Receive(), "#");
  EXPECT_EQ(queued.Receive(), "2b 3c #");
  Tell();
  EXPECT_TRUE(Drain(absl::Seconds(1)));
}

TEST_F(ExchangeTest, AnExchangeThatGoesWhileOneDecidesIsNotMissed) {
  Caller deciding(path_);
  Caller idle(path_);
  Answer(deciding, "work\n");
  // The protocol lives until the decision under way has ended.
  EchoProtocol& protocol = *protocol_;
  exchange_.reset();
  EXPECT_EQ(deciding.Receive(), "#");
  EXPECT_EQ(protocol.conversations, 1);
  protocol.told.NotifyAll();
  test_.RunUntilIdle();
}

}  // namespace
}  // namespace verifyd
