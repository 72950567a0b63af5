#include "tables/network_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;

class NetworkTableTest : public testing::Test {
 protected:
  absl::Status Parse(absl::string_view text) {
    values_.clear();
    auto table = NetworkTable::Parse("cidr", text, [this](absl::string_view value) -> absl::Status {
      if (value == "bad") return absl::InvalidArgumentError("found bad");
      values_.emplace_back(value);
      return absl::OkStatus();
    });
    if (!table.ok()) return table.status();
    table_ = *table;
    return absl::OkStatus();
  }
  std::string Find(absl::string_view address) {
    const std::optional<uint32_t> number = table_->Find(address);
    return number.has_value() ? values_.at(*number) : "none";
  }

  std::vector<std::string> values_;
  std::shared_ptr<const NetworkTable> table_;
};

TEST_F(NetworkTableTest, TheFirstNetworkThatHasTheAddressDecides) {
  ASSERT_THAT(Parse("# ours\n192.0.2.7 reject it\n192.0.2.0/24\tok\n[2001:db8::]/32 ok\n0.0.0.0/0 defer\n"
                    "192.0.2.8 reject it\n"),
              IsOk());
  EXPECT_THAT(values_, ElementsAre("reject it", "ok", "defer"));
  EXPECT_EQ(Find("192.0.2.7"), "reject it");
  EXPECT_EQ(Find("192.0.2.8"), "ok");
  EXPECT_EQ(Find("198.51.100.1"), "defer");
  EXPECT_EQ(Find("2001:db8::1"), "ok");
  EXPECT_EQ(Find("2001:DB8:0:0::1"), "ok");
  EXPECT_EQ(Find("2001:db9::1"), "none");
  EXPECT_EQ(Find("::ffff:192.0.2.7"), "reject it");
}

TEST_F(NetworkTableTest, ANegatedNetworkMeansTheOthersOfItsFamily) {
  ASSERT_THAT(Parse("!10.0.0.0/8 outside\n"), IsOk());
  EXPECT_EQ(Find("192.0.2.1"), "outside");
  EXPECT_EQ(Find("10.1.2.3"), "none");
  EXPECT_EQ(Find("2001:db8::1"), "none");
  ASSERT_THAT(Parse("! ! 10.0.0.0/8 inside\n::/0 six\n"), IsOk());
  EXPECT_EQ(Find("10.1.2.3"), "inside");
  EXPECT_EQ(Find("192.0.2.1"), "none");
  EXPECT_EQ(Find("2001:db8::1"), "six");
}

TEST_F(NetworkTableTest, ANegatedNetworkWaitsForItsTurn) {
  ASSERT_THAT(Parse("192.0.2.1 one\n!10.0.0.0/8 outside\n192.0.2.2 two\n"), IsOk());
  EXPECT_EQ(Find("192.0.2.1"), "one");
  EXPECT_EQ(Find("192.0.2.2"), "outside");
}

TEST_F(NetworkTableTest, ABlockIsForAddressesOfItsNetwork) {
  ASSERT_THAT(Parse("if 192.0.2.0/24\n192.0.2.1 one\nIF !192.0.2.128/25\n0.0.0.0/0 low\nENDIF\nendif\n"
                    "192.0.2.200 behind\nif !192.0.2.0/24\n0.0.0.0/0 else\n::/0 six\nendif\n"),
              IsOk());
  EXPECT_EQ(Find("192.0.2.1"), "one");
  EXPECT_EQ(Find("192.0.2.2"), "low");
  EXPECT_EQ(Find("192.0.2.200"), "behind");
  EXPECT_EQ(Find("192.0.2.201"), "none");
  EXPECT_EQ(Find("198.51.100.1"), "else");
  // As in Postfix, a negated block has no addresses of the other family.
  EXPECT_EQ(Find("2001:db8::1"), "none");
}

TEST_F(NetworkTableTest, WhatIsNoAddressIsNotFound) {
  ASSERT_THAT(Parse("0.0.0.0/0 any\n::/0 any\n"), IsOk());
  for (const char* text : {"", "joe@example.com", "192.0.2", "192.0.2.1 ", "[192.0.2.1]", "unknown", "1.2.3.4.5"}) {
    EXPECT_EQ(Find(text), "none") << text;
  }
}

TEST_F(NetworkTableTest, ATableThatSaysNothingFindsNothing) {
  ASSERT_THAT(Parse(""), IsOk());
  EXPECT_EQ(Find("192.0.2.1"), "none");
  ASSERT_THAT(Parse("# nothing\n\nif 10.0.0.0/8\nendif\n"), IsOk());
  EXPECT_EQ(Find("10.0.0.1"), "none");
}

TEST_F(NetworkTableTest, ErrorsNameFileAndLine) {
  EXPECT_THAT(Parse("192.0.2.1 ok\n\n192.0.2.1/24 ok\n"),
              FailsWith("cidr:3: network \"192.0.2.1/24\": expected no bits"));
  EXPECT_THAT(Parse("192.0.2.0/33 ok\n"), FailsWith("cidr:1: network \"192.0.2.0/33\": expected a prefix length"));
  EXPECT_THAT(Parse("example.com ok\n"), FailsWith("expected an IPv4 or IPv6 address"));
  EXPECT_THAT(Parse("192.0.2.1 bad\n"), FailsWith("cidr:1: found bad"));
  EXPECT_THAT(Parse("endif\n"), FailsWith("cidr:1: found \"endif\", expected an \"if\" before it"));
  EXPECT_THAT(Parse("if 10.0.0.0/8\n10.0.0.1 ok\n"), FailsWith("cidr: found an \"if\" without its \"endif\""));
  EXPECT_THAT(Parse("if 10.0.0.0/8\n 10.0.0.1 ok\nendif\n"),
              FailsWith("cidr:1: found \"10.0.0.1 ok\", expected nothing"));
  EXPECT_THAT(Parse("if\nendif\n"), FailsWith("cidr:1: network \"\""));
  std::string deep;
  for (int i = 0; i < 60; ++i) absl::StrAppend(&deep, "if 10.0.0.0/8\n");
  EXPECT_THAT(Parse(deep), FailsWith("cidr:51: found \"if\", expected at most 50"));
}

}  // namespace
}  // namespace verifyd
