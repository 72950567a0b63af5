#include "verifyctl/result_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boost/json.hpp"
#include "verifyd/json/described.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;

boost::json::object Object(const char* text) { return boost::json::parse(text).as_object(); }

TEST(ResultTextTest, ShowSaysEverythingInPlainWords) {
  const absl::Time now = absl::FromCivil(absl::CivilSecond(2026, 1, 10, 12, 0, 0), absl::UTCTimeZone());
  const boost::json::object held = Object(R"({
    "address": "joe@example.com",
    "verdict": {"address": "joe@example.com", "status": "deliverable", "state": "known", "source": "cache",
                "age_s": 86400, "refreshing": false},
    "record": {
      "freshness": "fresh",
      "finding": {"status": "deliverable", "reason": "accepted", "scope": "address", "stage": "rcpt", "rule": "accepted",
                  "code": 250, "text": "250 2.1.5 Ok", "mx": "mx.example.com", "mx_address": "192.0.2.1",
                  "updated": "2026-01-09T12:00:00Z"},
      "pending": {"status": "undeliverable", "reason": "no_such_user", "scope": "address", "stage": "rcpt",
                  "rule": "user_unknown", "text": "550 5.1.1 User unknown", "updated": "2026-01-10T11:00:00Z"},
      "first_seen": "2026-01-01T12:00:00Z",
      "refresh_at": "2026-01-16T12:00:00Z",
      "expire_at": "2026-02-09T12:00:00Z",
      "history": [{"when": "2026-01-10T11:00:00Z", "status": "undeliverable", "reason": "no_such_user",
                   "scope": "address", "stage": "rcpt", "code": 550}]},
    "domain": {"domain": "example.com", "freshness": "fresh", "catch_all": "no",
               "catch_all_when": "2026-01-10T11:59:00Z"},
    "pin": {"status": "deliverable", "why": "ticket 7", "set_at": "2026-01-10T11:59:30Z"}})");
  EXPECT_EQ(HeldText(FromJson<ShownHeld>(held), now),
            "joe@example.com: deliverable\n"
            "    answered from         cache, 1 day old\n"
            "  set by the operator\n"
            "    status                deliverable\n"
            "    why                   ticket 7\n"
            "    since                 2026-01-10T11:59:30Z (30 seconds ago)\n"
            "  record\n"
            "    status                deliverable\n"
            "    reason                accepted (about the address, at RCPT)\n"
            "    rule                  accepted\n"
            "    server                mx.example.com[192.0.2.1]\n"
            "    text                  250 2.1.5 Ok\n"
            "    last confirmed        2026-01-09T12:00:00Z (1 day ago)\n"
            "    state                 fresh: answers at once\n"
            "    refreshed from        2026-01-16T12:00:00Z (in 6 days)\n"
            "    expires               2026-02-09T12:00:00Z (in 30 days)\n"
            "    first asked           2026-01-01T12:00:00Z (9 days ago)\n"
            "    history               newest first\n"
            "        2026-01-10T11:00:00Z undeliverable, no_such_user (550) at RCPT\n"
            "  against it, until a second probe says the same\n"
            "    status                undeliverable\n"
            "    reason                no_such_user (about the address, at RCPT)\n"
            "    rule                  user_unknown\n"
            "    text                  550 5.1.1 User unknown\n"
            "    said                  2026-01-10T11:00:00Z (1 hour ago)\n"
            "  domain example.com\n"
            "    state                 fresh: answers at once\n"
            "    accepts any address   no\n"
            "    asked                 2026-01-10T11:59:00Z (1 minute ago)\n"
            "  what comes next\n"
            "    answer                the operator's word, whatever servers say\n"
            "    to take it back       verifyctl unset joe@example.com\n");
}

TEST(ResultTextTest, SaysWhereAnAnswerComesFrom) {
  const auto of = [](const char* source, bool refreshing) {
    boost::json::object result =
        Object(R"({"address": "a@b.example", "status": "deliverable", "state": "known", "age_s": 7200})");
    result["source"] = source;
    result["refreshing"] = refreshing;
    return ResultText(FromJson<ShownVerdict>(result));
  };
  EXPECT_THAT(of("cache", true), HasSubstr("cache, 2 hours old, being refreshed\n"));
  EXPECT_THAT(of("domain", false), HasSubstr("cache, holds for the whole domain, 2 hours old\n"));
  EXPECT_THAT(of("pin", false), HasSubstr("set by the operator, 2 hours old\n"));
  EXPECT_THAT(of("probe", false), HasSubstr("probe, just now\n"));
}

TEST(ResultTextTest, WhatIsAboutUsIsAboutTheAsker) {
  EXPECT_THAT(ResultText(FromJson<ShownVerdict>(
                  Object(R"({"address": "a@b.example", "status": "unknown", "state": "known", "source": "probe",
                                   "reason": "blocked_ip", "scope": "us", "stage": "banner"})"))),
              HasSubstr("reason    blocked_ip (about the asker, at BANNER)\n"));
}

TEST(ResultTextTest, FieldsOfAnotherTypeAreAsIfMissing) {
  EXPECT_EQ(ResultText(FromJson<ShownVerdict>(
                Object(R"({"address": 7, "status": [], "transcript": [1, {"at_ms": "x"}], "age_s": "x"})"))),
            ": \n    dialogue (milliseconds; > said, < heard)\n           0.0   \n");
  EXPECT_EQ(HeldText(FromJson<ShownHeld>(Object(R"({"record": 1, "verdict": {"status": 2}})")), absl::UnixEpoch()),
            ": \n");
}

TEST(RoughTest, IsTheLargestWholeUnit) {
  EXPECT_EQ(Rough(absl::ZeroDuration()), "0 seconds");
  EXPECT_EQ(Rough(absl::Seconds(1)), "1 second");
  EXPECT_EQ(Rough(absl::Seconds(59)), "59 seconds");
  EXPECT_EQ(Rough(absl::Seconds(119)), "1 minute");
  EXPECT_EQ(Rough(absl::Hours(47)), "1 day");
  EXPECT_EQ(Rough(absl::Hours(24 * 31)), "31 days");
}

}  // namespace
}  // namespace verifyd
