#include "verifyd/restriction/access_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;

// A value is its text: nothing here looks into a list of restrictions.
AccessTable::Value Boxed(absl::string_view text) {
  auto box = std::make_shared<const std::string>(text);
  return {box, reinterpret_cast<const RestrictionList*>(box.get())};
}
std::string Unboxed(const AccessTable::Value& value) {
  return value == nullptr ? "none" : *reinterpret_cast<const std::string*>(value.get());
}

class AccessTableTest : public testing::Test {
 protected:
  void TearDown() override { std::remove(path_.c_str()); }

  absl::Status Load(absl::string_view spec) {
    compiled_.clear();
    auto table = AccessTable::Load(spec, [this](absl::string_view value) -> absl::StatusOr<AccessTable::Value> {
      if (absl::StartsWith(value, "bad")) return absl::InvalidArgumentError("found bad, expected good");
      compiled_.emplace_back(value);
      return Boxed(value);
    });
    if (!table.ok()) return table.status();
    table_ = *table;
    return absl::OkStatus();
  }
  absl::Status Load(absl::string_view type, absl::string_view text) {
    std::ofstream(path_) << text;
    return Load(absl::StrCat(type, path_));
  }

  std::string Client(absl::string_view name, absl::string_view address) {
    return Unboxed(table_->FindClient(name, address));
  }
  std::string Domain(absl::string_view domain) { return Unboxed(table_->FindDomain(domain)); }
  std::string Find(absl::string_view address) { return Unboxed(table_->FindAddress(address)); }

  const std::string path_ = absl::StrCat(testing::TempDir(), "/access-", getpid());
  std::vector<std::string> compiled_;
  std::shared_ptr<const AccessTable> table_;
};

// Each key is found when all keys before it are missing.
TEST_F(AccessTableTest, AnAddressIsLookedUpInTheOrderOfAccess5) {
  const std::vector<std::string> order = {"joe+list@mail.example.com",
                                          "joe@mail.example.com",
                                          "mail.example.com",
                                          ".example.com",
                                          "example.com",
                                          ".com",
                                          "com",
                                          "joe+list@",
                                          "joe@"};
  for (size_t first = 0; first < order.size(); ++first) {
    std::string text;
    for (size_t i = order.size(); i-- > first;) absl::StrAppend(&text, order[i], " ", order[i], "\n");
    ASSERT_THAT(Load("texthash:", text), IsOk());
    EXPECT_EQ(Find("Joe+List@Mail.Example.COM"), order[first]);
  }
}

TEST_F(AccessTableTest, AClientIsLookedUpByNameThenByAddress) {
  const std::vector<std::string> order = {"mx.example.com", ".example.com", "example.com", ".com", "com",
                                          "192.0.2.7",      "192.0.2",      "192.0",       "192"};
  for (size_t first = 0; first < order.size(); ++first) {
    std::string text;
    for (size_t i = order.size(); i-- > first;) absl::StrAppend(&text, order[i], " ", order[i], "\n");
    ASSERT_THAT(Load("texthash:", text), IsOk());
    EXPECT_EQ(Client("MX.example.com", "192.0.2.7"), order[first]);
  }
}

TEST_F(AccessTableTest, TheNetworksOfAnIpv6AddressEndAtColons) {
  for (const char* key : {"2001:db8::1", "2001:db8:", "2001:db8", "2001"}) {
    ASSERT_THAT(Load(absl::StrCat("inline:{ {", key, " = found} }")), IsOk());
    EXPECT_EQ(Client("unknown", "2001:DB8::1"), "found") << key;
    EXPECT_EQ(Client("", "2001:db9::1"), absl::string_view(key) == "2001" ? "found" : "none") << key;
  }
}

TEST_F(AccessTableTest, AClientWithoutANameHasOnlyItsAddress) {
  ASSERT_THAT(Load("inline:{ {unknown = name}, {192.0.2 = network} }"), IsOk());
  EXPECT_EQ(Client("unknown", "192.0.2.7"), "name");
  EXPECT_EQ(Client("", "192.0.2.7"), "network");
  EXPECT_EQ(Client("", "198.51.100.7"), "none");
}

TEST_F(AccessTableTest, AnEntryWithADotIsForWhatIsBelowOnly) {
  ASSERT_THAT(Load("inline:{ {.example.com = below}, {example.net = both} }"), IsOk());
  EXPECT_EQ(Domain("example.com"), "none");
  EXPECT_EQ(Domain("a.b.example.com"), "below");
  EXPECT_EQ(Domain("example.net"), "both");
  EXPECT_EQ(Domain("a.b.example.net"), "both");
  EXPECT_EQ(Domain("badexample.net"), "none");
}

TEST_F(AccessTableTest, TheNullSenderHasAKeyOfItsOwn) {
  ASSERT_THAT(Load("inline:{ {<> = null}, {@ = wrong} }"), IsOk());
  EXPECT_EQ(Find(""), "null");
  EXPECT_EQ(Find("<>"), "null");
}

TEST_F(AccessTableTest, OddInputIsLookedUpAsFarAsItGoes) {
  ASSERT_THAT(Load("inline:{ {postmaster@ = user}, {b.example = domain}, {2.3.4 = wrong}, {3.4] = wrong}, {com. = dot},"
                   " {+a@ = plus}, {@ = wrong} }"),
              IsOk());
  EXPECT_EQ(Find("postmaster"), "user");
  EXPECT_EQ(Find("\"a@x\"@b.example"), "domain");
  EXPECT_EQ(Find("+a@c.example"), "plus");
  EXPECT_EQ(Find("joe@[1.2.3.4]"), "none");
  EXPECT_EQ(Domain("[1.2.3.4]"), "none");
  EXPECT_EQ(Domain("1.2.3.4"), "none");
  EXPECT_EQ(Domain("example.com."), "dot");
  for (const char* text : {".", "..", "...", "a..b", "-", "\xff\xfe"}) {
    EXPECT_EQ(Domain(text), "none") << text;
    EXPECT_EQ(Client(text, text), "none") << text;
    EXPECT_EQ(Find(text), "none") << text;
  }
  EXPECT_EQ(Domain(""), "none");
  EXPECT_EQ(Find(std::string(100000, '.')), "none");
}

TEST_F(AccessTableTest, AValueIsCompiledOnceHoweverManyEntriesHaveIt) {
  ASSERT_THAT(Load("texthash:", "a.example reject\nb.example  ok\nc.example reject\n"), IsOk());
  EXPECT_THAT(compiled_, ElementsAre("reject", "ok"));
  EXPECT_EQ(table_->FindDomain("a.example"), table_->FindDomain("c.example"));
}

TEST_F(AccessTableTest, NetworksAreAskedOnceWithTheWholeAddress) {
  ASSERT_THAT(Load("cidr:", "192.0.2.0/24 reject\n2001:db8::/32 ok\n"), IsOk());
  EXPECT_EQ(Client("mx.example.com", "192.0.2.7"), "reject");
  EXPECT_EQ(Client("unknown", "2001:db8::1"), "ok");
  EXPECT_EQ(Client("unknown", "198.51.100.1"), "none");
  EXPECT_EQ(Domain("192.0.2.1"), "reject");
  EXPECT_EQ(Find("joe@192.0.2.1"), "none");
}

TEST_F(AccessTableTest, PatternsAreAskedOnceWithTheWholeNameOrAddress) {
  ASSERT_THAT(
      Load("proxy:re2:", "/^joe@example\\.com$/ joe\n/^mx\\./ name\n/^192\\./ address\n/^<>$/ null\n/^ann@$/ no\n"),
      IsOk());
  EXPECT_EQ(Find("Joe@example.com"), "joe");
  EXPECT_EQ(Find("joe+list@example.com"), "none");
  EXPECT_EQ(Find("ann@example.com"), "none");
  EXPECT_EQ(Find(""), "null");
  EXPECT_EQ(Client("mx.example.com", "192.0.2.1"), "name");
  EXPECT_EQ(Client("unknown", "192.0.2.1"), "address");
  EXPECT_EQ(Domain("mx.example.com"), "name");
}

TEST_F(AccessTableTest, AValueWithAGroupIsCompiledWhenItIsFound) {
  ASSERT_THAT(Load("re2:", "/^(.*)@list/ reject $1\n/^plain/ reject x\n"), IsOk());
  EXPECT_THAT(compiled_, ElementsAre("reject x"));
  EXPECT_EQ(Find("joe@list.example"), "reject joe");
  EXPECT_EQ(Find("plain@example.com"), "reject x");
}

TEST_F(AccessTableTest, AValueThatIsBadOnlyWithItsGroupCountsAsNothingAndIsToldOnce) {
  const CapturedLog log;
  ASSERT_THAT(Load("re2:", "/^(.*)@/ $1\n"), IsOk());
  EXPECT_EQ(Find("bad1@example.com"), "none");
  EXPECT_EQ(Find("bad2@example.com"), "none");
  EXPECT_EQ(log.lines().size(), 1U);
  EXPECT_TRUE(log.Contains("\"bad1\" counts as nothing: found bad, expected good"));
}

TEST_F(AccessTableTest, ErrorsNameFileAndLine) {
  EXPECT_THAT(Load("texthash:", "a ok\nb bad\n"), FailsWith(absl::StrCat(path_, ":2: found bad, expected good")));
  EXPECT_THAT(Load("cidr:", "192.0.2.1 ok\n192.0.2.2 bad\n"), FailsWith(absl::StrCat(path_, ":2: found bad")));
  EXPECT_THAT(Load("re2:", "/a/ ok\n\n/b/ bad $$1\n"), FailsWith(absl::StrCat(path_, ":3: found bad")));
  EXPECT_THAT(Load("inline:{ {a = bad} }"), FailsWith("inline table: found bad"));
}

TEST_F(AccessTableTest, WhatIsNoTableThatCanBeReadIsRefused) {
  EXPECT_THAT(Load("socketmap:unix:/run/map.sock:access"), FailsWith("expected a table that can be read whole"));
  EXPECT_THAT(Load("pcre:/etc/postfix/access"), FailsWith("expected re2:/PATH"));
  EXPECT_THAT(Load("regexp:/etc/postfix/access"), FailsWith("expected re2:/PATH"));
  EXPECT_THAT(Load("mysql:/etc/postfix/access"), FailsWith("expected texthash:/PATH"));
  EXPECT_THAT(Load("cidr:relative"), FailsWith("expected cidr:/PATH"));
  EXPECT_THAT(Load("re2:"), FailsWith("expected re2:/PATH"));
  EXPECT_THAT(Load("cidr:/nonexistent"), FailsWith("/nonexistent: can not be opened"));
  EXPECT_THAT(Load("texthash:/nonexistent"), FailsWith("/nonexistent: can not be opened"));
}

}  // namespace
}  // namespace verifyd
