#include "stream/tls_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(TlsPolicyTest, AnAnswerOfAnMtaStsResolverIsUnderstood) {
  const absl::StatusOr<TlsPolicy> policy =
      TlsPolicy::Parse("secure match=MX1.example.com:.example.net servername=hostname policy_type=sts");
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->level, TlsLevel::kSecure);
  EXPECT_THAT(policy->match, ElementsAre("mx1.example.com", ".example.net"));
  EXPECT_TRUE(policy->required());
  EXPECT_TRUE(policy->authenticated());
  EXPECT_EQ(ForHost(*policy, "example.com", "mx1.example.com").server_name, "");
}

TEST(TlsPolicyTest, WithoutNamesTheNextHopIsMeant) {
  const TlsPolicy secure = ForHost(*TlsPolicy::Parse("secure"), "example.com", "mx.example.com");
  EXPECT_THAT(secure.match, ElementsAre("example.com", ".example.com"));
  const TlsPolicy verify = ForHost(*TlsPolicy::Parse("verify"), "example.com", "mx.example.com");
  EXPECT_THAT(verify.match, ElementsAre("mx.example.com"));
}

TEST(TlsPolicyTest, EveryLevelHasItsName) {
  for (const TlsLevel level :
       {TlsLevel::kNone, TlsLevel::kMay, TlsLevel::kEncrypt, TlsLevel::kDane, TlsLevel::kDaneOnly, TlsLevel::kSecure}) {
    EXPECT_EQ(TlsLevelFromName(TlsLevelName(level)), level);
  }
}

TEST(TlsPolicyTest, WhatIsNoLevelIsRefusedWithWhatWasExpected) {
  for (const char* text : {"", "fingerprint match=ab:cd", "Secure", "match=a"}) {
    const absl::StatusOr<TlsPolicy> policy = TlsPolicy::Parse(text);
    ASSERT_FALSE(policy.ok()) << text;
    EXPECT_THAT(policy.status().message(), HasSubstr("expected a TLS level: none, may")) << text;
  }
}

}  // namespace
}  // namespace verifyd
