#include "mail/registrable_domain.h"

#include <gtest/gtest.h>

namespace verifyd {
namespace {

TEST(RegistrableDomainTest, IsWhatSomebodyHasBought) {
  EXPECT_EQ(RegistrableDomainOf("a.b.example.com"), "example.com");
  EXPECT_EQ(RegistrableDomainOf("mx.example.co.uk"), "example.co.uk");
  EXPECT_EQ(RegistrableDomainOf("example.com"), "example.com");
  EXPECT_EQ(RegistrableDomainOf("x.evil.test"), "evil.test") << "also below what is not in the list";
  EXPECT_EQ(RegistrableDomainOf("com"), "com");
  EXPECT_EQ(RegistrableDomainOf("[192.0.2.1]"), "[192.0.2.1]");
}

TEST(RegistrableDomainTest, NamesBelowOneHaveOneNumber) {
  RegistrableDomains domains;
  const uint64_t number = domains.NumberOf("example.com");
  EXPECT_EQ(domains.NumberOf("a.example.com"), number);
  EXPECT_EQ(domains.NumberOf("a.example.com"), number) << "also out of memory";
  EXPECT_NE(domains.NumberOf("example.org"), number);
}

}  // namespace
}  // namespace verifyd
