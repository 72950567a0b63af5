#include "tables/transport_table.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

std::shared_ptr<const TransportTable> Transports(absl::string_view text) {
  auto table = TransportTable::Parse("transport", text);
  EXPECT_THAT(table, IsOk());
  return table.ok() ? *table : nullptr;
}

// Returns "smtp:[host]:25", or "none".
std::string Found(const TransportTable& table, absl::string_view address) {
  const std::optional<Transport> transport = table.Find(Address::Parse(address).value());
  if (!transport.has_value()) return "none";
  return absl::StrCat(transport->name, ":", transport->next_hop.ToString());
}

TEST(NextHopTest, ReadsEveryFormOfARelayhost) {
  struct Case {
    const char* text;
    const char* host;
    bool by_mx;
    uint16_t port;
  };
  for (const Case& c : {Case{"", "", true, 0},
                        {"Relay.example.com", "relay.example.com", true, 0},
                        {"relay.example.com:2525", "relay.example.com", true, 2525},
                        {"[relay.example.com]", "relay.example.com", false, 0},
                        {"[relay.example.com]:587", "relay.example.com", false, 587},
                        {"[relay.example.com]:submission", "relay.example.com", false, 587},
                        {"relay:smtp", "relay", true, 25},
                        {"[192.0.2.1]:25", "192.0.2.1", false, 25},
                        {"192.0.2.1", "192.0.2.1", false, 0},
                        {"[2001:db8::1]:25", "2001:db8::1", false, 25},
                        {"[IPv6:2001:DB8::1]", "2001:db8::1", false, 0}}) {
    const auto hop = NextHop::Parse(c.text);
    ASSERT_THAT(hop, IsOk()) << c.text;
    EXPECT_EQ(hop->host, c.host);
    EXPECT_EQ(hop->by_mx, c.by_mx) << c.text;
    EXPECT_EQ(hop->port, c.port) << c.text;
    EXPECT_EQ(NextHop::Parse(hop->ToString()).value(), *hop) << c.text;
  }
}

TEST(NextHopTest, RefusesWhatIsNoHost) {
  for (const char* text : {"[", "[]", "[host", "host:", "host:0", "host:65536", "host:smtpx", "[host]x",
                           "[host]:", "host..example", ".host", "[a]:25, [", "2001:db8::1", ":25", "h\xc3\xa4"}) {
    EXPECT_THAT(NextHop::Parse(text), FailsWith("expected host, host:port, [host] or [host]:port")) << text;
  }
}

TEST(TransportTableTest, LooksUpInTheOrderOfTransport5) {
  const auto table = Transports(
      "joe@a.b.example.com smtp:[user]\n"
      "a.b.example.com     smtp:[domain]\n"
      ".b.example.com      smtp:[parent]\n"
      ".example.com        smtp:[grandparent]\n"
      "example.com         relay:[self]:2525\n"
      "*                   :[rest]\n");
  EXPECT_EQ(Found(*table, "joe@a.b.example.com"), "smtp:[user]");
  EXPECT_EQ(Found(*table, "ann@a.b.example.com"), "smtp:[domain]");
  EXPECT_EQ(Found(*table, "ann@c.b.example.com"), "smtp:[parent]");
  EXPECT_EQ(Found(*table, "ann@b.example.com"), "smtp:[grandparent]");
  EXPECT_EQ(Found(*table, "ann@example.com"), "relay:[self]:2525");
  EXPECT_EQ(Found(*table, "ann@example.net"), ":[rest]");
  EXPECT_EQ(Found(*table, "ann@[192.0.2.1]"), ":[rest]");
}

TEST(TransportTableTest, ADomainDoesNotMatchItsSubdomainsWithoutTheDot) {
  const auto table = Transports("example.com smtp:[a]\n");
  EXPECT_EQ(Found(*table, "joe@www.example.com"), "none");
  EXPECT_EQ(Found(*table, "joe@example.com"), "smtp:[a]");
}

TEST(TransportTableTest, CaseDoesNotMatter) {
  const auto table = Transports("Joe@Example.COM SMTP:[HOST]\n");
  EXPECT_EQ(Found(*table, "jOE@eXAMPLE.com"), "smtp:[host]");
}

TEST(TransportTableTest, LongLinesContinueOverCommentsAndEmptyLines) {
  const auto table = Transports(
      "# a comment\n"
      "\n"
      "example.com\n"
      "  # inside\n"
      "\n"
      "\tsmtp:[a]\r\n"
      "example.net smtp:[b]");
  EXPECT_EQ(table->size(), 2U);
  EXPECT_EQ(Found(*table, "joe@example.com"), "smtp:[a]");
  EXPECT_EQ(Found(*table, "joe@example.net"), "smtp:[b]");
}

TEST(TransportTableTest, AQuotedLocalPartMayHoldSpaces) {
  const auto table = Transports("\"joe doe\"@example.com smtp:[a]\n");
  EXPECT_EQ(Found(*table, "\"joe doe\"@example.com"), "smtp:[a]");
}

TEST(TransportTableTest, OtherTransportsKeepTheirNamesAndAreNotSmtp) {
  const auto table = Transports(
      "local.example.com local:\n"
      "gone.example.com error:mail for this domain is over, since 2020: sorry\n"
      "all.example.com  smtp:\n"
      "same.example.com :\n");
  EXPECT_EQ(Found(*table, "joe@local.example.com"), "local:");
  EXPECT_EQ(Found(*table, "joe@gone.example.com"), "error:");
  EXPECT_FALSE(table->Find(Address::Parse("joe@gone.example.com").value())->kind == Transport::Kind::kSmtp);
  EXPECT_TRUE(table->Find(Address::Parse("joe@all.example.com").value())->kind == Transport::Kind::kSmtp);
  EXPECT_EQ(Found(*table, "joe@same.example.com"), ":");
}

TEST(TransportTableTest, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_THAT(TransportTable::Parse("/etc/t", "a smtp:\n\nexample.com\n"),
              FailsWith("/etc/t:3: transport \"\": expected TRANSPORT:NEXTHOP"));
  EXPECT_THAT(TransportTable::Parse("/etc/t", "a\n smtp:[b\n"), FailsWith("/etc/t:1: next hop \"[b\": expected host"));
  EXPECT_THAT(TransportTable::Parse("/etc/t", " smtp:[b]\n"),
              FailsWith("/etc/t:1: \"smtp:[b]\": expected a pattern at the start of the line"));
}

TEST(TransportTableTest, TheFirstOfTwoEqualPatternsCountsAndTheSecondIsLogged) {
  const CapturedLog log;
  const auto table = Transports("example.com smtp:[a]\nEXAMPLE.com smtp:[b]\n");
  EXPECT_EQ(Found(*table, "joe@example.com"), "smtp:[a]");
  EXPECT_TRUE(log.Contains("transport:2: duplicate entry \"EXAMPLE.com\""));
}

TEST(TransportTableTest, AListOfNextHopsIsAskedInOrder) {
  const NextHop list = *NextHop::Parse("[A]:587, b:submissions\t[c]:smtps");
  EXPECT_EQ(list.host, "a");
  ASSERT_EQ(list.others.size(), 2U);
  EXPECT_EQ(list.others[0].port, 465);
  EXPECT_TRUE(list.others[0].by_mx);
  EXPECT_EQ(list.ToString(), "[a]:587, b:465, [c]:465");
  EXPECT_EQ(*NextHop::Parse(list.ToString()), list);
  EXPECT_THAT(NextHop::Parse("[a], [b"), FailsWith("next hop \"[b\""));
  EXPECT_FALSE(NextHop::Parse(" ")->given());
}

TEST(TransportTableTest, ALineThatPostfixUnderstandsAndWeDoNotBrokeTheWholeTable) {
  std::vector<absl::Status> faults;
  const auto table =
      TransportTable::Load("inline:{ {odd.test = smtp:[a]:odd} {fine.test = smtp:[b]} }", {.smtp = {"smtp"}}, &faults);
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(faults, testing::ElementsAre(FailsWith("[a]:odd")));
  EXPECT_EQ(Found(**table, "joe@fine.test"), "smtp:[b]");
  EXPECT_EQ((*table)->Find(Address::Parse("joe@odd.test").value())->kind, Transport::Kind::kBroken);
}

TEST(TransportTableTest, LoadsAFile) {
  const std::string path = testing::TempDir() + "/verifyd_transport";
  std::ofstream(path) << "example.com smtp:[a]\n";
  const auto table = TransportTable::Load("texthash:" + path, {.smtp = {"smtp"}});
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(Found(**table, "joe@example.com"), "smtp:[a]");
  std::remove(path.c_str());
  EXPECT_THAT(TransportTable::Load("texthash:" + path, {.smtp = {"smtp"}}), FailsWith("can not be opened"));
  EXPECT_THAT(TransportTable::Load("mysql:/etc/postfix/transport", {.smtp = {"smtp"}}),
              FailsWith("expected texthash:/PATH"));
  EXPECT_THAT(TransportTable::Load("texthash:", {.smtp = {"smtp"}}), FailsWith("expected texthash:/PATH"));
  EXPECT_THAT(TransportTable::Load("texthash:/", {.smtp = {"smtp"}}), FailsWith("/: can not be read"));
}

}  // namespace
}  // namespace verifyd
