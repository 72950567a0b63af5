#include "dns/provider.h"

#include <gtest/gtest.h>

namespace verifyd {
namespace {

TEST(ProviderTest, HostsOfOneRegistrableDomainAreOneProviders) {
  EXPECT_EQ(ProviderOf("example-com.mail.protection.outlook.com"), "outlook.com");
  EXPECT_EQ(ProviderOf("mx1.example.co.uk"), ProviderOf("mx2.mail.example.co.uk"));
  EXPECT_NE(ProviderOf("mx.one.co.uk"), ProviderOf("mx.other.co.uk"));
}

TEST(ProviderTest, AHostWithoutOneStandsForItself) {
  EXPECT_EQ(ProviderOf("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(ProviderOf("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(ProviderOf("localhost"), "localhost");
}

}  // namespace
}  // namespace verifyd
