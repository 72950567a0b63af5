#include "probe/breaker_set.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "classifier/classifier.h"
#include "mail/address.h"
#include "probe/probe_job.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

constexpr char kMx[] = "mx.shared.example";

class BreakerSetTest : public testing::Test {
 protected:
  ProbeJob Job(absl::string_view address) {
    ProbeRequest request;
    request.address = *Address::Parse(address);
    Route route;
    route.destination = kMx;
    return ProbeJob(std::move(request), std::move(route), Dialogue(test_.clock(), /*wanted=*/false));
  }
  absl::Time now() { return test_.clock().Now(); }

  // Returns why a question about the address would not be asked now; kNone: it would be.
  Reason Closed(absl::string_view address) {
    ProbeJob job = Job(address);
    const std::optional<Finding> closed = breakers_.Pass(job, now());
    breakers_.EndTrials(job);
    return closed.has_value() ? closed->reason : Reason::kNone;
  }
  // Asks about the address, if it may be asked about, and hears this. `code` 0: nothing was said.
  void Ask(absl::string_view address, Reason reason, Stage stage, int code, const BreakerSet::Answered& answered = {}) {
    ProbeJob job = Job(address);
    if (breakers_.Pass(job, now()).has_value()) return;
    job.conversed = code != 0 && stage >= Stage::kRcpt;
    Finding finding = ToFinding(ClassificationOf(reason, "test"), stage, "as it said", now());
    finding.code = code;
    breakers_.Learn(job, finding, answered, now(), random_);
    breakers_.EndTrials(job);
  }
  void FailToConnect(absl::string_view address) { Ask(address, Reason::kConnectRefused, Stage::kConnect, 0); }
  void Accept(absl::string_view address) { Ask(address, Reason::kAccepted, Stage::kRcpt, 250); }
  void StaySilent(absl::string_view address, const BreakerSet::Answered& answered = {}) {
    Ask(address, Reason::kRcptTimeout, Stage::kRcpt, 0, answered);
  }

  TestLoop test_;
  std::mt19937_64 random_{7};
  std::optional<DestinationState> reported_;
  std::map<std::string, DomainBreaker> domains_;  // those that were reported
  StateObserver observer_ = {.destination = [this](const DestinationState& state) { reported_ = state; },
                             .domain = [this](const DomainBreaker& state) { domains_[state.domain] = state; }};
  BreakerSet breakers_{{.name = kMx}, observer_};
};

TEST_F(BreakerSetTest, AServerThatCanNotBeReachedIsLeftAloneForEveryDomain) {
  FailToConnect("a@one.example");
  FailToConnect("a@two.example");
  EXPECT_EQ(Closed("a@one.example"), Reason::kNone);
  FailToConnect("a@three.example");
  EXPECT_EQ(Closed("a@one.example"), Reason::kConnectRefused);
  EXPECT_EQ(Closed("a@four.example"), Reason::kConnectRefused);
  EXPECT_GT(reported_.value().breaker.open_until, now());
}

TEST_F(BreakerSetTest, WhatIsSaidOfOneTenantClosesHisDomainOnly) {
  Ask("a@one.example", Reason::kRateLimited, Stage::kMail, 450);
  EXPECT_EQ(Closed("b@one.example"), Reason::kRateLimited);
  EXPECT_EQ(Closed("a@two.example"), Reason::kNone);
  EXPECT_GT(domains_.at("one.example").breaker.open_until, now());
}

TEST_F(BreakerSetTest, ThreeDomainsThatAreLeftAloneMakeItTheDestinations) {
  Ask("a@one.example", Reason::kRateLimited, Stage::kMail, 450);
  Ask("a@two.example", Reason::kRateLimited, Stage::kMail, 450);
  EXPECT_EQ(Closed("a@four.example"), Reason::kNone);
  Ask("a@three.example", Reason::kRateLimited, Stage::kMail, 450);
  EXPECT_EQ(Closed("a@four.example"), Reason::kRateLimited);
}

TEST_F(BreakerSetTest, WordsAboutOurAddressCloseTheDestinationAtOnce) {
  Ask("a@one.example", Reason::kBlockedIp, Stage::kConnect, 554);
  EXPECT_EQ(Closed("a@one.example"), Reason::kBlockedIp);
  EXPECT_EQ(Closed("a@two.example"), Reason::kBlockedIp);
}

TEST_F(BreakerSetTest, OneAddressThatMeetsSilenceAgainAndAgainClosesNothing) {
  for (int i = 0; i < 10; ++i) StaySilent("a@one.example");
  EXPECT_EQ(Closed("b@one.example"), Reason::kNone);
}

TEST_F(BreakerSetTest, SilenceToDifferentAddressesClosesTheirDomainUnlessOthersThereAreAnswered) {
  for (const char* user : {"a", "b", "c", "d"}) {
    StaySilent(absl::StrCat(user, "@two.example"), {.of_domain = true, .anybody = true});
  }
  EXPECT_EQ(Closed("e@two.example"), Reason::kNone);
  for (const char* user : {"a", "b", "c"}) StaySilent(absl::StrCat(user, "@one.example"));
  EXPECT_EQ(Closed("d@one.example"), Reason::kRcptTimeout);
  EXPECT_EQ(Closed("a@two.example"), Reason::kNone);
}

TEST_F(BreakerSetTest, DomainsThatMeetSilenceDoNotCloseADestinationWhereSomebodyIsAnswered) {
  for (const char* domain : {"one.example", "two.example", "three.example", "four.example"}) {
    for (const char* user : {"a", "b", "c"}) {
      StaySilent(absl::StrCat(user, "@", domain), {.of_domain = false, .anybody = true});
    }
    EXPECT_EQ(Closed(absl::StrCat("d@", domain)), Reason::kRcptTimeout) << domain;
  }
  EXPECT_EQ(Closed("a@five.example"), Reason::kNone);
}

TEST_F(BreakerSetTest, AfterThePauseOneProbeTriesAndItsSuccessLetsAllIn) {
  for (const char* user : {"a", "b", "c"}) FailToConnect(absl::StrCat(user, "@one.example"));
  test_.Advance(absl::Minutes(2));
  ProbeJob trial = Job("a@one.example");
  EXPECT_FALSE(breakers_.Pass(trial, now()).has_value());
  EXPECT_TRUE(trial.tries_destination);
  EXPECT_EQ(Closed("b@one.example"), Reason::kConnectRefused) << "one at a time";
  trial.conversed = true;
  Finding finding = ToFinding(ClassificationOf(Reason::kNoSuchUser, "test"), Stage::kRcpt, "550", now());
  finding.code = 550;
  breakers_.Learn(trial, finding, {}, now(), random_);
  breakers_.EndTrials(trial);
  EXPECT_EQ(Closed("b@one.example"), Reason::kNone);
  EXPECT_EQ(reported_.value().breaker.failures, 0U);
}

TEST_F(BreakerSetTest, ATroubleOfOursIsNobodysFault) {
  for (int i = 0; i < 10; ++i) Ask("a@one.example", Reason::kLocalError, Stage::kConnect, 0);
  EXPECT_EQ(Closed("a@one.example"), Reason::kNone);
  EXPECT_FALSE(reported_.has_value());
  EXPECT_TRUE(domains_.empty());
}

TEST_F(BreakerSetTest, AHeldDestinationIsClosedToAllUntilTheHoldEnds) {
  breakers_.Hold(now() + absl::Hours(1));
  ProbeJob job = Job("a@one.example");
  const std::optional<Finding> closed = breakers_.Pass(job, now());
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->rule, kHoldRule);
  EXPECT_TRUE(job.on_hold);
  EXPECT_FALSE(breakers_.blank(now()));
  test_.Advance(absl::Hours(1));
  EXPECT_EQ(Closed("a@one.example"), Reason::kNone);
  EXPECT_EQ(reported_.value().held_until, now());
}

TEST_F(BreakerSetTest, AResetForgetsWhatSpeaksAgainstItAndItsDomainsAndNotTheHold) {
  Ask("a@one.example", Reason::kRateLimited, Stage::kMail, 450);
  Ask("a@two.example", Reason::kBlockedIp, Stage::kConnect, 554);
  breakers_.Hold(now() + absl::Hours(1));
  breakers_.Reset();
  EXPECT_GT(reported_.value().held_until, now());
  EXPECT_EQ(domains_.at("one.example").breaker.open_until, absl::InfinitePast());
  breakers_.Hold(absl::InfinitePast());
  EXPECT_EQ(Closed("a@one.example"), Reason::kNone);
  EXPECT_EQ(Closed("a@two.example"), Reason::kNone);
}

TEST_F(BreakerSetTest, WhatAnEarlierRunKnewOfADomainStillCounts) {
  breakers_.RestoreDomain(
      {.destination = kMx,
       .domain = "one.example",
       .breaker = {
           .open_until = now() + absl::Hours(1), .open_reason = Reason::kBlockedPolicy, .back_off = absl::Hours(1)}});
  EXPECT_EQ(Closed("a@one.example"), Reason::kBlockedPolicy);
  EXPECT_EQ(Closed("a@two.example"), Reason::kNone);
}

TEST_F(BreakerSetTest, ADomainThatIsAnsweredAgainIsForgotten) {
  Ask("a@one.example", Reason::kSenderRejected, Stage::kMail, 550);
  EXPECT_FALSE(breakers_.blank(now()));
  Accept("b@one.example");
  EXPECT_TRUE(breakers_.blank(now()));
  EXPECT_EQ(domains_.at("one.example").breaker.failures, 0U);
}

TEST_F(BreakerSetTest, TheDomainsOfOneDestinationAreBoundedInNumber) {
  for (int i = 0; i < 1500; ++i) {
    // Each has one refusal, which may have to do with the one address.
    Ask(absl::StrCat("a@n", i, ".example"), Reason::kSenderRejected, Stage::kMail, 550);
  }
  EXPECT_LE(domains_.size(), 1000U);
  EXPECT_EQ(Closed("a@n1400.example"), Reason::kNone);
}

}  // namespace
}  // namespace verifyd
