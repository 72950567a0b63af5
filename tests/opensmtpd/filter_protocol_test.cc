#include "opensmtpd/filter_protocol.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

constexpr char kQuestion[] =
    "filter|0.6|1576146008.006099|smtp-in|rcpt-to|7641df9771b4ed00|1ef1c203cc576e5d|joe@example.com";

std::string ResultOf(absl::string_view answer) { return FilterResult(*ParseFilterQuestion(kQuestion), answer); }

TEST(FilterProtocolTest, TakesARecipientAndGivesItsIdsBack) {
  const auto question = ParseFilterQuestion(kQuestion);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->recipient, "joe@example.com");
  EXPECT_EQ(FilterResult(*question, "accept"), "filter-result|7641df9771b4ed00|1ef1c203cc576e5d|proceed\n");
}

TEST(FilterProtocolTest, RefusesInTheWordsOfTheDoorAndOtherwiseProceeds) {
  const std::string refused = "filter-result|7641df9771b4ed00|1ef1c203cc576e5d|reject|";
  const std::string proceeds = "filter-result|7641df9771b4ed00|1ef1c203cc576e5d|proceed\n";
  EXPECT_EQ(ResultOf("deny 550 5.1.1 no | such user"), refused + "550 5.1.1 no | such user\n");
  EXPECT_EQ(ResultOf("defer 450 4.1.1 later"), refused + "450 4.1.1 later\n");
  for (const char* other :
       {"", "unknown", "unknown would reject: 550 5.1.1 x", "accept", "deny", "deny ", "deny 550", "deny 450 4.1.1 x",
        "defer 550 5.1.1 x", "deny 55x 5.1.1", "deny 550-5.1.1 x", "deny 550 a\rb", "DENY 550 5.1.1 x"}) {
    EXPECT_EQ(ResultOf(other), proceeds) << other;
  }
  EXPECT_EQ(ResultOf("deny 550 " + std::string(1000, 'x')), proceeds);
}

TEST(FilterProtocolTest, BeforeVersion05TheTokenComesFirstInAnAnswer) {
  for (const auto& [version, token_first] :
       {std::pair("0.4", true), std::pair("0.1", true), std::pair("0.5", false), std::pair("0.10", false),
        std::pair("1.0", false), std::pair("x", false)}) {
    const auto question = ParseFilterQuestion(absl::StrCat("filter|", version, "|1.2|smtp-in|rcpt-to|S|T|a@b"));
    ASSERT_TRUE(question.has_value());
    EXPECT_EQ(FilterResult(*question, ""), token_first ? "filter-result|T|S|proceed\n" : "filter-result|S|T|proceed\n")
        << version;
  }
}

TEST(FilterProtocolTest, AnAddressIsAllThatStandsBehindTheToken) {
  const auto recipient = [](absl::string_view field) {
    return ParseFilterQuestion(absl::StrCat("filter|0.6|1.2|smtp-in|rcpt-to|S|T|", field))->recipient;
  };
  EXPECT_EQ(recipient("a|b@example.com"), "a|b@example.com");
  EXPECT_EQ(recipient("<joe@example.com>"), "joe@example.com");
  EXPECT_EQ(recipient("<joe@example.com"), "joe@example.com");
  EXPECT_EQ(recipient("<"), "");
  EXPECT_EQ(recipient("joe\x01@example.com"), "");
  EXPECT_EQ(recipient(""), "");
}

TEST(FilterProtocolTest, WhatIsNoQuestionNeedsNoAnswer) {
  for (const char* line :
       {"", "config|smtpd-version|6.8.0p2", "config|ready", "report|0.6|1.2|smtp-in|link-connect|S", "filter|",
        "filter|0.6", "filter|0.6|1.2|smtp-in|rcpt-to", "filter|0.6|1.2|smtp-in|rcpt-to|S",
        "filter|0.6|1.2|smtp-in|rcpt-to|S|", "filter|0.6|1.2|smtp-in|rcpt-to||T|a@b"}) {
    EXPECT_FALSE(ParseFilterQuestion(line).has_value()) << line;
  }
}

TEST(FilterProtocolTest, QuestionsAboutAnythingElseAreAnswered) {
  const auto question = ParseFilterQuestion("filter|0.6|1.2|smtp-in|mail-from|S|T|joe@example.com");
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->recipient, "");
}

}  // namespace
}  // namespace verifyd
