#include "verifyd/restriction/sender_exemptions.h"

#include <gtest/gtest.h>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

bool Exempts(const std::vector<std::string>& items, absl::string_view address) {
  return SenderExemptions::Create(items)->Contain(Address::FromUnquoted(address).value());
}

TEST(SenderExemptionsTest, SendersThatNobodyElseCanAskAboutAreLeftAlone) {
  const std::vector<std::string> all = {"verp", "batv", "srs", "list"};
  for (const char* exempt :
       {"bounces+joe=example.com@lists.example.org", "list-return-42-joe=example.com@example.org",
        "prvs=1234abcdef=joe@example.com", "btv1==09f8a7==joe@example.com", "SRS0=xyz=AB=example.org=joe@example.com",
        "srs1+x=other.example==y=AB=example.org=joe@example.com", "owner-announce@example.com",
        "news-bounces@example.com", "news-bounces+17@example.com", "users-request@example.com",
        "MAILER-DAEMON@example.com", "bounce-123@example.com"}) {
    EXPECT_TRUE(Exempts(all, exempt)) << exempt;
  }
  for (const char* asked : {"joe@example.com", "a=b@example.com", "joe+shop@example.com", "bouncer@example.com",
                            "owner@example.com", "request@example.com", "prvs@example.com"}) {
    EXPECT_FALSE(Exempts(all, asked)) << asked;
  }
}

TEST(SenderExemptionsTest, EachKindIsChosenByItself) {
  EXPECT_FALSE(Exempts({}, "prvs=1234abcdef=joe@example.com"));
  EXPECT_FALSE(Exempts({"srs"}, "prvs=1234abcdef=joe@example.com"));
  EXPECT_TRUE(Exempts({"/@Newsletter[.]/"}, "x@newsletter.example.com"));
}

TEST(SenderExemptionsTest, ErrorsNameTheItem) {
  EXPECT_THAT(SenderExemptions::Create({"verb"}),
              FailsWith("found \"verb\", expected verp, batv, srs, list, or a /pattern/"));
  EXPECT_THAT(SenderExemptions::Create({"/(/"}), FailsWith("expected a pattern of RE2"));
}

}  // namespace
}  // namespace verifyd
