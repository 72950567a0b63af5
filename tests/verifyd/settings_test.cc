#include "verifyd/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/status_matchers.h"
#include "verifyd/configuration.h"

namespace verifyd {
namespace {

absl::StatusOr<Settings> Load(absl::string_view text) {
  const auto file = ParseSettingFile("verifyd.cf", text);
  EXPECT_THAT(file, IsOk());
  return Settings::Load(*file, {});
}

absl::StatusOr<Configuration> Configure(absl::string_view text) {
  const absl::StatusOr<Settings> settings = Load(text);
  if (!settings.ok()) return settings.status();
  return Configuration::Create(*settings);
}

bool Warns(const Configuration& configuration, absl::string_view part) {
  return std::any_of(configuration.warnings.begin(), configuration.warnings.end(),
                     [&](const std::string& warning) { return warning.find(std::string(part)) != std::string::npos; });
}

TEST(SettingsTest, TheTableIsSortedAndItsDefaultsAreValid) {
  const std::vector<SettingRow>& table = Settings::Table();
  EXPECT_TRUE(std::is_sorted(table.begin(), table.end(),
                             [](const SettingRow& a, const SettingRow& b) { return a.name < b.name; }));
  EXPECT_THAT(Settings::Load({}, {}), IsOk());
  for (const SettingRow& row : table) {
    EXPECT_EQ(Settings::FindRow(row.name), &row);
    EXPECT_FALSE(row.documentation.empty()) << row.name;
  }
  EXPECT_EQ(Settings::FindRow("nonsense"), nullptr);
}

TEST(SettingsTest, DefaultsArePostfixOnes) {
  const Settings settings = *Settings::Load({}, {});
  EXPECT_EQ(settings.Time("address_verify_positive_expire_time"), absl::Hours(31 * 24));
  EXPECT_EQ(settings.Time("address_verify_negative_refresh_time"), absl::Hours(3));
  EXPECT_EQ(settings.Number("unverified_recipient_reject_code"), 450);
  EXPECT_EQ(settings.Text("address_verify_sender"), "double-bounce");
  EXPECT_EQ(settings.Text("unverified_sender_tempfail_action"), "defer_if_permit");
}

TEST(SettingsTest, StressChangesTheNumberOfPolls) {
  const Settings settings = *Settings::Load({}, {});
  EXPECT_EQ(settings.Number("address_verify_poll_count"), 3);
  EXPECT_EQ(settings.Number("address_verify_poll_count", "yes"), 1);
}

TEST(SettingsTest, AnUnknownNameIsAnErrorThatSuggestsTheNearest) {
  EXPECT_THAT(Load("unverified_recipient_reject_cod = 550\n"),
              FailsWith("verifyd.cf:1: unknown setting \"unverified_recipient_reject_cod\"; did you mean "
                        "\"unverified_recipient_reject_code\"?"));
  EXPECT_THAT(Load("completely_different_thing = 1\n"), FailsWith("unknown setting"));
}

TEST(SettingsTest, APostfixParameterWithoutMeaningIsAWarning) {
  const auto settings = Load("mail_owner = postfix\n");
  ASSERT_THAT(settings, IsOk());
  EXPECT_THAT(settings->warnings(), testing::ElementsAre(testing::HasSubstr("mail_owner")));
}

TEST(SettingsTest, ValuesOutOfRangeOrTypeNameFileLineAndWhatWasExpected) {
  EXPECT_THAT(Load("\nunverified_recipient_reject_code = 600\n"), FailsWith("verifyd.cf:2"));
  EXPECT_THAT(Load("unverified_recipient_reject_code = 600\n"), FailsWith("whole number from 200 to 599"));
  EXPECT_THAT(Load("address_verify_poll_delay = soon\n"), FailsWith("expected a whole number and one of the units"));
  EXPECT_THAT(Load("address_verify_poll_delay = 0\n"), FailsWith("expected at least 1s"));
  EXPECT_THAT(Load("dry_run = maybe\n"), FailsWith("expected yes or no"));
  EXPECT_THAT(Load("log_decisions = some\n"), FailsWith("expected one of all|refused|none"));
  EXPECT_THAT(Load("myorigin = $nonsense\n"), FailsWith("unknown setting \"$nonsense\""));
}

TEST(SettingsTest, AValueThatIsBadOnlyUnderStressIsFoundAtLoad) {
  EXPECT_THAT(Load("address_verify_poll_count = ${stress?{many}:{3}}\n"), FailsWith("found \"many\""));
}

TEST(SettingsTest, OptionsWinOverTheFile) {
  const auto file = ParseSettingFile("f", "dry_run = no\n");
  const Settings settings = *Settings::Load(*file, {*ParseSettingOption("dry_run=yes")});
  EXPECT_TRUE(settings.YesNo("dry_run"));
}

TEST(SettingsTest, ABareNumberTakesTheUnitOfTheDefault) {
  EXPECT_EQ(Load("address_verify_positive_expire_time = 10\n")->Time("address_verify_positive_expire_time"),
            absl::Hours(240));
}

TEST(ConfigurationTest, PatienceIsOnePollLessThanTheCount) {
  const auto configuration = Configure("verify_domains = *\n");
  ASSERT_THAT(configuration, IsOk());
  EXPECT_EQ(configuration->restrictions->patience, absl::Seconds(6));
  EXPECT_EQ(configuration->restrictions->stress_patience, absl::ZeroDuration());
}

TEST(ConfigurationTest, WarnsWhenNothingWouldBeVerified) {
  EXPECT_TRUE(Warns(*Configure(""), "nothing would be verified"));
  EXPECT_FALSE(Warns(*Configure("relay_domains = example.com\n"), "nothing would be verified"));
}

TEST(ConfigurationTest, WarnsThatKnownBadRecipientsAreOnlyDeferred) {
  EXPECT_TRUE(Warns(*Configure(""), "set unverified_recipient_reject_code = 550"));
  EXPECT_FALSE(Warns(*Configure("unverified_recipient_reject_code = 550\n"), "reject_code = 550"));
}

TEST(ConfigurationTest, AForeignMapTypeStartsAsLmdbBesideIt) {
  const auto configuration = Configure("address_verify_map = proxy:btree:/var/lib/postfix/verify_cache\n");
  ASSERT_THAT(configuration, IsOk());
  EXPECT_EQ(configuration->cache.path, "/var/lib/postfix/verify_cache");
  EXPECT_EQ(configuration->cache.map_name, "lmdb:/var/lib/postfix/verify_cache");
  EXPECT_TRUE(Warns(*configuration, "a Postfix cache is left alone"));
  EXPECT_THAT(Configure("address_verify_map = memcache:/etc/x\n"), FailsWith("expected lmdb:/PATH"));
}

TEST(ConfigurationTest, ErrorsNameTheSetting) {
  EXPECT_THAT(Configure("policy_listen = tcp:1.2.3.4:5\n"), FailsWith("policy_listen: found \"tcp:1.2.3.4:5\""));
  EXPECT_THAT(Configure("probe_permit_networks = 10.0.0.1/8\n"), FailsWith("probe_permit_networks"));
  EXPECT_THAT(Configure("recipient_restrictions = permit_everything\n"), FailsWith("recipient_restrictions"));
  EXPECT_THAT(Configure("recipient_restrictions = warn_if_reject\n"), FailsWith("stands last"));
  EXPECT_THAT(Configure("verify_domains = a..b\n"), FailsWith("verify_domains"));
  EXPECT_THAT(Configure("address_verify_transport_maps = texthash:/nonexistent/transport\n"),
              FailsWith("/nonexistent/transport"));
  EXPECT_THAT(Configure("address_verify_sender = @example.com\n"), FailsWith("address_verify_sender"));
  EXPECT_THAT(Configure("syslog_facility = male\n"), FailsWith("syslog_facility"));
}

TEST(SettingsTest, AllErrorsAreToldAtOnceEachWithFileAndLine) {
  const absl::StatusOr<Configuration> configuration = Configuration::Create(*[] {
    std::vector<std::string> errors;
    return std::make_unique<Settings>(
        Settings::Read(ReadSettingLines("verifyd.cf",
                                        "relay_domain = a.test\n"
                                        "dry_run = maybe\n"
                                        "\n"
                                        "policy_listen = tcp:1, inet:0.0.0.0:1\n"
                                        "transport_maps = texthash:/nonexistent/transport\n"
                                        "recipient_restrictions = permit_everything\n"
                                        "mynetworks = 10.0.0.1/8\n"
                                        "smtp_helo_name = a..b\n",
                                        errors),
                       {}));
  }());
  ASSERT_FALSE(configuration.ok());
  const std::vector<std::string> lines = absl::StrSplit(configuration.status().message(), '\n');
  for (const absl::string_view line :
       {"verifyd.cf:1: unknown setting \"relay_domain\"", "verifyd.cf:2: dry_run = maybe",
        "verifyd.cf:4: policy_listen: found \"tcp:1\"", "verifyd.cf:4: policy_listen: found inet:0",
        "verifyd.cf:5: transport_maps: /nonexistent/transport",
        "verifyd.cf:6: recipient_restrictions: ", "verifyd.cf:7: mynetworks: ", "verifyd.cf:8: smtp_helo_name: "}) {
    EXPECT_THAT(lines, testing::Contains(testing::StartsWith(std::string(line))));
  }
  EXPECT_EQ(lines.size(), 8U) << configuration.status().message();
}

TEST(SettingsTest, LinesThatAreNoSettingsAreToldTogether) {
  std::vector<std::string> errors;
  const std::vector<Assignment> read =
      ReadSettingLines("f", "  early\nno setting\n  goes on\nname = value\nx y = z\nlast = one\n two\n", errors);
  EXPECT_THAT(errors, testing::ElementsAre(testing::StartsWith("f:1: found a continuation"),
                                           testing::StartsWith("f:2: "), testing::StartsWith("f:5: ")));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[1].value, "one two");
}

TEST(SettingsTest, WhatRefersToItselfIsBlamedAndNotWhatRefersToIt) {
  const absl::StatusOr<Settings> itself = Load("mydestination = $myhostname\nmyhostname = $myhostname\n");
  EXPECT_EQ(itself.status().message(), "verifyd.cf:2: myhostname = $myhostname: it refers to itself");
  EXPECT_THAT(Load("myorigin = $relayhost\nrelayhost = ${myorigin?x}\n"),
              FailsWith("verifyd.cf:1: myorigin = $relayhost: it refers to itself\nverifyd.cf:2: relayhost"));
}

TEST(SettingsTest, AFileThatCanNotBeReadSaysWhy) {
  const std::string folder = testing::TempDir();
  EXPECT_THAT(Settings::LoadFile(folder, {}), FailsWith("can not read settings file " + folder + ": it is a folder"));
  EXPECT_THAT(Settings::LoadFile("/nonexistent/verifyd.cf", {}), FailsWith(": No such file or directory"));
  const std::string path = folder + "/binary.cf";
  std::ofstream(path, std::ios::binary) << std::string(
      "\x7f"
      "ELF\0\0",
      6);
  EXPECT_THAT(Settings::LoadFile(path, {}), FailsWith(": it is no text"));
  std::ofstream(path, std::ios::binary) << std::string(5 << 20, '#');
  EXPECT_THAT(Settings::LoadFile(path, {}), FailsWith(": it is larger than 4 MiB"));
  EXPECT_THAT(Configuration::Load("/", {}), FailsWith("it is a folder"));
  EXPECT_THAT(Configuration::Load("/dev/zero", {}), FailsWith("found a pipe or a device, expected a file"));
}

TEST(ConfigurationTest, AListOfDomainsMayBeAFileAndAnotherOneOfNetworks) {
  const std::string relay = testing::TempDir() + "/relay_domains";
  const std::string networks = testing::TempDir() + "/networks";
  std::ofstream(relay) << "# ours\ncustomer.test\n";
  std::ofstream(networks) << "# theirs\n192.0.2.0/24\n";
  const auto configuration = Configure("relay_domains = " + relay + "\nmynetworks = 127.0.0.0/8, " + networks + "\n");
  ASSERT_THAT(configuration, IsOk());
  EXPECT_TRUE(configuration->verifier->verify_domains.Contains(*Address::Parse("a@mail.customer.test")));
  EXPECT_TRUE(configuration->restrictions->mynetworks.Contains("192.0.2.1"));
  std::vector<std::string> watched;
  for (const TableFile& file : configuration->table_files) watched.push_back(file.path);
  EXPECT_THAT(watched, testing::Contains(relay));
}

TEST(ConfigurationTest, SubdomainsBelongToRelayDomainsUnlessTheListOfListsSaysOtherwise) {
  const Address below = *Address::Parse("a@mail.customer.test");
  EXPECT_TRUE(Configure("relay_domains = customer.test\n")->probe->relay_domains.Contains(below));
  EXPECT_FALSE(Configure("relay_domains = customer.test\nparent_domain_matches_subdomains =\n")
                   ->probe->relay_domains.Contains(below));
}

TEST(ConfigurationTest, AClassHasItsListAndAListItsClass) {
  const auto created = [](std::vector<Assignment> file) -> absl::Status {
    file.push_back({"myhostname", "gw.example.org", "test"});
    const absl::StatusOr<Settings> settings = Settings::Load(file, {});
    return settings.ok() ? Configuration::Create(*settings).status() : settings.status();
  };
  EXPECT_THAT(created({{"restriction_classes", "strict", "test"}, {"strict_restrictions", "reject", "test"}}), IsOk());
  EXPECT_THAT(created({{"restriction_classes", "strict", "test"}}), FailsWith("expected strict_restrictions as well"));
  EXPECT_THAT(created({{"strict_restrictions", "reject", "test"}}), FailsWith("is to stand in restriction_classes"));
  EXPECT_THAT(created({{"restriction_classes", "strict", "test"}, {"Strict_restrictions", "reject", "test"}}),
              FailsWith("Strict_restrictions"));
}

TEST(ConfigurationTest, NoDoorOpensBeyondLoopbackUnlessToldSo) {
  for (const std::string address : {"inet:0.0.0.0:1", "inet:[::]:1", "inet:1@192.0.2.1"}) {
    const std::string line = "policy_listen = inet:127.0.0.1:2, " + address + "\n";
    EXPECT_THAT(Configure(line), FailsWith("which other machines may reach, expected a loopback address, or "
                                           "listen_beyond_loopback = yes"));
    EXPECT_THAT(Configure(line + "listen_beyond_loopback = yes\n"), IsOk());
  }
  EXPECT_THAT(Configure("policy_listen = inet:0.0.0.0:1\n"), FailsWith("policy_listen: found inet:0.0.0.0:1"));
}

TEST(ConfigurationTest, ASocketMayHaveItsModeAndOwnersInBraces) {
  const auto configuration = Configure("policy_listen = { unix:/run/x, mode=0660, group=postfix }, local:/run/y\n");
  ASSERT_THAT(configuration, IsOk());
  const std::vector<ListenAddress>& listen = configuration->doors.front().listen;
  ASSERT_EQ(listen.size(), 2U);
  EXPECT_EQ(listen[0].mode, 0660U);
  EXPECT_EQ(listen[0].group, "postfix");
  EXPECT_EQ(listen[1].mode, 0666U);
}

TEST(ConfigurationTest, MydomainIsMyhostnameWithoutItsFirstLabel) {
  const auto configuration = Configure("myhostname = gw.example.com\nmyorigin = $mydomain\n");
  ASSERT_THAT(configuration, IsOk());
  EXPECT_EQ(configuration->verifier->probe_sender.At(absl::Now()), "double-bounce@example.com");
}

TEST(SettingsTest, AParameterOfPostfixThatHadARowWasStillSaidToHaveNoMeaning) {
  for (const SettingRow& row : Settings::Table()) {
    const std::vector<Assignment> file = {{std::string(row.name), std::string(row.default_value), "test"}};
    const auto settings = Settings::Load(file, {});
    EXPECT_TRUE(settings.ok() && settings->warnings().empty() && settings->IsSet(row.name)) << row.name;
  }
}

TEST(ConfigurationTest, UnknownUsersOfAliasesAndMailboxesWerePassedOverWhereVerifyDomainsWasNotSet) {
  const std::string classes =
      "myhostname = gw.example\nmydestination = town.example\nrelay_domains = relay.example\n"
      "virtual_alias_domains = alias.example\nvirtual_mailbox_domains = box.example\n";
  const auto verifies = [](const std::string& text, absl::string_view address) {
    const auto configuration = Configure(text);
    EXPECT_THAT(configuration, IsOk());
    return configuration->verifier->verify_domains.Contains(*Address::Parse(address));
  };
  EXPECT_TRUE(verifies(classes, "joe@relay.example"));
  EXPECT_TRUE(verifies(classes, "joe@alias.example"));
  EXPECT_FALSE(verifies(classes, "joe@box.example")) << "virtual(8) can not be asked";
  EXPECT_FALSE(verifies(classes, "joe@town.example")) << "nor can local(8)";
  const std::string lmtp = classes +
                           "address_verify_virtual_transport = lmtp:unix:/run/lmtp\n"
                           "address_verify_local_transport = lmtp:inet:127.0.0.1:24\n";
  EXPECT_TRUE(verifies(lmtp, "joe@box.example"));
  EXPECT_TRUE(verifies(lmtp, "joe@town.example"));
  EXPECT_FALSE(verifies(lmtp + "verify_domains = relay.example\n", "joe@box.example")) << "the operator's word";
}

TEST(ConfigurationTest, SaysWhichChangesNeedARestart) {
  const auto before = Configure("myhostname = a.example\n");
  const auto after = Configure("myhostname = a.example\npolicy_listen = inet:127.0.0.1:1\ndry_run = yes\n");
  EXPECT_THAT(ChangedButNotReloadable(*before->settings, *after->settings), testing::ElementsAre("policy_listen"));
}

}  // namespace
}  // namespace verifyd
