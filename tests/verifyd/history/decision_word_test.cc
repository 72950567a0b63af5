#include "verifyd/history/decision_word.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "verifyd/history/decision_log.h"
#include "verifyd/metrics/metrics.h"
#include "verifyd/metrics/prometheus_text.h"

namespace verifyd {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Ruling Refused(DecisionKind kind, int code) {
  Ruling ruling;
  ruling.decision = {.kind = kind, .code = code, .dsn = "5.1.1", .text = "no"};
  return ruling;
}

Ruling HeldBack(DecisionKind kind, int code) {
  Ruling ruling = Refused(kind, code);
  ruling.warning = std::exchange(ruling.decision, Decision());
  return ruling;
}

std::string LineOf(const Ruling& ruling) {
  return DecisionLine({.protocol_state = "RCPT", .recipient = "b@example.com"}, ruling, absl::ZeroDuration());
}

TEST(DecisionWordTest, WhatADryRunHoldsBackIsLoggedByTheWordOfTheReport) {
  EXPECT_THAT(LineOf(HeldBack(DecisionKind::kReject, 550)), StartsWith("action=would_reject code=550 dsn=5.1.1 "));
  EXPECT_THAT(LineOf(HeldBack(DecisionKind::kDefer, 450)), StartsWith("action=would_defer code=450 dsn=5.1.1 "));
  EXPECT_THAT(LineOf(HeldBack(DecisionKind::kDeferIfPermit, 450)), StartsWith("action=would_defer code=450 "));
}

TEST(DecisionWordTest, WhatTheMtaIsToldIsLoggedAsSuch) {
  EXPECT_THAT(LineOf(Ruling()), StartsWith("action=dunno "));
  EXPECT_THAT(LineOf(Refused(DecisionKind::kReject, 550)), StartsWith("action=reject code=550 "));
  EXPECT_THAT(LineOf(Refused(DecisionKind::kDeferIfPermit, 450)), StartsWith("action=defer code=450 "));
}

// A word that the metrics do not have would count as an error.
TEST(DecisionWordTest, TheMetricsCountEveryWordOfADoorByItsName) {
  Metrics metrics;
  for (const Ruling& ruling : {Ruling(), Refused(DecisionKind::kReject, 550), Refused(DecisionKind::kDefer, 450),
                               HeldBack(DecisionKind::kReject, 550), HeldBack(DecisionKind::kDefer, 450)}) {
    metrics.decisions(DecisionWordName(WordFor(ruling))).Increment();
  }
  const std::string page = PrometheusText(metrics.registry());
  for (const char* const word : {"dunno", "reject", "defer", "would_reject", "would_defer"}) {
    EXPECT_THAT(page, HasSubstr(absl::StrCat("verifyd_decisions_total{action=\"", word, "\"} 1\n")));
  }
  EXPECT_THAT(page, HasSubstr("verifyd_decisions_total{action=\"error\"} 0\n"));
}

}  // namespace
}  // namespace verifyd
