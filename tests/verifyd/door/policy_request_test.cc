#include "verifyd/door/policy_request.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

TEST(PolicyRequestTest, TakesAttributesInAnyOrderAndIgnoresUnknownOnes) {
  const auto request = ParsePolicyRequest(
      "recipient=joe@example.com\nunheard_of=1\nstress=yes\nprotocol_state=RCPT\nsender=\nclient_address=192.0.2.1\n"
      "helo_name=client.test\nsasl_username=anna\ninstance=1.2\nqueue_id=A1\npolicy_context=dry_run\nrequest=smtpd_"
      "access_policy\n\n");
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->recipient, "joe@example.com");
  EXPECT_EQ(request->sender, "");
  EXPECT_EQ(request->stress, "yes");
  EXPECT_EQ(request->protocol_state, "RCPT");
  EXPECT_EQ(request->client_address, "192.0.2.1");
  EXPECT_EQ(request->helo_name, "client.test");
  EXPECT_EQ(request->sasl_username, "anna");
  EXPECT_EQ(request->instance, "1.2");
  EXPECT_EQ(request->queue_id, "A1");
  EXPECT_EQ(request->context, "dry_run");
}

TEST(PolicyRequestTest, AValueMayContainEqualsSigns) {
  const auto request = ParsePolicyRequest("request=smtpd_access_policy\nsender=prvs=123=joe@example.com\n\n");
  EXPECT_EQ(request->sender, "prvs=123=joe@example.com");
}

TEST(PolicyRequestTest, SaysWhatIsWrongWithABadRequest) {
  EXPECT_THAT(ParsePolicyRequest("request=smtpd_access_policy\nGET / HTTP\n\n"),
              FailsWith("line 2 of a policy request: found \"GET / HTTP\", expected name=value"));
  EXPECT_THAT(ParsePolicyRequest("request=junk\n\n"), FailsWith("found request \"junk\""));
  EXPECT_THAT(ParsePolicyRequest("recipient=a@b\n\n"), FailsWith("without request=smtpd_access_policy"));
  EXPECT_THAT(ParsePolicyRequest(absl::string_view("request=smtpd_access_policy\na=\0\n\n", 33)), FailsWith("line 2"));
}

TEST(PolicyRequestTest, FindsTheEndOfTheFirstWholeRequest) {
  EXPECT_EQ(PolicyRequestLength("a=b\n"), 0U);
  EXPECT_EQ(PolicyRequestLength("a=b\n\n"), 5U);
  EXPECT_EQ(PolicyRequestLength("a=b\n\nc=d\n\n"), 5U);
  EXPECT_EQ(PolicyRequestLength("a=b\r\n\r\n"), 7U);
  EXPECT_EQ(PolicyRequestLength(""), 0U);
  EXPECT_EQ(PolicyRequestLength("\n"), 1U);
}

Decision Refusal(DecisionKind kind, int code) {
  Decision decision;
  decision.kind = kind;
  decision.code = code;
  decision.dsn = code / 100 == 5 ? "5.1.1" : "4.1.1";
  decision.text = "undeliverable address: why";
  return decision;
}

TEST(PolicyRequestTest, AnswersInTheWordsOfAccess5AndNeverOk) {
  Ruling ruling;
  EXPECT_EQ(PolicyAnswer(ruling), "action=DUNNO\n\n");
  ruling.decision = Refusal(DecisionKind::kReject, 550);
  EXPECT_EQ(PolicyAnswer(ruling), "action=550 5.1.1 undeliverable address: why\n\n");
  ruling.decision = Refusal(DecisionKind::kDefer, 451);
  EXPECT_EQ(PolicyAnswer(ruling), "action=451 4.1.1 undeliverable address: why\n\n");
  ruling.decision = Refusal(DecisionKind::kDeferIfPermit, 450);
  EXPECT_EQ(PolicyAnswer(ruling), "action=DEFER_IF_PERMIT 4.1.1 undeliverable address: why\n\n");
  ruling.decision = Decision();
  ruling.warning = Refusal(DecisionKind::kReject, 550);
  EXPECT_EQ(PolicyAnswer(ruling), "action=WARN would reject: 550 5.1.1 undeliverable address: why\n\n");
}

}  // namespace
}  // namespace verifyd
