// Every reason that a rule gives acts as its row in the table says: a server says the rule's own example, and the
// client is answered as the row wants it, or a little more kindly.
#include "classifier/reason.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "classifier/classifier.h"
#include "mail/address.h"
#include "mail/event.h"
#include "tests/scenario/scenario.h"

namespace verifyd {
namespace {

// Returns for each reason the first example of a rule that can be played as a single line.
std::map<Reason, std::pair<Stage, std::string>> Examples() {
  std::map<Reason, std::pair<Stage, std::string>> examples;
  const Address joe = Address::Parse("joe@example.com").value();
  for (const Rule& rule : Classifier::BuiltIn()->rules()) {
    for (const RuleExample& example : rule.examples) {
      const bool plain = example.must_match && example.mx_name.empty() && example.reply.lines.size() == 1 &&
                         (example.stage == Stage::kRcpt || example.stage == Stage::kMail);
      const Classification meaning =
          Classifier::BuiltIn()->Classify(example.stage, example.reply, "", Marks{.recipient = &joe});
      if (!plain || meaning.reason == Reason::kNone || examples.contains(meaning.reason)) continue;
      examples[meaning.reason] = {example.stage, example.reply.ToLine()};
    }
  }
  return examples;
}

TEST(ReasonScenarioTest, WhatARuleFindsIsAnsweredAsItsRowSays) {
  const auto examples = Examples();
  EXPECT_GE(examples.size(), 30U);
  for (const auto& [reason, example] : examples) {
    const ReasonRow& row = RowOf(reason);
    // The dialogues in tests/probe show the reasons for which a session tries something else first.
    if (row.retry == RetryClass::kNowNewSession || row.retry == RetryClass::kNowWithTls) continue;
    const std::string action = row.inbound == DefaultDecision::kPermit  ? "DUNNO"
                               : row.inbound == DefaultDecision::kDefer ? "DEFER_IF_PERMIT 4.1.1"
                                                                        : "550 5.1.1";
    PlayScenario(
        absl::StrCat("reason ", row.name),
        absl::StrCat("set unverified_recipient_reject_code = 550\nmx example.com 11.0.0.1\nserver 11.0.0.1 ",
                     StageName(example.first), "=", example.second, "\nask joe@example.com\n=~ ", action,
                     "\nheld joe@example.com = ", DeliverabilityName(row.deliverability), " ", row.name, "\n"));
  }
}

TEST(ReasonScenarioTest, WhatHappensWithoutAReplyIsAnsweredAsItsRowSays) {
  const std::map<Reason, std::string> scripts = {
      {Reason::kConnectRefused, "{refused}"},
      {Reason::kConnectTimeout, "{timeout}"},
      {Reason::kConnectUnreachable, "{unreachable}"},
      {Reason::kConnectReset, "{reset}"},
      {Reason::kLocalError, "{local_error}"},
      {Reason::kBannerTimeout, "banner={timeout}"},
      {Reason::kEhloTimeout, "ehlo={timeout}"},
      {Reason::kMailTimeout, "mail={timeout}"},
      {Reason::kRcptTimeout, "rcpt={timeout}"},
      {Reason::kConnectionDropped, "rcpt={eof}"},
      {Reason::kNotSmtp, "banner={raw SSH-2.0-OpenSSH\\r\\n}"},
  };
  for (const auto& [reason, script] : scripts) {
    const ReasonRow& row = RowOf(reason);
    PlayScenario(absl::StrCat("reason ", row.name),
                 absl::StrCat("mx example.com 11.0.0.1\nserver 11.0.0.1 ", script, "\nask joe@example.com\n=~ ",
                              row.inbound == DefaultDecision::kPermit ? "DUNNO" : "DEFER_IF_PERMIT 4.1.1",
                              "\npass 15m\nheld joe@example.com = ", DeliverabilityName(row.deliverability), " ",
                              row.name, "\n"));
  }
}

// Reasons that no rule and no event gives are found out over several probes, and have plays of their own.
TEST(ReasonScenarioTest, EveryReasonCanBeReached) {
  std::set<Reason> reached = {
      Reason::kCatchAll,                 // where_everybody_is_accepted...
      Reason::kCatchAllInconsistent,     // a fact of the domain: a_server_that_accepts_one_random_address...
      Reason::kAcceptedCatchallUnknown,  // no_answer_about_a_random_address...
      Reason::kNoSuchUserPersistent,     // unknown_user_as_temporary_day_after_day...
      Reason::kDomainNotHosted,          // a_domain_that_no_mx_relays_for...
      Reason::kDestinationDoubted,       // a_canary_that_is_refused...
      Reason::kSmtputf8Required,         // tests/probe/session_test.cc
      Reason::kAcceptedForward,          // tests/probe/router_test.cc: an alias of several; also a rule's
  };
  for (const Rule& rule : Classifier::BuiltIn()->rules()) {
    for (const RuleExample& example : rule.examples) {
      if (!example.must_match) continue;
      reached.insert(Classifier::BuiltIn()->Classify(example.stage, example.reply, example.mx_name, Marks{}).reason);
    }
  }
  for (int event = 0; event <= static_cast<int>(Event::kDeadline); ++event) {
    for (int stage = 0; stage <= static_cast<int>(Stage::kQuit); ++stage) {
      reached.insert(ReasonOf(static_cast<Event>(event), static_cast<Stage>(stage)));
    }
  }
  for (int number = 1; number < kReasonCount; ++number) {
    EXPECT_TRUE(reached.contains(static_cast<Reason>(number))) << ReasonName(static_cast<Reason>(number));
  }
}

}  // namespace
}  // namespace verifyd
