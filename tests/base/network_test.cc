#include "base/network.h"

#include <gtest/gtest.h>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

TEST(NetworkListTest, ReadsBlocksAndSingleAddressesOfBothFamilies) {
  const auto list = NetworkList::Parse("127.0.0.0/8, [::1]/128 192.0.2.1,2001:db8::/32\t[2a00::1]");
  ASSERT_THAT(list, IsOk());
  for (const char* inside : {"127.255.0.1", "::1", "192.0.2.1", "2001:db8:ffff::1", "2a00::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(list->Contains(inside)) << inside;
  }
  for (const char* outside : {"128.0.0.1", "::2", "192.0.2.2", "2001:db9::1", "2a00::2", "", "127.0.0.1/8", "host"}) {
    EXPECT_FALSE(list->Contains(outside)) << outside;
  }
}

TEST(NetworkListTest, PrefixesNeedNotEndAtAByte) {
  const auto list = NetworkList::Parse("10.32.0.0/11 fe80::/10");
  ASSERT_THAT(list, IsOk());
  EXPECT_TRUE(list->Contains("10.63.255.255"));
  EXPECT_FALSE(list->Contains("10.64.0.0"));
  EXPECT_TRUE(list->Contains("febf::1"));
  EXPECT_FALSE(list->Contains("fec0::1"));
}

TEST(NetworkListTest, TheWholeOfOneFamilyIsNotTheOther) {
  const auto v4 = NetworkList::Parse("0.0.0.0/0");
  const auto v6 = NetworkList::Parse("::/0");
  ASSERT_THAT(v4, IsOk());
  ASSERT_THAT(v6, IsOk());
  EXPECT_TRUE(v4->Contains("9.9.9.9"));
  EXPECT_FALSE(v4->Contains("2001:db8::1"));
  EXPECT_TRUE(v6->Contains("2001:db8::1"));
  EXPECT_FALSE(v6->Contains("9.9.9.9"));
}

TEST(NetworkListTest, AnEmptyListContainsNothing) {
  const auto list = NetworkList::Parse("  ");
  ASSERT_THAT(list, IsOk());
  EXPECT_TRUE(list->empty());
  EXPECT_FALSE(list->Contains("127.0.0.1"));
}

TEST(NetworkListTest, NamesWhatItDoesNotUnderstand) {
  EXPECT_THAT(NetworkList::Parse("127.0.0.1/8"), FailsWith("\"127.0.0.1/8\": expected no bits set beyond the prefix"));
  EXPECT_THAT(NetworkList::Parse("10.0.0.0/33"), FailsWith("a prefix length from 0 to 32"));
  EXPECT_THAT(NetworkList::Parse("::/129"), FailsWith("a prefix length from 0 to 128"));
  EXPECT_THAT(NetworkList::Parse("10.0.0.0/"), FailsWith("a prefix length"));
  EXPECT_THAT(NetworkList::Parse("10.0.0.0/-1"), FailsWith("a prefix length"));
  EXPECT_THAT(NetworkList::Parse("10"), FailsWith("\"10\": expected an IPv4 or IPv6 address"));
  EXPECT_THAT(NetworkList::Parse("[::1"), FailsWith("a closing bracket"));
  EXPECT_THAT(NetworkList::Parse("localhost"), FailsWith("an IPv4 or IPv6 address"));
}

TEST(BogusAddressTest, KnowsWhatNoPublicServerHas) {
  for (const char* bogus : {"0.0.0.0",
                            "0.1.2.3",
                            "10.0.0.1",
                            "100.64.0.1",
                            "100.127.255.255",
                            "127.0.0.1",
                            "169.254.1.1",
                            "172.16.0.1",
                            "172.31.255.255",
                            "192.0.0.1",
                            "192.0.2.1",
                            "192.88.99.1",
                            "192.168.1.1",
                            "198.18.0.1",
                            "198.19.255.255",
                            "198.51.100.1",
                            "203.0.113.1",
                            "224.0.0.1",
                            "239.255.255.255",
                            "240.0.0.1",
                            "255.255.255.255",
                            "::",
                            "::1",
                            "::ffff:127.0.0.1",
                            "::ffff:10.1.2.3",
                            "::7f00:1",
                            "64:ff9b::a00:1",
                            "64:ff9b:1::1",
                            "100::1",
                            "2001::1",
                            "2001:2::1",
                            "2001:db8::1",
                            "2002:a00:1::1",
                            "2002:7f00:1::",
                            "3fff::1",
                            "5f00::1",
                            "fc00::1",
                            "fd12::1",
                            "fe80::1",
                            "fec0::1",
                            "ff02::1"}) {
    EXPECT_TRUE(IsBogusAddress(bogus)) << bogus;
  }
}

TEST(BogusAddressTest, LeavesTheInternetAlone) {
  for (const char* fine :
       {"1.1.1.1",          "9.255.255.255", "11.0.0.0",       "100.63.255.255", "100.128.0.0",     "126.0.0.1",
        "128.0.0.1",        "169.253.0.1",   "172.15.255.255", "172.32.0.0",     "192.0.1.1",       "192.0.3.1",
        "192.167.0.1",      "192.169.0.1",   "198.17.255.255", "198.20.0.0",     "223.255.255.255", "::ffff:9.9.9.9",
        "64:ff9b::909:909", "2001:200::1",   "2001:db7::1",    "2001:db9::1",    "2002:909:909::1", "2a00:1450:4001::1",
        "2620:fe::fe",      "3ffe::1"}) {
    EXPECT_FALSE(IsBogusAddress(fine)) << fine;
  }
  EXPECT_FALSE(IsBogusAddress("mx.example.com"));
  EXPECT_FALSE(IsBogusAddress(""));
}

}  // namespace
}  // namespace verifyd
