// The operator's word: who is told it, and which spellings of an address it is about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "cache/cache.h"
#include "mail/destination_state.h"
#include "tests/verifyctl/verifyctl_test.h"
#include "verifyctl/exit_code.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OperatorWordTest : public VerifyctlWithDaemonTest {};

TEST_F(OperatorWordTest, TheWhyOfAHoldWasToldToClients) {
  EXPECT_EQ(Run({"hold", "@example.com", "--why", "customer has not paid"}), 0);
  EXPECT_EQ(out_, "@example.com: on hold (customer has not paid)\n");
  EXPECT_EQ(Run({"query", "new@example.com"}), kExitUnknown);
  EXPECT_THAT(out_, HasSubstr("text      verification of example.com is on hold\n"));
  EXPECT_EQ(Run({"pins"}), 0);
  EXPECT_EQ(out_, "@example.com: on hold (customer has not paid)\n");
  EXPECT_EQ(Run({"hold", "@example.com", "--why", "moving", "--tell"}), 0);
  EXPECT_EQ(out_, "@example.com: on hold (moving; clients are told)\n");
  EXPECT_EQ(Run({"query", "new@example.com"}), kExitUnknown);
  EXPECT_THAT(out_, HasSubstr("text      verification of example.com is on hold: moving\n"));
  EXPECT_EQ(Run({"hold", "@example.com", "--tell"}), kExitUsage) << "there is nothing to tell";
}

TEST_F(OperatorWordTest, TheWhyOfAPinWasToldToClients) {
  EXPECT_EQ(Run({"set", "joe@example.com", "undeliverable", "--why", "left after a dispute"}), 0);
  EXPECT_EQ(Run({"query", "joe@example.com"}), kExitUndeliverable);
  EXPECT_THAT(out_, HasSubstr("text      set by the operator\n"));
  EXPECT_EQ(Run({"show", "joe@example.com"}), 0);
  EXPECT_THAT(out_, HasSubstr("why                   left after a dispute\n"));
  EXPECT_EQ(Run({"set", "joe@example.com", "undeliverable", "--tell", "--why", "write to info@"}), 0);
  EXPECT_EQ(Run({"query", "joe@example.com"}), kExitUndeliverable);
  EXPECT_THAT(out_, HasSubstr("text      write to info@\n"));
}

TEST_F(OperatorWordTest, AHoldOfADestinationIsAmongThePinsAndSeenAtOnce) {
  loop_.Post([this] {
    DestinationState state;
    state.name = "mx.example.com";
    world_.cache().PutDestinationState(state);
  });
  EXPECT_EQ(Run({"hold", "mx.example.com", "--for", "2h", "--why", "disks"}), 0);
  EXPECT_EQ(Run({"destinations", "mx.example.com"}), 0);
  EXPECT_THAT(out_, StartsWith("mx.example.com: believed, on hold\n"));
  EXPECT_THAT(out_, HasSubstr("on hold because       disks\n"));
  EXPECT_EQ(Run({"pins"}), 0);
  EXPECT_THAT(out_, StartsWith("mx.example.com: on hold until "));
  EXPECT_THAT(out_, HasSubstr(" (disks)\n"));
  EXPECT_EQ(Run({"release", "mx.example.com"}), 0);
  EXPECT_EQ(Run({"destinations"}), 0);
  EXPECT_THAT(out_, StartsWith("mx.example.com: believed\n"));
  EXPECT_THAT(out_, Not(HasSubstr("disks")));
  EXPECT_EQ(Run({"pins"}), 0);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(Run({"hold", "mx.example.com", "--why", "disks", "--tell"}), kExitBadAddress);
}

TEST_F(OperatorWordTest, APinHoldsForEverySpelling) {
  EXPECT_EQ(Run({"set", "Joe.Smith@example.com", "deliverable"}), 0);
  EXPECT_EQ(out_, "joe.smith@example.com: deliverable\n");
  EXPECT_EQ(Run({"query", "joe.smith@example.com", "JOE.Smith@example.com"}), kExitDeliverable);
  EXPECT_EQ(Run({"set", "joe.smith@example.com", "undeliverable"}), 0);
  EXPECT_EQ(Run({"query", "Joe.Smith@example.com"}), kExitUndeliverable);
  EXPECT_EQ(Run({"unset", "joe.SMITH@example.com"}), 0);
  EXPECT_EQ(Run({"pins"}), 0);
  EXPECT_EQ(out_, "");
}

TEST_F(OperatorWordTest, DeleteFoundNothingWhileAnotherSpellingWasRefused) {
  loop_.Post([this] {
    for (const char* key : {"Jane@example.com", "JANE@example.com", "jan@example.com", "janet@example.com"}) {
      world_.Hold(key, Deliverability::kUndeliverable, Reason::kNoSuchUser, absl::Minutes(5));
    }
  });
  EXPECT_EQ(Run({"query", "jane@example.com"}), kExitUndeliverable);
  EXPECT_THAT(out_, StartsWith("JANE@example.com: undeliverable\n"));
  EXPECT_THAT(out_, HasSubstr("Jane@example.com: undeliverable\n"));
  EXPECT_EQ(Run({"show", "jane@example.com"}), 0);
  EXPECT_THAT(out_, StartsWith("JANE@example.com: undeliverable\n    asked for             jane@example.com\n"));
  EXPECT_EQ(Run({"history", "jane@example.com"}), 0);
  EXPECT_THAT(out_, HasSubstr("Jane@example.com\n    asked for             jane@example.com\n"));
  EXPECT_EQ(Run({"delete", "jane@example.com"}), 0);
  EXPECT_EQ(out_, "jane@example.com: deleted its record, also as JANE@example.com, Jane@example.com\n");
  EXPECT_EQ(Run({"query", "Jane@example.com"}), kExitNotCached);
  EXPECT_EQ(Run({"query", "jan@example.com", "janet@example.com"}), kExitUndeliverable);
}

TEST_F(OperatorWordTest, WhatIsAskedOfTheServerKeepsItsCase) {
  EXPECT_EQ(Run({"verify", "--trace", "Ann@example.com"}), kExitDeliverable);
  EXPECT_THAT(out_, HasSubstr(" > RCPT TO:<Ann@example.com>\n"));
}

TEST_F(OperatorWordTest, WhereEverybodyIsAcceptedTheStatusIsRiskyEverywhere) {
  loop_.Post([this] {
    world_.Hold("any@catchall.example", Deliverability::kDeliverable, Reason::kCatchAll, absl::Minutes(5));
  });
  EXPECT_EQ(Run({"query", "any@catchall.example"}), kExitRisky);
  EXPECT_EQ(Run({"show", "any@catchall.example"}), 0);
  EXPECT_THAT(out_, HasSubstr("    status                risky\n"));
  EXPECT_THAT(out_, Not(HasSubstr("    status                deliverable\n")));
  EXPECT_EQ(Run({"list", "--status", "risky"}), 0);
  EXPECT_THAT(out_, HasSubstr("any@catchall.example "));
  EXPECT_EQ(Run({"export", "--status", "deliverable", "--format", "csv"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("any@catchall.example")));
  for (const char* format : {"jsonl", "csv"}) {
    EXPECT_EQ(Run({"export", "--status", "risky", "--format", format}), 0);
    const std::string exported = out_;
    EXPECT_THAT(exported, HasSubstr("risky"));
    EXPECT_EQ(Run({"delete", "any@catchall.example"}), 0);
    EXPECT_EQ(Run({"import", "-"}, exported), 0) << err_;
    EXPECT_EQ(Run({"export", "--domain", "catchall.example", "--format", "csv"}), 0);
    EXPECT_THAT(out_, HasSubstr("any@catchall.example,risky,catch_all,"));
    // One refusal still does not overturn it.
    std::optional<Record> record;
    Signalled([&] { record = world_.cache().FindRecord("any@catchall.example"); });
    EXPECT_EQ(record->finding.deliverability, Deliverability::kDeliverable) << format;
  }
}

TEST_F(OperatorWordTest, ShowOfAnAddressThatNothingIsHeldOfExitedWith0) {
  loop_.Post([this] {
    DomainFact fact;
    fact.domain = "example.com";
    fact.alive = Clock::Real().Now();
    world_.cache().PutDomainFact(fact);
  });
  EXPECT_EQ(Run({"show", "new@example.com"}), kExitNotCached);
  EXPECT_THAT(out_, StartsWith("new@example.com: not cached\n"));
  EXPECT_EQ(Run({"show", "joe@example.com"}), 0);
}

}  // namespace
}  // namespace verifyd
