// Doubts, one answer at a time. Whole conversations: tests/scenario/plays.
#include "verifyd/verifier/guard.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "cache/cache.h"
#include "classifier/classifier.h"
#include "probe/probe_settings.h"
#include "probe/prober.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

constexpr char kShared[] = "mx.shared.example";

class GuardTest : public testing::Test {
 protected:
  using Before = Guard::Before;

  // What is believed of the address, that the server refuses or accepts.
  Reason Judge(absl::string_view address, bool refused, Before before) {
    ProbeRequest request;
    request.address = *Address::Parse(address);
    request.deadline = test_.clock().Mono() + absl::Seconds(100);
    return test_.Run(guard_->Judge(std::move(request), Outcome(refused), before)).reason;
  }
  ProbeOutcome Outcome(bool refused) {
    ProbeOutcome outcome;
    outcome.destination = destination_;
    outcome.configured_route = configured_;
    outcome.finding = ToFinding(ClassificationOf(refused ? Reason::kNoSuchUser : Reason::kAccepted, "test"),
                                Stage::kRcpt, "as it said", test_.clock().Now());
    outcome.finding.code = refused ? 550 : 250;
    return outcome;
  }
  Reason Refuse(absl::string_view address, Before before = Before::kPositive) { return Judge(address, true, before); }
  void Accept(absl::string_view address, Before before = Before::kPositive) {
    EXPECT_EQ(Judge(address, false, before), Reason::kAccepted);
  }
  void RefuseThreeOf(absl::string_view domain) {
    for (const char* user : {"a", "b", "c"}) Refuse(absl::StrCat(user, "@", domain));
  }
  // Whether what is refused there is believed; nobody has heard of the address before.
  bool Believes(absl::string_view domain) {
    return Refuse(absl::StrCat("nobody@", domain), Before::kNothing) == Reason::kNoSuchUser;
  }

  std::string destination_ = kShared;
  bool configured_ = false;
  CapturedLog log_;
  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  ScriptedDialer dialer_{test_.loop()};
  Prober prober_{test_.loop(), resolver_, {{test_.loop(), dialer_}}};
  std::unique_ptr<Cache> cache_ = Cache::Open(test_.loop(), CacheSettings());
  std::optional<Guard> guard_{std::in_place, test_.loop(), *cache_, prober_};
};

TEST_F(GuardTest, ThreeKnownUsersOfADomainWhoAreRefusedPutItInDoubt) {
  Refuse("a@one.example");
  Refuse("b@one.example");
  EXPECT_TRUE(Believes("one.example"));
  EXPECT_EQ(Refuse("c@one.example"), Reason::kDestinationDoubted);
  EXPECT_FALSE(Believes("one.example"));
  EXPECT_TRUE(log_.Contains("ALARM: domain one.example at mx.shared.example is not believed"));
}

TEST_F(GuardTest, OneUserWhoIsAskedAboutAgainAndAgainIsOneUser) {
  for (int i = 0; i < 10; ++i) Refuse("a@one.example", i == 0 ? Before::kPositive : Before::kContradicted);
  Refuse("b@one.example");
  EXPECT_TRUE(Believes("one.example"));
  EXPECT_FALSE(log_.Contains("ALARM"));
}

TEST_F(GuardTest, TheLatestAnswerAboutAUserCounts) {
  Refuse("a@one.example");
  Accept("a@one.example", Before::kContradicted);
  Refuse("b@one.example");
  Refuse("c@one.example");
  EXPECT_TRUE(Believes("one.example"));
}

TEST_F(GuardTest, UsersWhoAreNotKnownAreNotCounted) {
  for (int i = 0; i < 20; ++i) Refuse(absl::StrCat("x", i, "@one.example"), Before::kNothing);
  EXPECT_TRUE(Believes("one.example"));
}

TEST_F(GuardTest, BelowAThirdOfTheKnownAndBeyondAnHourThereIsNoDoubt) {
  for (int i = 0; i < 8; ++i) Accept(absl::StrCat("u", i, "@one.example"));
  RefuseThreeOf("one.example");
  EXPECT_TRUE(Believes("one.example"));
  test_.Advance(absl::Minutes(61));
  Refuse("d@one.example");
  Refuse("e@one.example");
  EXPECT_TRUE(Believes("one.example"));
}

TEST_F(GuardTest, ATenantWhoRemovesMailboxesStopsOnlyHisOwnRefusals) {
  RefuseThreeOf("one.example");
  EXPECT_FALSE(Believes("one.example"));
  EXPECT_TRUE(Believes("two.example"));
}

TEST_F(GuardTest, ManyOfSeveralDomainsPutTheWholeDestinationInDoubt) {
  RefuseThreeOf("one.example");
  Refuse("a@two.example");
  EXPECT_FALSE(Believes("two.example"));
  EXPECT_FALSE(Believes("three.example"));
  EXPECT_TRUE(log_.Contains("ALARM: destination mx.shared.example is not believed"));
}

TEST_F(GuardTest, FewOfSeveralDomainsAmongManyWhoAreAcceptedDoNot) {
  for (int i = 0; i < 20; ++i) Accept(absl::StrCat("u", i, "@two.example"));
  RefuseThreeOf("one.example");
  Refuse("a@two.example");
  EXPECT_FALSE(Believes("one.example"));
  EXPECT_TRUE(Believes("two.example"));
}

TEST_F(GuardTest, ADoubtEndsWhenOneOfTheRefusedIsAcceptedAgain) {
  RefuseThreeOf("one.example");
  Accept("a@one.example", Before::kContradicted);
  EXPECT_TRUE(Believes("one.example"));
}

TEST_F(GuardTest, ADoubtEndsWhenOthersAreAcceptedAgainAndAgain) {
  RefuseThreeOf("one.example");
  // Hours apart, and new: nobody in a small domain is asked about often.
  for (int i = 0; i < 7; ++i) {
    test_.Advance(absl::Hours(2));
    Accept(absl::StrCat("u", i, "@one.example"), Before::kNothing);
    EXPECT_FALSE(Believes("one.example")) << i;
  }
  Accept("u7@one.example", Before::kNothing);
  EXPECT_TRUE(Believes("one.example"));
  EXPECT_TRUE(log_.Contains("domain one.example at mx.shared.example is believed again"));
  // They were removed: they raise no other alarm.
  for (const char* user : {"a", "b", "c"}) {
    EXPECT_EQ(Refuse(absl::StrCat(user, "@one.example"), Before::kContradicted), Reason::kNoSuchUser);
  }
}

TEST_F(GuardTest, OneUserWhoIsAcceptedAgainAndAgainEndsNoDoubt) {
  RefuseThreeOf("one.example");
  for (int i = 0; i < 20; ++i) Accept("u@one.example");
  EXPECT_FALSE(Believes("one.example"));
}

TEST_F(GuardTest, AcceptedUsersOfOtherDomainsEndNoDoubtOfADomain) {
  RefuseThreeOf("one.example");
  for (int i = 0; i < 20; ++i) Accept(absl::StrCat("u", i, "@two.example"));
  EXPECT_FALSE(Believes("one.example"));
}

TEST_F(GuardTest, ADoubtOfADestinationEndsByItselfAndThatOfItsDomainsStays) {
  RefuseThreeOf("one.example");
  Refuse("a@two.example");
  for (int i = 0; i < 12; ++i) Accept(absl::StrCat("u", i, "@two.example"));
  EXPECT_TRUE(Believes("two.example"));
  EXPECT_FALSE(Believes("one.example"));
}

TEST_F(GuardTest, TrustEndsTheDoubtAndThoseWhoWereRefusedRaiseNoOther) {
  RefuseThreeOf("one.example");
  EXPECT_TRUE(guard_->EndDoubt({.destination = kShared, .domain = "one.example"}));
  EXPECT_TRUE(Believes("one.example"));
  RefuseThreeOf("one.example");
  EXPECT_TRUE(Believes("one.example"));
  for (const char* user : {"d", "e", "f"}) Refuse(absl::StrCat(user, "@one.example"));
  EXPECT_FALSE(Believes("one.example")) << "others are a new matter";
}

TEST_F(GuardTest, TrustInADestinationIsTrustInItsDomains) {
  RefuseThreeOf("one.example");
  Refuse("a@two.example");
  EXPECT_TRUE(guard_->EndDoubt({.destination = kShared}));
  EXPECT_TRUE(Believes("one.example"));
  EXPECT_TRUE(Believes("two.example"));
  EXPECT_FALSE(guard_->EndDoubt({.destination = "mx.nobody.example"}));
}

TEST_F(GuardTest, ADoubtOutlivesARestart) {
  RefuseThreeOf("one.example");
  guard_.emplace(test_.loop(), *cache_, prober_);
  EXPECT_FALSE(Believes("one.example"));
}

TEST_F(GuardTest, AStrangersManyDestinationsDoNotMakeTheCountBeginAnew) {
  Refuse("a@one.example");
  Refuse("b@one.example");
  for (size_t i = 0; i < Guard::kMaxWatched + 1000; ++i) {
    destination_ = absl::StrCat("mx", i, ".stranger.example");
    Refuse("a@stranger.example");
  }
  destination_ = kShared;
  Refuse("c@one.example");
  EXPECT_FALSE(Believes("one.example"));
}

TEST_F(GuardTest, ADomainWhoseNameIsTooLongToBeKeptIsNotDoubtedAndRaisesNoAlarm) {
  destination_ = absl::StrCat("mx.", std::string(430, 'x'));
  RefuseThreeOf("one.example.with.a.long.name.example");
  EXPECT_TRUE(Believes("one.example.with.a.long.name.example"));
  EXPECT_FALSE(log_.Contains("ALARM"));
}

TEST_F(GuardTest, OfABusyDestinationABoundedNumberOfUsersIsCounted) {
  for (int i = 0; i < 2000; ++i) {
    Accept(absl::StrCat("u", i, "@one.example"));
    test_.Advance(absl::Milliseconds(1));
  }
  for (int i = 0; i < 149; ++i) Refuse(absl::StrCat("gone", i, "@one.example"));
  EXPECT_TRUE(Believes("one.example")) << "of the latest 500";
  Refuse("gone@one.example");
  EXPECT_FALSE(Believes("one.example"));
}

// Canaries are asked about: one.example has a server that plays a script.
class CanaryTest : public GuardTest {
 protected:
  CanaryTest() {
    prober_.Configure(std::make_shared<const ProbeSettings>(), Classifier::BuiltIn());
    resolver_.SetMx("one.example", {{10, "mx.one.example"}});
    resolver_.SetAddresses("mx.one.example", {"11.0.0.1"});
    Server("rcpt=250 Ok");
  }
  void Server(const std::string& script) { dialer_.PlayOnly("11.0.0.1", script); }
  void SetCanary() {
    GuardSettings settings;
    settings.canaries.emplace("one.example", *Address::Parse("canary@one.example"));
    guard_->Configure(std::make_shared<const GuardSettings>(std::move(settings)));
  }
  size_t canaries_asked() const { return dialer_.connections().size(); }
};

TEST_F(CanaryTest, ARouteThatHasAcceptedNobodyIsBelievedOncePostmasterIsAccepted) {
  configured_ = true;
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kNoSuchUser);
  EXPECT_EQ(canaries_asked(), 1U);
  EXPECT_EQ(Refuse("ann@one.example", Before::kNothing), Reason::kNoSuchUser);
  EXPECT_EQ(canaries_asked(), 1U) << "it has accepted somebody";
  EXPECT_FALSE(log_.Contains("ALARM"));
}

TEST_F(CanaryTest, ARouteThatRefusesPostmasterTooIsDoubtedUntilItAcceptsAnybody) {
  configured_ = true;
  Server("rcpt=550 5.1.1 User unknown");
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kDestinationDoubted);
  EXPECT_TRUE(log_.Contains("it has never accepted anybody"));
  Accept("ann@one.example", Before::kNothing);
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kNoSuchUser);
}

TEST_F(CanaryTest, ACanaryThatIsRefusedPutsItsDestinationInDoubtAndOneThatIsAcceptedEndsThat) {
  SetCanary();
  Server("rcpt=550 5.1.1 User unknown");
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kDestinationDoubted);
  EXPECT_TRUE(log_.Contains("it refuses canary@one.example"));
  Server("rcpt=250 Ok");
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kDestinationDoubted) << "it was asked a moment ago";
  EXPECT_EQ(canaries_asked(), 1U);
  test_.Advance(Guard::kCanaryPause);
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kNoSuchUser);
  EXPECT_EQ(canaries_asked(), 2U);
}

TEST_F(CanaryTest, ACanaryThatDoesNotAnswerBeginsNoDoubt) {
  SetCanary();
  Server("rcpt=451 4.3.0 Try again later");
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kNoSuchUser);
  EXPECT_FALSE(log_.Contains("ALARM"));
}

TEST_F(CanaryTest, ACanaryWhoseProbeFailsInsideVerifydIsNotInTheAirForEver) {
  SetCanary();
  resolver_.set_broken(true);
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kNoSuchUser);
  resolver_.set_broken(false);
  test_.Advance(Guard::kCanaryPause);
  Server("rcpt=550 5.1.1 User unknown");
  EXPECT_EQ(Refuse("joe@one.example", Before::kNothing), Reason::kDestinationDoubted);
  EXPECT_EQ(canaries_asked(), 1U);
}

TEST_F(GuardTest, WhatAReportSaysIsNotBelievedOfARouteThatHasAcceptedNobodyNorDuringADoubt) {
  ProbeOutcome outcome = Outcome(/*refused=*/true);
  const Address joe = *Address::Parse("joe@one.example");
  EXPECT_TRUE(guard_->BelievesReport(joe, outcome));
  outcome.configured_route = true;
  EXPECT_FALSE(guard_->BelievesReport(joe, outcome));
  ProbeOutcome accepted = Outcome(/*refused=*/false);
  accepted.configured_route = true;
  EXPECT_TRUE(guard_->BelievesReport(joe, accepted));
  guard_->NoteReport(joe, accepted, Before::kNothing);
  EXPECT_TRUE(guard_->BelievesReport(joe, outcome));
  RefuseThreeOf("one.example");
  EXPECT_FALSE(guard_->BelievesReport(joe, outcome));
  EXPECT_TRUE(guard_->BelievesReport(*Address::Parse("joe@two.example"), outcome));
}

TEST_F(GuardTest, ReportsOfThisHourBeginADoubtAndOlderOnesDoNot) {
  for (const char* user : {"a@one.example", "b@one.example", "c@one.example"}) {
    ProbeOutcome old = Outcome(/*refused=*/true);
    old.finding.when -= absl::Hours(2);
    guard_->NoteReport(*Address::Parse(user), old, Before::kPositive);
  }
  EXPECT_TRUE(Believes("one.example"));
  for (const char* user : {"a@one.example", "b@one.example", "c@one.example"}) {
    guard_->NoteReport(*Address::Parse(user), Outcome(/*refused=*/true), Before::kPositive);
  }
  EXPECT_FALSE(Believes("one.example"));
}

}  // namespace
}  // namespace verifyd
