#include "verifyd/verifier/memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/cache.h"
#include "cache/record.h"
#include "mail/address.h"
#include "mail/destination_state.h"
#include "mail/question.h"
#include "mail/verdict.h"
#include "tables/transport_table.h"
#include "tests/probe/probe_world.h"
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

class RememberedDestinationsTest : public testing::Test {
 protected:
  RememberedDestinationsTest() {
    world_.settings.transport_maps.push_back(TransportTable::Parse("t", "ours.example smtp:isp.example\n").value());
    world_.Configure();
    for (const char* const domain : {"isp.example", "evil.example"}) {
      world_.resolver.SetMx(domain, {{0, "isp.example"}});
    }
    world_.resolver.SetAddresses("isp.example", {"11.0.0.1"});
    world_.dialer.Play("11.0.0.1", "");
  }
  absl::Time now() { return world_.test.clock().Now(); }

  ProbeWorld world_;
  std::unique_ptr<Cache> cache_ = Cache::Open(world_.test.loop(), CacheSettings());
};

TEST_F(RememberedDestinationsTest, AHoldOfARouteThatWasCalledLikeAnExchangeStillHolds) {
  cache_->PutDestinationState({.name = "isp.example", .held_until = now() + absl::Hours(1)});
  RememberDestinations(*cache_, world_.prober);
  EXPECT_EQ(world_.Probe("joe@ours.example").finding.rule, "hold");
}

TEST_F(RememberedDestinationsTest, AHostileExchangeOfThatNameHasNoPartInTheRoute) {
  RememberDestinations(*cache_, world_.prober);
  EXPECT_EQ(world_.Probe("joe@ours.example").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.Probe("joe@evil.example").destination, "isp.example");
  world_.prober.Hold("isp.example", now() + absl::Hours(1));
  EXPECT_EQ(world_.Probe("jane@evil.example").finding.rule, "hold");
  EXPECT_EQ(world_.Probe("jane@ours.example").finding.reason, Reason::kAccepted);
}

TEST_F(RememberedDestinationsTest, WhatTheProberReportsLeavesADoubtAndTheOperatorsNoteAsTheyStand) {
  const Trust doubted = {.doubt = Doubt::kManyRefused, .doubted_since = now(), .why = "many"};
  RememberDestinations(*cache_, world_.prober);
  world_.dialer.PlayOnly("11.0.0.1", "mail=450 4.7.0 Too many connections from your host, slow down");
  world_.Probe("joe@evil.example");
  cache_->PutDestinationState({.name = "isp.example", .held_why = "disks", .trust = doubted});
  cache_->PutDomainBreaker({.destination = "isp.example", .domain = "evil.example", .trust = doubted});
  world_.prober.Reset("isp.example");
  world_.test.RunUntilIdle();
  const std::optional<DestinationState> state = cache_->FindDestinationState("isp.example");
  EXPECT_EQ(state.value().trust, doubted);
  EXPECT_EQ(state->held_why, "disks");
  EXPECT_EQ(cache_->FindDomainBreaker("isp.example", "evil.example").value().trust, doubted);
}

TEST_F(RememberedDestinationsTest, ADomainThatIsLeftAloneStaysSoOverARestart) {
  cache_->PutDomainBreaker(
      {.destination = "isp.example",
       .domain = "evil.example",
       .breaker = {
           .open_until = now() + absl::Hours(1), .open_reason = Reason::kRateLimited, .back_off = absl::Hours(1)}});
  RememberDestinations(*cache_, world_.prober);
  EXPECT_EQ(world_.Probe("joe@evil.example").finding.rule, "breaker");
  EXPECT_EQ(world_.Probe("joe@isp.example").finding.reason, Reason::kAccepted);
}

}  // namespace
}  // namespace verifyd
