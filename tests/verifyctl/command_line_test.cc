// The errors of wrong command lines, and the verbs that still work when the settings are wrong.
#include "verifyctl/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/verifyctl/verifyctl_test.h"
#include "verifyctl/exit_code.h"

namespace verifyd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CommandLineTest : public VerifyctlWithDaemonTest {};

TEST_F(CommandLineTest, AnUnknownVerbWasNotNamed) {
  EXPECT_EQ(Run({"verfy", "joe@example.com"}), kExitUsage);
  EXPECT_EQ(err_, "verifyctl: no verb \"verfy\"; did you mean \"verify\"?\n");
  EXPECT_EQ(Run({"--json", "-s", "verify", "improt", "file"}), kExitUsage);
  EXPECT_EQ(err_, "verifyctl: no verb \"improt\"; did you mean \"import\"?\n");
  EXPECT_EQ(Run({"joe@example.com"}), kExitUsage);
  EXPECT_EQ(err_, "verifyctl: no verb \"joe@example.com\"; `verifyctl help` shows them\n");
  EXPECT_EQ(Run({}), kExitUsage);
  EXPECT_EQ(err_, "verifyctl: no verb was given; `verifyctl help` shows them\n");
}

TEST_F(CommandLineTest, EveryErrorOfUsageBeginsWithTheNameOfTheTool) {
  EXPECT_EQ(Run({"set", "joe@example.com", "deliverable", "--why", "ticket", "4711"}), kExitUsage);
  EXPECT_THAT(err_, StartsWith("verifyctl: "));
  EXPECT_THAT(err_, EndsWith("; see `verifyctl help set`\n"));
  EXPECT_EQ(Run({"verify"}), kExitUsage);
  EXPECT_THAT(err_, StartsWith("verifyctl: "));
}

TEST_F(CommandLineTest, HelpIsAVerbToo) {
  EXPECT_EQ(Run({"help"}), 0);
  EXPECT_THAT(out_, HasSubstr("\n  verify "));
  EXPECT_EQ(Run({"help", "hold"}), 0);
  EXPECT_THAT(out_, HasSubstr("verifyctl hold"));
  EXPECT_THAT(out_, HasSubstr("clients are not told it"));
  EXPECT_EQ(Run({"help", "hodl"}), kExitUsage);
  EXPECT_EQ(err_, "verifyctl: no verb \"hodl\"; did you mean \"hold\"?\n");
}

TEST_F(CommandLineTest, ValuesOfOptionsWereJudgedByTheDaemonWithAnotherExitCode) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"list", "--status", "bogus"},
                                             {"list", "--reason", "bad_luck"},
                                             {"list", "--older", "soon"},
                                             {"list", "--newer", "1y"},
                                             {"list", "--domain", "a b"},
                                             {"purge", "--dry-run"},
                                             {"export", "--format", "xml"},
                                             {"report", "--since", "yesterday"},
                                             {"top", "--since", "never"},
                                             {"top", "-n", "1000"},
                                             {"verify", "--patience", "long", "joe@example.com"},
                                             {"verify", "--patience", "2h", "joe@example.com"},
                                             {"set", "joe@example.com", "perhaps"},
                                             {"set", "joe@example.com", "deliverable", "--for", "soon"},
                                             {"config", "nonsense"},
                                             {"completion", "tcsh"}}) {
    EXPECT_EQ(Run(arguments), kExitUsage) << arguments[0] << " " << arguments[1];
    EXPECT_THAT(err_, StartsWith("verifyctl: "));
    // Words of the api are no words for people.
    for (const char* word : {"deliverability", "/v1/", "\"target\"", "\"older\"", "subcommand"}) {
      EXPECT_THAT(err_, Not(HasSubstr(word)));
    }
  }
  EXPECT_EQ(Run({"list", "--status", "bogus"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--status: found \"bogus\", expected deliverable, undeliverable, risky or unknown"));
  EXPECT_EQ(Run({"list", "--reason", "no_such_usr"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("did you mean \"no_such_user\"?"));
  EXPECT_EQ(Run({"purge"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--older 0s is all"));
}

TEST_F(CommandLineTest, WordsOfTheApiWereShownToPeople) {
  EXPECT_EQ(Run({"set", "customer.test", "undeliverable"}), kExitBadAddress);
  EXPECT_EQ(err_, "verifyctl: found \"customer.test\", expected an address or @DOMAIN; did you mean @customer.test?\n");
  EXPECT_EQ(Run({"unset", "a b@"}), kExitBadAddress);
  EXPECT_THAT(err_, StartsWith("verifyctl: byte "));
  EXPECT_EQ(Run({"hold", "customer.test"}), kExitNotCached);
  EXPECT_THAT(err_, HasSubstr("did you mean @customer.test?"));
  EXPECT_THAT(err_, Not(HasSubstr("/v1/")));
  EXPECT_EQ(Run({"show", "NOTANID1"}), kExitNotCached);
  EXPECT_EQ(err_, "verifyctl: no refusal with the id NOTANID1 is remembered\n");
}

TEST_F(CommandLineTest, WrongSettingsLockedTheOperatorOutOfTheRunningDaemon) {
  WriteSettings("relay_domain = foo.test\n");
  EXPECT_EQ(Run({"show", "joe@example.com"}), 0);
  EXPECT_THAT(out_, StartsWith("joe@example.com: deliverable\n"));
  EXPECT_THAT(err_, HasSubstr("verifyctl: warning: "));
  EXPECT_THAT(err_, HasSubstr("unknown setting \"relay_domain\""));
  EXPECT_THAT(err_, HasSubstr("asking at " + directory_ + "/control nevertheless"));
  EXPECT_EQ(Run({"set", "joe@example.com", "undeliverable"}), 0);
  EXPECT_EQ(Run({"stats"}), 0);
  // A verb that works on the file itself says what is wrong with it.
  EXPECT_EQ(Run({"check"}), kExitConfiguration);
}

TEST_F(CommandLineTest, AnAddressThatNeedsQuotesWasListedWithout) {
  loop_.Post([this] {
    world_.Hold("joe doe@quoted.example", Deliverability::kDeliverable, Reason::kAccepted, absl::Minutes(5));
  });
  EXPECT_EQ(Run({"list", "--domain", "quoted.example"}), 0);
  EXPECT_THAT(out_, HasSubstr("\n\"joe doe\"@quoted.example "));
  EXPECT_EQ(Run({"show", "\"joe doe\"@quoted.example"}), 0);
  EXPECT_THAT(out_, HasSubstr("verifyctl delete '\"joe doe\"@quoted.example'\n"));
  EXPECT_EQ(Run({"delete", "\"joe doe\"@quoted.example"}), 0);
  EXPECT_EQ(out_, "\"joe doe\"@quoted.example: deleted its record\n");
}

TEST_F(CommandLineTest, StatsFitAScreenAndHaveAHitRatio) {
  EXPECT_EQ(Run({"query", "joe@example.com", "gone@example.com"}), kExitUndeliverable);
  EXPECT_EQ(Run({"stats"}), 0);
  EXPECT_LE(std::count(out_.begin(), out_.end(), '\n'), 24);
  EXPECT_THAT(out_, HasSubstr("100.0 % from memory: cache 2\n"));
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(out_, '\n'))) EXPECT_LE(line.size(), 100U);
  EXPECT_EQ(Run({"stats", "--all"}), 0);
  EXPECT_THAT(out_, HasSubstr("\nprober\n    probes "));
  EXPECT_THAT(out_, HasSubstr("verifyd_answers_total{source=\"cache\"} "));
}

}  // namespace
}  // namespace verifyd
