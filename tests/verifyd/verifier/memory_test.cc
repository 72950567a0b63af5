#include "verifyd/verifier/memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/record.h"
#include "mail/address.h"
#include "mail/question.h"
#include "mail/verdict.h"
#include "tests/verifyd/rooms_test.h"

namespace verifyd {
namespace {

class MemoryTest : public RoomsTest {
 protected:
  MemoryTest() { Use({}); }

  void Use(std::vector<std::pair<std::string, std::string>> settings) {
    settings.emplace_back("verify_domains", "example.com, example.net");
    memory_.Configure(ConfigureRooms(settings).verifier);
  }

  absl::Time now() { return test_.clock().Now(); }

  Finding Found(Deliverability deliverability, Reason reason, absl::Duration ago) {
    Finding finding;
    finding.deliverability = deliverability;
    finding.reason = reason;
    finding.when = now() - ago;
    return finding;
  }

  void Hold(absl::string_view key, Deliverability deliverability, Reason reason, absl::Duration ago) {
    cache_->PutRecord(std::string(key), {.finding = Found(deliverability, reason, ago), .first_seen = now() - ago});
  }

  // What memory answers; the verifier, which has it, says the same.
  Verdict Recall(absl::string_view address) {
    Question question;
    question.address = *Address::Parse(address);
    question.memory_only = true;
    Verdict verdict = memory_.Recall(question);
    const std::optional<Verdict> of_verifier = verifier_.Recall(question);
    EXPECT_TRUE(of_verifier.has_value());
    if (of_verifier.has_value()) {
      EXPECT_EQ(of_verifier->state, verdict.state) << address;
      EXPECT_EQ(of_verifier->source, verdict.source) << address;
      EXPECT_EQ(of_verifier->finding.text, verdict.finding.text) << address;
      EXPECT_EQ(of_verifier->deliverability(), verdict.deliverability()) << address;
    }
    return verdict;
  }

  Memory memory_{test_.clock(), *cache_};
};

TEST_F(MemoryTest, WhatNothingIsHeldOfIsNotKnown) {
  EXPECT_EQ(Recall("joe@example.com").state, VerdictState::kNotCached);
  EXPECT_EQ(resolver_.asked(), 0U);
}

TEST_F(MemoryTest, ARecordAnswersUntilItExpires) {
  Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(1));
  EXPECT_EQ(Recall("joe@example.com").deliverability(), Deliverability::kDeliverable);
  EXPECT_EQ(Recall("joe@example.com").age, absl::Hours(1));
  test_.Advance(absl::Hours(24 * 400));
  EXPECT_EQ(Recall("joe@example.com").state, VerdictState::kNotCached);
}

TEST_F(MemoryTest, TheDomainAnswersForAnAddressOfWhichNothingIsHeld) {
  DomainFact fact;
  fact.domain = "example.net";
  fact.finding = Found(Deliverability::kUndeliverable, Reason::kNoSuchDomain, absl::Minutes(1));
  fact.finding.scope = Scope::kDomain;
  cache_->PutDomainFact(fact);
  EXPECT_EQ(Recall("joe@example.net").source, VerdictSource::kDomainFact);
  Hold("joe@example.net", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(1));
  EXPECT_EQ(Recall("joe@example.net").source, VerdictSource::kRecord);
}

TEST_F(MemoryTest, TheOperatorsWordOverrulesWhatWasFoundOut) {
  Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(1));
  cache_->PutPin("joe@example.com", {.deliverability = Deliverability::kUndeliverable,
                                     .set_at = now(),
                                     .until = absl::InfiniteFuture(),
                                     .why = "left",
                                     .tell = true});
  EXPECT_EQ(Recall("joe@example.com").deliverability(), Deliverability::kUndeliverable);
  EXPECT_EQ(Recall("joe@example.com").finding.text, "left");
}

TEST_F(MemoryTest, OnHoldWhatIsKnownStaysAndTheRestIsDeferred) {
  Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(1));
  cache_->PutPin(Pin::HoldKey("example.com"), {.until = absl::InfiniteFuture()});
  EXPECT_EQ(Recall("joe@example.com").deliverability(), Deliverability::kDeliverable);
  EXPECT_EQ(Recall("new@example.com").source, VerdictSource::kPin);
  EXPECT_EQ(Recall("new@example.com").deliverability(), Deliverability::kUnknown);
}

TEST_F(MemoryTest, ADomainThatIsNotVerifiedHasNoAnswerWhateverIsHeld) {
  Hold("joe@example.org", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(1));
  EXPECT_EQ(Recall("joe@example.org").state, VerdictState::kNotVerifiable);
}

TEST_F(MemoryTest, ByPostfixRuleTheRecordAloneAnswers) {
  Use({{"address_verify_verdict_policy", "postfix"}});
  Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(1));
  EXPECT_EQ(Recall("joe@example.com").source, VerdictSource::kRecord);
  EXPECT_EQ(Recall("new@example.com").state, VerdictState::kNotCached);
}

}  // namespace
}  // namespace verifyd
