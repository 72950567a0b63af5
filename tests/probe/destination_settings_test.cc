#include "probe/destination_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Route PublicRoute() {
  Route route;
  route.destination = "mx1.example.com,mx2.example.com";
  route.endpoints = {{"mx1.example.com", "192.0.2.1"}, {"mx2.example.com", "192.0.2.2"}};
  return route;
}

std::shared_ptr<const ProbeSettings> Find(absl::string_view lines) {
  const auto loaded = DestinationSettings::Load(absl::StrCat("inline:{ ", lines, " }"), ProbeSettings());
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return loaded.ok() ? (*loaded)->Find(PublicRoute(), "example.org") : nullptr;
}

TEST(DestinationSettingsTest, ALineSaysWhatIsOtherwiseAndTheRestStays) {
  const auto found = Find(
      "{example.org = concurrency=7 session_rate=0.5 address_rate=20 recipients=3 tls=encrypt target=data "
      "source=192.0.2.9,2001:db8::9 helo=gw.example.org sender=<>}");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->public_pace.connections, 7);
  EXPECT_EQ(found->configured_pace.connections, 7);
  EXPECT_EQ(found->public_pace.connections_per_second, 0.5);
  EXPECT_EQ(found->public_pace.questions_per_second, 20);
  EXPECT_EQ(found->destination_recipient_limit, 3U);
  EXPECT_EQ(found->tls_level, TlsLevel::kEncrypt);
  EXPECT_TRUE(found->smtp_asks_data);
  EXPECT_THAT(found->bind_addresses, ElementsAre("192.0.2.9"));
  EXPECT_THAT(found->bind_addresses6, ElementsAre("2001:db8::9"));
  EXPECT_EQ(found->helo, "gw.example.org");
  EXPECT_EQ(found->sender, "");
  EXPECT_EQ(found->mx_session_limit, ProbeSettings().mx_session_limit);
}

TEST(DestinationSettingsTest, TheDestinationItselfComesBeforeItsHostsTheirParentsAndTheDomain) {
  const std::vector<std::string> keys = {"mx1.example.com,mx2.example.com", "mx2.example.com", ".example.com", ".com",
                                         "example.org"};
  for (size_t first = 0; first < keys.size(); ++first) {
    std::string lines;
    for (size_t i = keys.size(); i-- > first;) {
      // A comma can not stand in an inline table.
      if (i > 0) absl::StrAppend(&lines, "{", keys[i], " = concurrency=", i + 10, "} ");
    }
    if (first == 0) continue;
    const auto found = Find(lines);
    ASSERT_NE(found, nullptr) << lines;
    EXPECT_EQ(found->public_pace.connections, static_cast<int>(first) + 10) << lines;
  }
  EXPECT_EQ(Find("{example.com = concurrency=1}"), nullptr);
}

TEST(DestinationSettingsTest, ANextHopThatCouldBeAnExchangeIsFoundWithItsTransportAndAlone) {
  Route route;
  route.configured = true;
  route.destination = "smtp:isp.example";
  route.endpoints.push_back({.host = "mx.elsewhere.example", .address = "11.0.0.1"});
  for (const char* const key : {"smtp:isp.example", "isp.example"}) {
    const auto loaded =
        DestinationSettings::Load(absl::StrCat("inline:{ {", key, " = concurrency=9} }"), ProbeSettings());
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    const auto found = (*loaded)->Find(route, "ours.example");
    ASSERT_NE(found, nullptr) << key;
    EXPECT_EQ(found->configured_pace.connections, 9);
  }
}

TEST(DestinationSettingsTest, ALineThatIsWrongIsNamedWithWhatWasExpected) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"concurrency=0", "concurrency: found \"0\", expected a number from 1"},
      {"address_rate=fast", "address_rate: found \"fast\""},
      {"tls=strong", "expected none, may, encrypt, dane, dane-only or secure"},
      {"source=mx.example.com", "source: found \"mx.example.com\", expected IP addresses of ours"},
      {"helo=a_b!", "helo: found"},
      {"sender=joe", "sender: found \"joe\", expected an address"},
      {"colour=red", "expected concurrency, session_rate, address_rate"}};
  for (const auto& [line, message] : wrong) {
    const auto loaded = DestinationSettings::Load(absl::StrCat("inline:{ {x.test = ", line, "} }"), ProbeSettings());
    ASSERT_FALSE(loaded.ok()) << line;
    EXPECT_THAT(loaded.status().message(), HasSubstr(message)) << line;
    EXPECT_THAT(loaded.status().message(), HasSubstr("x.test")) << line;
  }
}

}  // namespace
}  // namespace verifyd
