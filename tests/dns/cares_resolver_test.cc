// Tests the resolver against a name server in the same thread, over real sockets and the real clock: the only tests of
// this room that are not on a manual one. None of them measures time.
#include "dns/cares_resolver.h"

#include <ares.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/timer.h"
#include "tests/dns/name_server.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

using AnswerPtr = std::shared_ptr<const DnsAnswer>;

const int kLibraryReady = ares_library_init(ARES_LIB_INIT_ALL);

class CaresResolverTest : public ::testing::Test {
 protected:
  CaresResolverTest() {
    settings_.servers = {server_.address()};
    server_.Set("known.example", WithAddress(300));
  }

  static Packet WithAddress(uint32_t ttl) {
    return Packet("", DnsType::kA).Answer(AskedName(), DnsType::kA, ttl, "abcd");
  }

  void Start() {
    auto resolver = CaresResolver::Create(loop_, settings_);
    ASSERT_THAT(resolver, IsOk());
    resolver_ = *std::move(resolver);
  }

  MonoTime In(absl::Duration d) { return loop_.clock().Mono() + d; }

  // Asks now; the answer is there after Finish.
  std::shared_ptr<AnswerPtr> Ask(const std::string& name, absl::Duration patience = absl::Seconds(30),
                                 DnsNeed need = DnsNeed::kOthers) {
    auto answer = std::make_shared<AnswerPtr>();
    ++open_;
    loop_.Spawn(Keep(name, In(patience), need, answer));
    return answer;
  }
  std::shared_ptr<AnswerPtr> AskForOurs(const std::string& name) {
    return Ask(name, absl::Seconds(30), DnsNeed::kOurs);
  }

  void Finish() {
    RunUntil([this] { return open_ == 0; });
  }

  void RunUntil(const std::function<bool()>& done) {
    Timer guard(loop_.timers());
    bool late = false;
    guard.SetAfter(absl::Seconds(60), [&] { late = true; });
    while (!done() && !late) {
      loop_.context().restart();
      loop_.context().run_one_for(std::chrono::seconds(1));
    }
    ASSERT_FALSE(late) << "nothing came to an end within a minute";
  }

  DnsAnswer AskAndFinish(const std::string& name, absl::Duration patience = absl::Seconds(30)) {
    const auto answer = Ask(name, patience);
    Finish();
    return **answer;
  }

  Loop loop_{Clock::Real()};
  NameServer server_{loop_};
  ResolverSettings settings_;
  std::unique_ptr<CaresResolver> resolver_;
  int open_ = 0;

 private:
  boost::asio::awaitable<void> Keep(std::string name, MonoTime deadline, DnsNeed need,
                                    std::shared_ptr<AnswerPtr> answer) {
    *answer = co_await resolver_->Query(std::move(name), DnsType::kA, deadline, need);
    --open_;
  }
};

TEST_F(CaresResolverTest, AnswersFromTheServerAndThenFromMemory) {
  Start();
  const DnsAnswer first = AskAndFinish("known.example");
  EXPECT_EQ(first.status, DnsStatus::kOk);
  EXPECT_THAT(first.addresses, ElementsAre("97.98.99.100"));
  EXPECT_EQ(first.ttl, absl::Seconds(300));
  EXPECT_TRUE(server_.ad_requested());
  EXPECT_EQ(AskAndFinish("known.example").status, DnsStatus::kOk);
  EXPECT_EQ(server_.asked(), 1U);
  EXPECT_EQ(resolver_->counts().cache_hits, 1U);
}

TEST_F(CaresResolverTest, CaseDoesNotMatter) {
  Start();
  EXPECT_EQ(AskAndFinish("Known.EXAMPLE").status, DnsStatus::kOk);
  EXPECT_EQ(AskAndFinish("kNOWN.example").canonical_name, "known.example");
  EXPECT_EQ(server_.asked(), 1U);
}

TEST_F(CaresResolverTest, WithATtlOfZeroItIsAskedAgain) {
  server_.Set("fleeting.example", WithAddress(0));
  Start();
  AskAndFinish("fleeting.example");
  AskAndFinish("fleeting.example");
  EXPECT_EQ(server_.asked(), 2U);
}

TEST_F(CaresResolverTest, TtlsAreClamped) {
  settings_.max_ttl = absl::Seconds(7);
  settings_.max_negative_ttl = absl::Seconds(5);
  Start();
  EXPECT_EQ(AskAndFinish("known.example").ttl, absl::Seconds(7));
  EXPECT_EQ(AskAndFinish("gone.example").ttl, absl::Seconds(5));
}

TEST_F(CaresResolverTest, TellsNegativeAnswersAndFailuresApart) {
  server_.Set("nodata.example", Packet("", DnsType::kA).Soa(60, 60));
  server_.Set("servfail.example", Packet("", DnsType::kA).Rcode(2));
  server_.Set("refused.example", Packet("", DnsType::kA).Rcode(5));
  server_.Set("formerr.example", Packet("", DnsType::kA).Rcode(1));
  server_.Set("notimp.example", Packet("", DnsType::kA).Rcode(4));
  server_.Ignore("silent.example");
  settings_.timeout = absl::Milliseconds(50);
  settings_.tries = 1;
  Start();
  EXPECT_EQ(AskAndFinish("gone.example").status, DnsStatus::kNxDomain);
  EXPECT_EQ(AskAndFinish("nodata.example").status, DnsStatus::kNoData);
  EXPECT_EQ(AskAndFinish("servfail.example").status, DnsStatus::kServfail);
  EXPECT_EQ(AskAndFinish("refused.example").status, DnsStatus::kRefused);
  EXPECT_EQ(AskAndFinish("formerr.example").status, DnsStatus::kMalformed);
  EXPECT_EQ(AskAndFinish("notimp.example").status, DnsStatus::kMalformed);
  EXPECT_EQ(AskAndFinish("silent.example").status, DnsStatus::kTimeout);
  EXPECT_EQ(resolver_->counts().timeouts, 1U);
  EXPECT_EQ(resolver_->counts().failures, 4U);
}

TEST_F(CaresResolverTest, NegativeAnswersAreRememberedAndFailuresAreNot) {
  server_.Set("servfail.example", Packet("", DnsType::kA).Rcode(2));
  Start();
  AskAndFinish("gone.example");
  EXPECT_EQ(AskAndFinish("gone.example").status, DnsStatus::kNxDomain);
  EXPECT_EQ(server_.asked(), 1U);
  AskAndFinish("servfail.example");
  server_.Set("servfail.example", WithAddress(60));
  EXPECT_EQ(AskAndFinish("servfail.example").status, DnsStatus::kOk);
}

TEST_F(CaresResolverTest, AServerThatIsNotThereIsATimeOut) {
  {
    NameServer gone(loop_);
    settings_.servers = {gone.address()};
  }
  settings_.timeout = absl::Milliseconds(50);
  Start();
  EXPECT_EQ(AskAndFinish("known.example").status, DnsStatus::kTimeout);
}

TEST_F(CaresResolverTest, TheNextServerIsAskedWhenOneFails) {
  NameServer broken(loop_);
  broken.Set("known.example", Packet("", DnsType::kA).Rcode(2));
  settings_.servers = {broken.address(), server_.address()};
  Start();
  EXPECT_EQ(AskAndFinish("known.example").status, DnsStatus::kOk);
  EXPECT_EQ(server_.asked(), 1U);
  EXPECT_EQ(resolver_->counts().failures, 0U);
}

TEST_F(CaresResolverTest, WhenAllServersFailTheFirstFailureIsTold) {
  NameServer broken(loop_);
  broken.Set("known.example", Packet("", DnsType::kA).Rcode(5));
  server_.Set("known.example", Packet("", DnsType::kA).Rcode(2));
  settings_.servers = {broken.address(), server_.address()};
  Start();
  EXPECT_EQ(AskAndFinish("known.example").status, DnsStatus::kRefused);
  EXPECT_EQ(resolver_->counts().failures, 1U);
}

TEST_F(CaresResolverTest, ATruncatedAnswerIsFetchedByTcp) {
  server_.Truncate("known.example");
  Start();
  const DnsAnswer answer = AskAndFinish("known.example");
  EXPECT_EQ(answer.status, DnsStatus::kOk);
  EXPECT_FALSE(answer.truncated);
  EXPECT_EQ(server_.asked_by_tcp(), 1U);
}

TEST_F(CaresResolverTest, QuestionsThatAreTheSameShareOneFlight) {
  Start();
  std::vector<std::shared_ptr<AnswerPtr>> answers;
  answers.reserve(50);
  for (int i = 0; i < 50; ++i) answers.push_back(Ask(i % 2 == 0 ? "known.example" : "KNOWN.example"));
  Finish();
  for (const auto& answer : answers) EXPECT_EQ((*answer)->status, DnsStatus::kOk);
  EXPECT_EQ(server_.asked(), 1U);
  EXPECT_EQ(resolver_->counts().joined, 49U);
}

TEST_F(CaresResolverTest, NoMoreQuestionsAreInFlightThanAllowedAndTheRestTakeTurns) {
  settings_.max_in_flight = 2;
  server_.HoldUntil(2);
  std::vector<uint64_t> ahead;
  server_.set_observer([&] { ahead.push_back(resolver_->counts().sent - (server_.asked() + 1) / 2 * 2); });
  Start();
  for (int i = 0; i < 6; ++i) Ask(absl::StrCat("n", i, ".example"));
  Finish();
  EXPECT_EQ(server_.asked(), 6U);
  EXPECT_THAT(ahead, Each(0U)) << "a question was sent before an earlier one was answered";
}

TEST_F(CaresResolverTest, BeyondThoseThatMayWaitTheAnswerIsOverload) {
  settings_.max_in_flight = 1;
  settings_.max_waiting = 1;
  Start();
  const auto first = Ask("a.example");
  const auto second = Ask("b.example");
  const auto third = Ask("c.example");
  Finish();
  EXPECT_EQ((*first)->status, DnsStatus::kNxDomain);
  EXPECT_EQ((*second)->status, DnsStatus::kNxDomain);
  EXPECT_EQ((*third)->status, DnsStatus::kOverload);
}

TEST_F(CaresResolverTest, AWaiterLeavesAtItsDeadlineAndTheAnswerIsRememberedAllTheSame) {
  server_.HoldUntil(2);
  Start();
  EXPECT_EQ(AskAndFinish("known.example", absl::Milliseconds(20)).status, DnsStatus::kTimeout);
  EXPECT_EQ(resolver_->counts().timeouts, 0U) << "the question itself is still in the air";
  AskAndFinish("other.example");  // releases both answers
  server_.HoldUntil(1);
  EXPECT_EQ(AskAndFinish("known.example").status, DnsStatus::kOk);
  EXPECT_EQ(server_.asked(), 2U);
}

TEST_F(CaresResolverTest, AQuestionNobodyWaitsForAnyMoreIsNotAsked) {
  settings_.max_in_flight = 1;
  server_.HoldUntil(2);
  Start();
  const auto first = Ask("known.example");
  const auto abandoned = Ask("abandoned.example", absl::Milliseconds(20));
  RunUntil([&] { return open_ == 1 && server_.asked() == 1; });
  EXPECT_EQ((*abandoned)->status, DnsStatus::kTimeout);
  server_.HoldUntil(1);
  server_.Release();
  Finish();
  EXPECT_EQ((*first)->status, DnsStatus::kOk);
  EXPECT_EQ(AskAndFinish("other.example").status, DnsStatus::kNxDomain);
  EXPECT_EQ(server_.asked(), 2U);
}

TEST_F(CaresResolverTest, NamesWhoseServersAreSilentLeaveAFifthToOurOwn) {
  settings_.max_in_flight = 10;
  settings_.timeout = absl::Seconds(60);
  Start();
  for (int i = 0; i < 20; ++i) {
    server_.Ignore(absl::StrCat("dead", i, ".example"));
    Ask(absl::StrCat("dead", i, ".example"), absl::Milliseconds(300));
  }
  RunUntil([this] { return server_.asked() == 8; });
  const auto others = Ask("known.example", absl::Milliseconds(300));
  const auto ours = AskForOurs("ours.example");
  Finish();
  EXPECT_EQ((*ours)->status, DnsStatus::kNxDomain);
  EXPECT_EQ((*others)->status, DnsStatus::kTimeout);
}

TEST_F(CaresResolverTest, WhatOthersAskedForToNoAvailIsAskedForOursAtOnce) {
  settings_.max_in_flight = 10;
  settings_.timeout = absl::Seconds(60);
  Start();
  for (int i = 0; i < 9; ++i) {
    server_.Ignore(absl::StrCat("dead", i, ".example"));
    Ask(absl::StrCat("dead", i, ".example"), absl::Milliseconds(300));
  }
  RunUntil([this] { return server_.asked() == 8; });
  const auto others = Ask("known.example");
  const auto ours = AskForOurs("known.example");
  Finish();
  EXPECT_EQ((*others)->status, DnsStatus::kOk);
  EXPECT_EQ((*ours)->status, DnsStatus::kOk);
}

TEST_F(CaresResolverTest, ADomainWithManyNamesLeavesPlacesToOthers) {
  settings_.max_in_flight = 20;
  settings_.timeout = absl::Seconds(60);
  Start();
  for (int i = 0; i < 100; ++i) {
    server_.Ignore(absl::StrCat("n", i, ".dead.example"));
    Ask(absl::StrCat("n", i, ".dead.example"), absl::Milliseconds(300));
  }
  RunUntil([this] { return server_.asked() == 10; });
  const auto other = Ask("known.org");
  Finish();
  EXPECT_EQ((*other)->status, DnsStatus::kNxDomain);
  EXPECT_EQ(server_.asked(), 11U);
}

TEST_F(CaresResolverTest, AQuestionWhoseServersAreSilentGivesItsPlaceUp) {
  settings_.max_in_flight = 2;
  settings_.timeout = absl::Milliseconds(200);
  settings_.tries = 10;
  server_.Ignore("a.example");
  server_.Ignore("b.example");
  Start();
  const auto silent = Ask("a.example", absl::Seconds(1));
  Ask("b.example", absl::Seconds(1));
  const auto answered = Ask("known.example");
  Finish();
  EXPECT_EQ((*answered)->status, DnsStatus::kOk);
  EXPECT_EQ((*silent)->status, DnsStatus::kTimeout);
  EXPECT_EQ(resolver_->counts().timeouts, 0U) << "they are waited for still";
}

TEST_F(CaresResolverTest, DomainsThatWaitTakeTurns) {
  settings_.max_in_flight = 1;
  server_.Ignore("first.example");
  settings_.timeout = absl::Milliseconds(300);
  std::vector<std::string> order;
  Start();
  Ask("first.example", absl::Milliseconds(100));
  for (const char* name : {"a.one.example", "b.one.example", "c.one.example", "a.two.example"}) {
    loop_.Spawn([](Resolver& resolver, std::string name, MonoTime deadline, std::vector<std::string>& order,
                   int& open) -> boost::asio::awaitable<void> {
      ++open;
      co_await resolver.Query(name, DnsType::kA, deadline);
      order.push_back(name);
      --open;
    }(*resolver_, name, In(absl::Seconds(30)), order, open_));
  }
  RunUntil([&] { return order.size() == 4; });
  Finish();
  EXPECT_THAT(order, ElementsAre("a.one.example", "a.two.example", "b.one.example", "c.one.example"));
}

TEST_F(CaresResolverTest, ANameThatCanNotBeIsNotAsked) {
  Start();
  EXPECT_EQ(AskAndFinish("").status, DnsStatus::kMalformed);
  EXPECT_EQ(AskAndFinish("a..example").status, DnsStatus::kMalformed);
  EXPECT_EQ(AskAndFinish(std::string(64, 'a') + ".example").status, DnsStatus::kMalformed);
  EXPECT_EQ(server_.asked(), 0U);
}

TEST_F(CaresResolverTest, QuestionsOneAfterTheOtherComeFromDifferentPorts) {
  Start();
  for (int i = 0; i < 10; ++i) AskAndFinish(absl::StrCat("n", i, ".example"));
  EXPECT_GE(server_.ports().size(), 5U);
}

TEST_F(CaresResolverTest, ThePortChangesAlsoUnderLoadThatNeverPauses) {
  server_.HoldUntil(150);
  Start();
  for (int i = 0; i < 150; ++i) Ask(absl::StrCat("n", i, ".example"));
  Finish();
  EXPECT_EQ(server_.asked(), 150U);
  EXPECT_EQ(server_.ports().size(), 3U) << "64 questions from one port";
}

TEST_F(CaresResolverTest, GoesAwayWithQuestionsInTheAirAndInLine) {
  settings_.max_in_flight = 2;
  server_.Ignore("a.example");
  server_.Ignore("b.example");
  Start();
  std::vector<std::shared_ptr<AnswerPtr>> answers;
  for (const char* name : {"a.example", "b.example", "c.example"}) answers.push_back(Ask(name));
  RunUntil([this] { return server_.asked() == 2; });
  resolver_.reset();
  Finish();
  for (const auto& answer : answers) EXPECT_EQ((*answer)->status, DnsStatus::kTimeout);
}

TEST_F(CaresResolverTest, GoesAwayWithAnswersOnTheirWay) {
  Start();
  const auto answer = Ask("known.example");
  // The answer is here and its completion waits for its turn; destroying the resolver is safe at every turn.
  RunUntil([this] { return server_.asked() == 1; });
  loop_.context().poll_one();
  resolver_.reset();
  Finish();
  EXPECT_NE(*answer, nullptr);
}

TEST(ResolverSettingsTest, ServersAreAddressesWithOrWithoutPort) {
  Loop loop(Clock::Real());
  for (const char* good : {"127.0.0.1", "127.0.0.1:5353", "::1", "[::1]", "[::1]:5353", "2001:db8::53"}) {
    ResolverSettings settings;
    settings.servers = {good};
    EXPECT_THAT(CaresResolver::Create(loop, settings), IsOk()) << good;
  }
  for (const char* bad : {"", "localhost", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:53x", "[::1",
                          "[127.0.0.1]:53", "[::1]53", "[]", "127.0.0.256", "::1]:53"}) {
    ResolverSettings settings;
    settings.servers = {"127.0.0.1", bad};
    EXPECT_THAT(CaresResolver::Create(loop, settings), FailsWith(absl::StrCat("name server \"", bad, "\": expected")));
  }
}

}  // namespace
}  // namespace verifyd
