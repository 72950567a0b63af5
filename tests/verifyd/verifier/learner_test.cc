#include "verifyd/verifier/learner.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"
#include "tests/test_loop.h"
#include "verifyd/verifier/held.h"

namespace verifyd {
namespace {

class LearnerTest : public testing::Test {
 protected:
  LearnerTest() { Use(LearnerSettings()); }

  void Use(LearnerSettings settings) {
    learner_.Configure(std::make_shared<const LearnerSettings>(std::move(settings)));
  }

  ProbeOutcome Found(Reason reason, int code, const std::string& text) {
    ProbeOutcome outcome;
    outcome.finding = ToFinding(ClassificationOf(reason, "test"), Stage::kRcpt, text, test_.clock().Now());
    outcome.finding.code = code;
    outcome.destination = "mx.example.com";
    return outcome;
  }

  static Held Nothing() {
    Held held;
    held.record_read = held.domain_read = true;
    return held;
  }

  Learned Learn(const ProbeOutcome& outcome, Held held = Nothing()) {
    return learner_.Learn(request_, outcome, std::move(held));
  }

  TestLoop test_;
  Learner learner_{test_.clock(), /*hides_addresses=*/false};
  const ProbeRequest request_ = {.address = *Address::Parse("joe@example.com")};
};

TEST_F(LearnerTest, ARefusalIsWrittenAndThatItsDomainIsAlive) {
  const Learned learned = Learn(Found(Reason::kNoSuchUser, 550, "550 5.1.1 User unknown"));
  EXPECT_TRUE(learned.record_changed);
  ASSERT_TRUE(learned.held.record.has_value());
  EXPECT_EQ(learned.held.record->finding.reason, Reason::kNoSuchUser);
  EXPECT_TRUE(learned.held.live());
  EXPECT_TRUE(learned.domain_changed);
  ASSERT_TRUE(learned.held.domain.has_value());
  EXPECT_EQ(learned.held.domain->alive, test_.clock().Now());
  EXPECT_FALSE(learned.wants_probe.has_value());
}

TEST_F(LearnerTest, WhatIsKnownToBeAliveIsNotWrittenAgain) {
  Learned learned = Learn(Found(Reason::kNoSuchUser, 550, "550 5.1.1 User unknown"));
  EXPECT_FALSE(Learn(Found(Reason::kNoSuchUser, 550, "550 5.1.1 User unknown"), learned.held).domain_changed);
}

TEST_F(LearnerTest, AServerThatPromisesToThinkAgainIsToBeAskedWhenItSays) {
  const Learned learned = Learn(Found(Reason::kGreylisted, 450, "450 4.2.0 Greylisted, try again in 60 seconds"));
  ASSERT_TRUE(learned.wants_probe.has_value());
  EXPECT_GE(*learned.wants_probe, test_.clock().Now() + absl::Seconds(60));
  EXPECT_LE(*learned.wants_probe, test_.clock().Now() + absl::Seconds(80));
  EXPECT_EQ(learned.held.record->next_probe, *learned.wants_probe);
}

TEST_F(LearnerTest, WhereNegativesAreNotKeptWhatIsHeldIsDeleted) {
  LearnerSettings settings;
  settings.negative_cache = false;
  Use(settings);
  Held held = Nothing();
  held.record.emplace();
  const Learned learned = Learn(Found(Reason::kNoSuchUser, 550, "550 5.1.1 User unknown"), std::move(held));
  EXPECT_TRUE(learned.record_changed);
  EXPECT_FALSE(learned.held.record.has_value());
  EXPECT_EQ(learned.finding.reason, Reason::kNoSuchUser);
}

TEST_F(LearnerTest, WhatIsSaidOfAnAddressIsHiddenWhereAddressesAre) {
  Learner hiding(test_.clock(), /*hides_addresses=*/true);
  hiding.Configure(std::make_shared<const LearnerSettings>());
  const Learned learned =
      hiding.Learn(request_, Found(Reason::kNoSuchUser, 550, "550 5.1.1 <joe@example.com>: User unknown"), Nothing());
  EXPECT_EQ(learned.held.record->finding.text, "550 5.1.1 <*@example.com>: User unknown");
}

TEST_F(LearnerTest, AProbeThatIsForgoneIsPlannedForLaterAndWhatWasNotPlannedIsLeftAlone) {
  const Held held = Learn(Found(Reason::kGreylisted, 450, "450 4.2.0 Greylisted, try again in 60 seconds")).held;
  const Learned forgone = learner_.Forgo(held, absl::Hours(1));
  EXPECT_TRUE(forgone.record_changed);
  EXPECT_EQ(forgone.held.record->next_probe, test_.clock().Now() + absl::Hours(1));
  EXPECT_FALSE(learner_.Forgo(forgone.held, absl::InfiniteDuration()).held.record->on_agenda());
  const Held unplanned = Learn(Found(Reason::kNoSuchUser, 550, "550 5.1.1 User unknown")).held;
  EXPECT_FALSE(learner_.Forgo(unplanned, absl::Hours(1)).record_changed);
}

TEST_F(LearnerTest, ByTheRuleOfVerifyAProbeThatAskedNobodyIsForgottenButAHoldOnlyPutsOffWhatIsPlanned) {
  const Held held = Learn(Found(Reason::kGreylisted, 450, "450 4.2.0 Greylisted, try again in 60 seconds")).held;
  EXPECT_EQ(learner_.ForgetProbe(held, absl::Hours(1)).held.record->next_probe, test_.clock().Now() + absl::Hours(1));
  LearnerSettings settings;
  settings.postfix_policy = true;
  Use(settings);
  EXPECT_EQ(learner_.Forgo(held, absl::Hours(1)).held.record->next_probe, test_.clock().Now() + absl::Hours(1));
  EXPECT_EQ(learner_.ForgetProbe(held, absl::Hours(1)).held.record->next_probe, absl::InfiniteFuture());
  Held begun = Nothing();
  begun.record.emplace();  // of a probe that has found nothing yet
  const Learned forgotten = learner_.ForgetProbe(begun, absl::Hours(1));
  EXPECT_TRUE(forgotten.record_changed);
  EXPECT_FALSE(forgotten.held.record.has_value());
}

TEST_F(LearnerTest, AReportThatIsOlderThanWhatIsHeldChangesNothing) {
  const Held held = Learn(Found(Reason::kAccepted, 250, "250 Ok")).held;
  ProbeOutcome report = Found(Reason::kNoSuchUser, 550, "550 5.1.1 User unknown");
  report.finding.when -= absl::Hours(1);
  EXPECT_EQ(learner_.WeighReport(report.finding, held), Imported::kOlder);
  EXPECT_FALSE(learner_.LearnReport(report, AskCatchAll::kNo, held).record_changed);
  EXPECT_EQ(learner_.WeighReport(report.finding, Nothing()), Imported::kTaken);
  EXPECT_TRUE(learner_.LearnReport(report, AskCatchAll::kNo, Nothing()).record_changed);
}

}  // namespace
}  // namespace verifyd
