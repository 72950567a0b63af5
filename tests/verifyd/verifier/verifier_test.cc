// What the plays (tests/scenario) do not show of the verifier: many at once, and the end.
#include "verifyd/verifier/verifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "cache/cache.h"
#include "probe/prober.h"
#include "tests/cache/samples.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"
#include "verifyd/api/question_list.h"
#include "verifyd/configuration/configuration.h"

namespace verifyd {
namespace {

// Servers of example.com and example.net that take their time.
class VerifierTest : public testing::Test {
 protected:
  VerifierTest() {
    for (const std::string domain : {"example.com", "example.net"}) {
      const std::string address = domain == "example.com" ? "11.0.0.1" : "11.0.0.2";
      resolver_.SetMx(domain, {{10, absl::StrCat("mx.", domain)}});
      resolver_.SetAddresses(absl::StrCat("mx.", domain), {address});
      dialer_.Play(address, "rcpt={wait 100s}250 Ok");
    }
    CacheSettings settings;
    settings.path = folder_.path() + "/verify_cache";
    settings.cleanup_interval = absl::ZeroDuration();
    cache_ = Cache::Open(test_.loop(), settings);
    verifier_ = std::make_unique<Verifier>(test_.loop(), *cache_, std::vector<Source*>{&prober_}, metrics_);
    Configure({});
  }

  void Configure(const std::vector<Assignment>& further) {
    std::vector<Assignment> file = {{"verify_domains", "*", "test"},
                                    {"myhostname", "gw.example.org", "test"},
                                    {"probe_public_concurrency_limit", "100", "test"},
                                    {"address_verify_map", "", "test"}};
    file.insert(file.end(), further.begin(), further.end());
    const Configuration configuration = *Configuration::Create(*Settings::Load(file, {}));
    prober_.Configure(configuration.probe, configuration.classifier);
    verifier_->Configure(configuration.verifier);
  }

  Question About(absl::string_view address) {
    Question question;
    question.address = *Address::Parse(address);
    question.patience = absl::Hours(1);
    return question;
  }

  // Asker 7 has asked for a user of example.org in vain, and may not ask about joe there.
  Question OverBudget() {
    Configure({{"probe_public_unknown_limit", "4", "test"}});
    resolver_.SetMx("example.org", {{10, "mx.example.org"}});
    resolver_.SetAddresses("mx.example.org", {"11.0.0.3"});
    dialer_.Play("11.0.0.3", "rcpt=550 5.1.1 User unknown");
    Question question = About("no@example.org");
    question.asker = 7;
    EXPECT_EQ(test_.Run(verifier_->Verify(question)).finding.reason, Reason::kNoSuchUser);
    question.address = *Address::Parse("joe@example.org");
    return question;
  }

  CapturedLog log_;
  TemporaryFolder folder_;
  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  ScriptedDialer dialer_{test_.loop()};
  Prober prober_{test_.loop(), resolver_, {{test_.loop(), dialer_}}};
  Metrics metrics_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Verifier> verifier_;
};

TEST_F(VerifierTest, AnAddressWhoseProbeFailsInsideVerifydIsNotInProgressUntilTheRestart) {
  resolver_.set_broken(true);
  std::optional<Verdict> told;
  verifier_->Ask(About("joe@example.com"), [&](Verdict&& verdict) { told = std::move(verdict); });
  test_.RunUntilIdle();
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->state, VerdictState::kKnown);
  EXPECT_EQ(told->finding.reason, Reason::kLocalError);
  EXPECT_EQ(told->deliverability(), Deliverability::kUnknown);
  EXPECT_EQ(verifier_->flying(), 0U);
  EXPECT_TRUE(log_.Contains("the resolver is broken"));
  resolver_.set_broken(false);
  Question again = About("joe@example.com");
  again.fresh = true;
  EXPECT_EQ(test_.Run(verifier_->Verify(again)).finding.reason, Reason::kAccepted);
}

TEST_F(VerifierTest, AnAnswerThatCanNotBeTakenInIsToldAsOurOwnFailure) {
  dialer_.PlayOnly("11.0.0.1", "rcpt=450 4.2.0 Greylisted, try again later");
  verifier_->OnPlanned([](absl::Time /*when*/) { throw std::runtime_error("the agenda is broken"); });
  std::optional<Verdict> told;
  verifier_->Ask(About("joe@example.com"), [&](Verdict&& verdict) { told = std::move(verdict); });
  test_.Advance(absl::Seconds(1));
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->deliverability(), Deliverability::kUnknown);
  EXPECT_EQ(verifier_->flying(), 0U);
  EXPECT_EQ(verifier_->waiting(), 0U);
  EXPECT_TRUE(log_.Contains("the agenda is broken"));
  // What fails is not planned for at once.
  EXPECT_FALSE(verifier_->IsPlanned(*Address::Parse("joe@example.com"), test_.clock().Now() + absl::Minutes(9)));
}

TEST_F(VerifierTest, WhatIsKnownOfAnAddressIsToldWhereItsProbeFailsInsideVerifyd) {
  cache_->PutRecord("joe@example.com", PositiveRecord(test_.clock().Now() - absl::Hours(1)));
  dialer_.PlayOnly("11.0.0.1", "rcpt=550 5.1.1 User unknown");
  verifier_->OnPlanned([](absl::Time /*when*/) { throw std::runtime_error("the agenda is broken"); });
  Question question = About("joe@example.com");
  question.fresh = true;
  std::optional<Verdict> told;
  verifier_->Ask(question, [&](Verdict&& verdict) { told = std::move(verdict); });
  test_.Advance(absl::Seconds(1));
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->deliverability(), Deliverability::kDeliverable);
}

TEST_F(VerifierTest, ADomainWhoseServerIsSilentLeavesProbesToOthers) {
  Configure({{"address_verify_pending_request_limit", "20", "test"}, {"relay_domains", "example.org", "test"}});
  int overload = 0;
  const auto ask = [&](absl::string_view address) {
    verifier_->Ask(About(address), [&](Verdict&& verdict) {
      if (verdict.finding.reason == Reason::kOverload) ++overload;
    });
  };
  for (int i = 0; i < 30; ++i) ask(absl::StrCat("user", i, "@n", i, ".example.com"));
  EXPECT_EQ(overload, 20) << "half of all is not shared out";
  ask("joe@example.net");
  ask("ann@example.net");
  EXPECT_EQ(overload, 20);
  ask("eve@example.net");
  EXPECT_EQ(overload, 21) << "a tenth";
  for (int i = 0; i < 10; ++i) ask(absl::StrCat("user@domain", i, ".example"));
  EXPECT_EQ(verifier_->flying(), 16U) << "a fifth is left";
  overload = 0;
  for (int i = 0; i < 4; ++i) ask(absl::StrCat("user", i, "@example.org"));
  EXPECT_EQ(overload, 0);
}

TEST_F(VerifierTest, ThoseWhoWaitForOneDomainLeaveRoomToOthers) {
  Configure({{"address_verify_waiter_limit", "20", "test"}});
  int overload = 0;
  const auto ask = [&](absl::string_view address) {
    verifier_->Ask(About(address), [&](Verdict&& verdict) {
      if (verdict.finding.reason == Reason::kOverload) ++overload;
    });
  };
  for (int i = 0; i < 30; ++i) ask("joe@example.com");
  EXPECT_EQ(overload, 20);
  ask("ann@example.net");
  EXPECT_EQ(overload, 20);
  test_.Advance(absl::Seconds(101));
  EXPECT_EQ(verifier_->waiting(), 0U);
}

TEST_F(VerifierTest, WhatWasNotAskedBecauseOfTheAskerIsNotRememberedOfTheAddress) {
  Question question = OverBudget();
  EXPECT_EQ(test_.Run(verifier_->Verify(question)).finding.rule, "budget.unknown");
  EXPECT_FALSE(cache_->FindRecord("joe@example.org").has_value());
  question.asker = 8;
  EXPECT_EQ(test_.Run(verifier_->Verify(question)).finding.reason, Reason::kNoSuchUser);
}

TEST_F(VerifierTest, WhoJoinsAProbeThatItsLeaderMayNotMakeAsksOnHisOwnAccount) {
  Question question = OverBudget();
  std::optional<Verdict> leader;
  std::optional<Verdict> joined;
  verifier_->Ask(question, [&](Verdict&& verdict) { leader = std::move(verdict); });
  question.asker = 8;
  verifier_->Ask(question, [&](Verdict&& verdict) { joined = std::move(verdict); });
  test_.Advance(absl::Minutes(5));
  ASSERT_TRUE(leader.has_value());
  EXPECT_EQ(leader->finding.rule, "budget.unknown");
  ASSERT_TRUE(joined.has_value());
  EXPECT_EQ(joined->finding.reason, Reason::kNoSuchUser);
}

TEST_F(VerifierTest, WhatIsRefreshedBehindAnAnswerIsOfTheAskersBudget) {
  Configure({{"probe_public_unknown_limit", "4", "test"}});
  resolver_.SetMx("example.org", {{10, "mx.example.org"}});
  resolver_.SetAddresses("mx.example.org", {"11.0.0.3"});
  dialer_.Play("11.0.0.3", "rcpt=550 5.1.1 User unknown");
  Record record;
  record.finding = {.deliverability = Deliverability::kDeliverable,
                    .reason = Reason::kAccepted,
                    .scope = Scope::kAddress,
                    .when = test_.clock().Now() - absl::Hours(24 * 8)};
  cache_->PutRecord("no@example.org", record);
  Question question = About("no@example.org");
  question.asker = 7;
  EXPECT_TRUE(test_.Run(verifier_->Verify(question)).refreshing);
  test_.Advance(absl::Minutes(5));
  question.address = *Address::Parse("joe@example.org");
  EXPECT_EQ(test_.Run(verifier_->Verify(question)).finding.rule, "budget.unknown");
}

TEST_F(VerifierTest, WhileManyAnswersAreInTheMailListsHaveNoRoom) {
  Configure({{"probe_public_concurrency_limit", "1", "test"}});
  resolver_.SetMx("example.org", {{10, "mx.example.org"}});
  resolver_.SetAddresses("mx.example.org", {"11.0.0.3"});
  dialer_.Play("11.0.0.3", "{timeout}");
  std::vector<bool> room;
  for (int i = 0; i < 400; ++i) {
    verifier_->Ask(About(absl::StrCat("user", i, "@example.org")),
                   [&](Verdict&& /*verdict*/) { room.push_back(verifier_->HasRoomForLists()); });
  }
  EXPECT_TRUE(verifier_->HasRoomForLists());
  test_.Advance(absl::Hours(1));
  ASSERT_EQ(room.size(), 400U);
  // The first is the one for whom it was dialled; the others are answered together.
  EXPECT_GT(std::count(room.begin(), room.end(), false), 100);
  EXPECT_TRUE(room.back());
}

TEST_F(VerifierTest, AListOfWrongAddressesDoesNotBecomeAsManySecondLooks) {
  const auto about = [&](int i) { return About(absl::StrCat("user", i, "@example.com")); };
  for (int i = 0; i < 40; ++i) {
    Record record;
    record.finding = NegativeFinding(test_.clock().Now() - absl::Minutes(10));
    cache_->PutRecord(about(i).address.Key(), record);
  }
  for (int i = 0; i < 30; ++i) {
    ASSERT_FALSE(verifier_->Recall(about(i)).has_value()) << i;
    test_.loop().Spawn([](Verifier& verifier, Question question) -> boost::asio::awaitable<void> {
      (void)co_await verifier.Verify(std::move(question));
    }(*verifier_, about(i)));
    test_.RunUntilIdle();
  }
  const std::optional<Verdict> at_once = verifier_->Recall(about(30));
  ASSERT_TRUE(at_once.has_value());
  EXPECT_EQ(at_once->deliverability(), Deliverability::kUndeliverable);
  // The next minute has its own.
  test_.Advance(absl::Minutes(1));
  EXPECT_FALSE(verifier_->Recall(about(30)).has_value());
}

TEST_F(VerifierTest, AThousandQuestionsForOneAddressAreOneProbe) {
  int deliverable = 0;
  for (int i = 0; i < 1000; ++i) {
    test_.loop().Spawn([](Verifier& verifier, Question question, int& count) -> boost::asio::awaitable<void> {
      const Verdict verdict = co_await verifier.Verify(std::move(question));
      count += verdict.deliverability() == Deliverability::kDeliverable ? 1 : 0;
    }(*verifier_, About("joe@example.com"), deliverable));
  }
  test_.Advance(absl::Seconds(200));
  EXPECT_EQ(deliverable, 1000);
  EXPECT_EQ(prober_.counts().probes, 1U);
}

TEST_F(VerifierTest, WhoWaitsWhenTheEndComesIsToldThatItIsInProgress) {
  std::optional<Verdict> verdict;
  test_.loop().Spawn(
      [](Verifier& verifier, Question question, std::optional<Verdict>& out) -> boost::asio::awaitable<void> {
        out = co_await verifier.Verify(std::move(question));
      }(*verifier_, About("joe@example.com"), verdict));
  test_.Advance(absl::Seconds(1));
  EXPECT_FALSE(verdict.has_value());
  verifier_->EndWaits();
  test_.RunUntilIdle();
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->state, VerdictState::kInProgress);
  // The probe goes on, and its answer is remembered.
  test_.Advance(absl::Seconds(200));
  EXPECT_TRUE(cache_->FindRecord("joe@example.com").has_value());
}

TEST_F(VerifierTest, WhatALookFoundThatNobodyWaitedForIsToldToTheNextEvenIfNegativesAreNotKept) {
  Configure({{"address_verify_negative_cache", "no", "test"}});
  resolver_.SetMx("example.org", {{10, "mx.example.org"}});
  resolver_.SetAddresses("mx.example.org", {"11.0.0.3"});
  dialer_.Play("11.0.0.3", "rcpt=550 5.1.1 User unknown");
  verifier_->LookAgain(About("joe@example.org").address, Urgency::kRefresh, [] {});
  test_.Advance(absl::Seconds(1));
  EXPECT_FALSE(cache_->FindRecord("joe@example.org").has_value());
  const std::optional<Verdict> recalled = verifier_->Recall(About("joe@example.org"));
  ASSERT_TRUE(recalled.has_value());
  EXPECT_EQ(recalled->deliverability(), Deliverability::kUndeliverable);
}

TEST_F(VerifierTest, TwoRefusalsInAMinuteOverturnedWhenTheWallClockJumpedInBetween) {
  resolver_.SetMx("example.org", {{10, "mx.example.org"}});
  resolver_.SetAddresses("mx.example.org", {"11.0.0.3"});
  dialer_.Play("11.0.0.3", "rcpt=550 5.1.1 User unknown");
  cache_->PutRecord("joe@example.org", PositiveRecord(test_.clock().Now() - absl::Hours(1)));
  for (const absl::Duration jump : {absl::ZeroDuration(), absl::Minutes(62)}) {
    test_.clock().SetWall(test_.clock().Now() + jump);
    verifier_->LookAgain(About("joe@example.org").address, Urgency::kRefresh, [] {});
    test_.Advance(absl::Seconds(30));
  }
  EXPECT_EQ(prober_.counts().probes, 2U);
  const std::optional<Record> record = cache_->FindRecord("joe@example.org");
  ASSERT_TRUE(record.has_value());
  EXPECT_TRUE(record->pending.has_value());
  EXPECT_EQ(record->finding.deliverability, Deliverability::kDeliverable);
}

TEST_F(VerifierTest, AListWhoseAnswersAreNotReadIsNotReadEither) {
  constexpr size_t kLines = 100000;
  size_t given = 0;
  const LineSource addresses = [&given]() -> boost::asio::awaitable<std::optional<std::string>> {
    if (given == kLines) co_return std::nullopt;
    co_return absl::StrCat("user", ++given, "@example.com\n");
  };
  Question question;
  question.memory_only = true;  // answered at once
  const LineSource answers = QuestionList::Answers(test_.loop(), *verifier_, question, addresses);
  std::optional<std::string> first;
  test_.loop().Spawn([](const LineSource& source, std::optional<std::string>& out) -> boost::asio::awaitable<void> {
    out = co_await source();
  }(answers, first));
  test_.Advance(absl::Seconds(10));
  EXPECT_TRUE(first.has_value());
  EXPECT_LE(given, 2 * QuestionList::kMostUntaken + 2);
}

}  // namespace
}  // namespace verifyd
