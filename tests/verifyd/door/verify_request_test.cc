#include "verifyd/door/verify_request.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

// '|' stands for a NUL.
std::string List(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", std::string(1, '\0')}}); }

TEST(VerifyRequestTest, GreetsAsPostfixDoesByteByByte) {
  EXPECT_EQ(kVerifyGreeting, List("protocol|address_verification_prrotocol||"));
  EXPECT_EQ(kVerifyGreeting.size(), 41U);
}

TEST(VerifyRequestTest, TakesAQuery) {
  const std::string text = List("request|query|address|user@example.com||");
  const auto request = ParseVerifyRequest(text);
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->kind, VerifyRequest::Kind::kQuery);
  EXPECT_EQ(request->address, "user@example.com");
}

TEST(VerifyRequestTest, TakesAnUpdate) {
  const std::string text = List("request|update|address|a@b|recipient_status|2|reason|host said: no||");
  const auto request = ParseVerifyRequest(text);
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->kind, VerifyRequest::Kind::kUpdate);
  EXPECT_EQ(request->address, "a@b");
  EXPECT_EQ(request->recipient_status, RecipientStatus::kBounce);
  EXPECT_EQ(request->reason, "host said: no");
}

TEST(VerifyRequestTest, TakesAttributesInAnyOrderAndIgnoresUnknownOnes) {
  const std::string text = List("address|a@b|unheard_of||request|query||");
  const auto request = ParseVerifyRequest(text);
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->address, "a@b");
}

TEST(VerifyRequestTest, SaysWhatIsWrongWithABadRequest) {
  EXPECT_THAT(ParseVerifyRequest(List("|")), FailsWith("a request with no request, expected request query or update"));
  EXPECT_THAT(ParseVerifyRequest(List("request|query||")), FailsWith("request \"query\", expected an address in it"));
  EXPECT_THAT(ParseVerifyRequest(List("request|\x01zap|address|a@b||")),
              FailsWith("request \"?zap\", expected query or update"));
  EXPECT_THAT(ParseVerifyRequest(List("request|update|address|a@b|recipient_status|0||")),
              FailsWith("expected a reason in it"));
  // Also 3, "not known yet": such an update says nothing.
  for (const absl::string_view status : {"3", "", "00", "-1", "x", "4294967295"}) {
    EXPECT_THAT(
        ParseVerifyRequest(List(absl::StrCat("request|update|address|a@b|recipient_status|", status, "|reason|x||"))),
        FailsWith(absl::StrCat("recipient_status \"", status, "\", expected 0, 1 or 2")));
  }
}

TEST(VerifyRequestTest, FindsTheEndOfTheFirstWholeList) {
  EXPECT_EQ(VerifyRequestLength(""), 0U);
  EXPECT_EQ(VerifyRequestLength("request"), 0U);
  EXPECT_EQ(VerifyRequestLength(List("request|query|")), 0U);
  EXPECT_EQ(VerifyRequestLength(List("|request|query||")), 1U);
  EXPECT_EQ(VerifyRequestLength(List("a|b||c|d||")), 5U);
  // A value may be empty; a name may not.
  EXPECT_EQ(VerifyRequestLength(List("a|||")), 4U);
  EXPECT_EQ(VerifyRequestLength(List("a||")), 0U);
}

TEST(VerifyRequestTest, AnswersInThreeAttributesInTheOrderThatPostfixWants) {
  EXPECT_EQ(VerifyAnswer(VerifyStatus::kOk, RecipientStatus::kOk, "250 2.1.5 Ok"),
            List("status|0|recipient_status|0|reason|250 2.1.5 Ok||"));
  EXPECT_EQ(VerifyAnswer(VerifyStatus::kBad, RecipientStatus::kDefer, "x"),
            List("status|4294967294|recipient_status|1|reason|x||"));
  EXPECT_EQ(VerifyAnswer(VerifyStatus::kFail, RecipientStatus::kTodo, "x"),
            List("status|4294967295|recipient_status|3|reason|x||"));
  EXPECT_EQ(VerifyUpdateAnswer(VerifyStatus::kOk), List("status|0||"));
}

}  // namespace
}  // namespace verifyd
