#include "verifyd/settings/postfix_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/settings/postfix_parameters.h"
#include "verifyd/settings/settings.h"
#include "verifyd/table_watch.h"

namespace verifyd {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A folder with a main.cf, and what postconf would say of it.
class PostfixSettingsTest : public testing::Test {
 protected:
  PostfixSettingsTest() {
    std::string folder = testing::TempDir() + "/postfix_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~PostfixSettingsTest() override { std::filesystem::remove_all(folder_); }

  // Written to main.cf, and said by postconf.
  void SetInMainCf(const std::vector<std::pair<std::string, std::string>>& values) {
    std::ofstream file(folder_ + "/main.cf");
    for (const auto& [name, value] : values) {
      file << name << " = " << value << "\n";
      said_[name] = value;
    }
  }
  absl::StatusOr<std::string> Postconf(const std::vector<std::string>& arguments) {
    ++asked_;
    EXPECT_EQ(arguments[0], "-c");
    EXPECT_EQ(arguments[1], folder_);
    if (!fault_.ok()) return fault_;
    if (arguments[2] == "-M") return services_;
    if (arguments[2] == "-P") return options_;
    EXPECT_EQ(arguments[2], "-x");
    std::string text;
    for (size_t i = 3; i < arguments.size(); ++i) {
      const auto found = said_.find(arguments[i]);
      if (found != said_.end()) absl::StrAppend(&text, found->first, " = ", found->second, "\n");
    }
    return text;
  }
  AskPostconf Ask() {
    return [this](const std::vector<std::string>& arguments) { return Postconf(arguments); };
  }
  // With `text` as verifyd.cf.
  Settings Taken(const std::string& text = "") {
    std::vector<std::string> errors;
    Settings settings = Settings::Read(
        ReadSettingLines("verifyd.cf", absl::StrCat("postfix_config_directory = ", folder_, "\n", text), errors), {});
    EXPECT_THAT(errors, IsEmpty());
    settings.TakeFromPostfix({.ask = Ask()});
    return settings;
  }
  absl::StatusOr<Configuration> Configured(const std::string& text = "") {
    return Configuration::Create(Taken(absl::StrCat("address_verify_map =\n", text)), {.ask = Ask()});
  }
  std::string MainCf(int line) const { return absl::StrCat(folder_, "/main.cf:", line); }

  std::string folder_;
  std::map<std::string, std::string> said_ = {{"myhostname", "gw.example.org"}};
  std::string services_;
  std::string options_;
  absl::Status fault_;
  int asked_ = 0;
};

TEST_F(PostfixSettingsTest, WhatVerifydCfDoesNotSetIsTakenFromMainCf) {
  SetInMainCf({{"relay_domains", "customer.test"}, {"relayhost", "[smtp.example.net]"}});
  said_["address_verify_relayhost"] = "[smtp.example.net]";
  const Settings settings = Taken("relay_domains = ours.test\n");
  EXPECT_EQ(settings.Text("relay_domains"), "ours.test");
  EXPECT_EQ(settings.Source("relay_domains"), "verifyd.cf:2");
  EXPECT_EQ(settings.Text("address_verify_relayhost"), "[smtp.example.net]");
  EXPECT_EQ(settings.Source("relayhost"), MainCf(2));
  EXPECT_EQ(settings.Source("myhostname"), "default of Postfix");
  EXPECT_EQ(settings.Source("dry_run"), "default");
  EXPECT_TRUE(settings.IsSet("relayhost"));
  EXPECT_TRUE(settings.IsFromPostfix("relayhost"));
  EXPECT_FALSE(settings.IsFromPostfix("relay_domains"));
}

TEST_F(PostfixSettingsTest, MyoriginOfDebianIsTheFirstLineOfItsFile) {
  std::ofstream(folder_ + "/mailname") << "Mail.Example.org\nanother\n";
  SetInMainCf({{"myorigin", folder_ + "/mailname"}, {"relay_domains", "customer.test"}});
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_THAT(configuration->warnings, Not(Contains(HasSubstr("myorigin"))));
  EXPECT_EQ(configuration->probe->myorigin, "mail.example.org");
  EXPECT_EQ(configuration->verifier->probe_sender.At(absl::UnixEpoch()), "double-bounce@mail.example.org");
  EXPECT_TRUE(absl::c_any_of(configuration->table_files,
                             [&](const TableFile& file) { return file.path == folder_ + "/mailname"; }));
}

TEST_F(PostfixSettingsTest, MyoriginOfPostfixThatIsNoDomainIsAWarning) {
  for (const absl::string_view origin : {"/nonexistent/mailname", "not a domain"}) {
    SetInMainCf({{"myorigin", std::string(origin)}, {"relay_domains", "customer.test"}});
    const absl::StatusOr<Configuration> configuration = Configured();
    ASSERT_THAT(configuration, IsOk());
    EXPECT_THAT(configuration->warnings, Contains(AllOf(HasSubstr("myorigin"), HasSubstr("the default holds"))));
    EXPECT_EQ(configuration->probe->myorigin, "gw.example.org");
  }
}

TEST_F(PostfixSettingsTest, WherePostfixCanNotBeAskedItsTablesAreNotTakenForEmpty) {
  SetInMainCf({{"relay_domains", "customer.test"}});
  fault_ = absl::UnavailableError("postconf: could not find any active network interfaces");
  const absl::StatusOr<Configuration> configuration = Configured("verify_domains = ours.test\n");
  ASSERT_THAT(configuration, IsOk());
  EXPECT_THAT(configuration->settings->postfix_error(), HasSubstr("active network interfaces"));
  ASSERT_EQ(configuration->probe->virtual_alias_maps.size(), 1U);
  EXPECT_TRUE(configuration->probe->virtual_alias_maps[0]->remote().has_value());
  EXPECT_EQ(configuration->probe->transport_maps.size(), 1U);
  EXPECT_EQ(Configured("virtual_alias_maps =\n")->probe->virtual_alias_maps.size(), 0U);
}

TEST_F(PostfixSettingsTest, WhereThereIsNoMainCfThereIsNothingToKnow) {
  fault_ = absl::UnavailableError("postconf: open main.cf: No such file or directory");
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_EQ(configuration->settings->postfix_error(), "");
  EXPECT_THAT(configuration->probe->virtual_alias_maps, IsEmpty());
}

TEST_F(PostfixSettingsTest, TheMainCfOfAPostfixThatWasRemovedIsNotMissed) {
  SetInMainCf({{"relay_domains", "customer.test"}});
  fault_ = absl::NotFoundError("there is no postconf(1)");
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_EQ(configuration->settings->postfix_error(), "");
  EXPECT_THAT(configuration->probe->virtual_alias_maps, IsEmpty());
}

TEST_F(PostfixSettingsTest, NothingIsAskedWithoutAFolder) {
  Settings settings = *Settings::Load({}, {});
  settings.TakeFromPostfix({.ask = Ask()});
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(settings.postfix(), nullptr);
}

TEST_F(PostfixSettingsTest, ADefaultOfPostfixFollowsWhatVerifydCfSays) {
  SetInMainCf({{"transport_maps", "hash:/etc/postfix/transport"}});
  said_["address_verify_transport_maps"] = "hash:/etc/postfix/transport";
  said_["mydestination"] = "gw.example.org, localhost.example.org, localhost";
  said_["mydomain"] = "example.org";
  const Settings mixed = Taken("transport_maps = hash:/etc/verifyd/transport\nmyhostname = mx.other.test\n");
  EXPECT_EQ(mixed.Text("address_verify_transport_maps"), "hash:/etc/verifyd/transport");
  EXPECT_EQ(Taken().Text("address_verify_transport_maps"), "hash:/etc/postfix/transport");
  Settings named = mixed;
  named.SetSystemHostName("ignored.test");
  EXPECT_EQ(named.Text("mydestination"), "mx.other.test, localhost.other.test, localhost");
}

TEST_F(PostfixSettingsTest, WhatPostconfHasExpandedIsNotExpandedAgain) {
  SetInMainCf({{"myorigin", "dollar$mydomain.test"}});
  EXPECT_EQ(Taken().Text("myorigin"), "dollar$mydomain.test");
  EXPECT_EQ(Taken("smtp_helo_name = x.$myorigin\n").Text("smtp_helo_name"), "x.dollar$mydomain.test");
}

TEST_F(PostfixSettingsTest, WhatTheRecipesChangeIsNeverTaken) {
  SetInMainCf({{"address_verify_map", "btree:/x"},
               {"address_verify_poll_count", "99"},
               {"address_verify_poll_delay", "1d"},
               {"address_verify_service_name", "verifyd"},
               {"data_directory", "/elsewhere"},
               {"syslog_name", "postfix"}});
  const Settings settings = Taken();
  for (const Setting ours : {Setting("address_verify_map"), Setting("address_verify_poll_count"),
                             Setting("address_verify_poll_delay"), Setting("data_directory"), Setting("syslog_name")}) {
    EXPECT_FALSE(settings.IsSet(ours)) << ours.name();
    EXPECT_FALSE(IsTakenFromPostfix(ours)) << ours.name();
  }
  EXPECT_THAT(settings.warnings(), IsEmpty());
}

TEST_F(PostfixSettingsTest, OfTheClientOnlyWhatMainCfSetsIsTaken) {
  SetInMainCf({{"smtp_helo_timeout", "100s"}});
  said_["address_verify_pending_request_limit"] = "5000";
  said_["smtp_tls_security_level"] = "";
  const Settings settings = Taken();
  EXPECT_EQ(settings.Time("smtp_helo_timeout"), absl::Seconds(100));
  EXPECT_EQ(settings.Number("address_verify_pending_request_limit"), 20000);
  EXPECT_EQ(settings.Text("smtp_tls_security_level"), "may");
}

TEST_F(PostfixSettingsTest, WordsOfPostfixAreUnderstood) {
  SetInMainCf({{"smtp_tcp_port", "submission"}, {"inet_protocols", "ipv4, ipv6"}, {"smtp_tls_security_level", ""}});
  const Settings settings = Taken();
  EXPECT_EQ(settings.Number("smtp_tcp_port"), 587);
  EXPECT_EQ(settings.Text("inet_protocols"), "all");
  EXPECT_EQ(settings.Text("smtp_tls_security_level"), "none");
  EXPECT_THAT(settings.warnings(), IsEmpty());
}

TEST_F(PostfixSettingsTest, AWordThatCanNotBeUsedIsAWarningAndTheDefaultHolds) {
  SetInMainCf({{"relayhost", ""}, {"smtp_tls_security_level", "odd"}});
  const Settings settings = Taken();
  EXPECT_EQ(settings.Text("smtp_tls_security_level"), "may");
  EXPECT_THAT(settings.warnings(), ElementsAre(HasSubstr(MainCf(2) + ": smtp_tls_security_level = odd")));
  EXPECT_THAT(settings.errors(), IsEmpty());
}

TEST_F(PostfixSettingsTest, WithoutPostconfTheSettingsHoldAndAWarningSaysWhatToDo) {
  SetInMainCf({{"relay_domains", "customer.test"}});
  fault_ = absl::UnavailableError("postconf: fatal: open main.cf: No such file or directory");
  const absl::StatusOr<Configuration> configuration = Configured("verify_domains = ours.test\n");
  ASSERT_THAT(configuration, IsOk());
  EXPECT_THAT(configuration->warnings,
              Contains(AllOf(HasSubstr("postfix_config_directory = " + folder_), HasSubstr("No such file or directory"),
                             HasSubstr("mend it, or set"))));
}

TEST_F(PostfixSettingsTest, AtAReloadWhatWasTakenBeforeStaysWhilePostconfFails) {
  SetInMainCf({{"relay_domains", "customer.test"}});
  const Settings before = Taken();
  fault_ = absl::UnavailableError("postconf: fatal: main.cf, line 3");
  Settings after = *Settings::Load({{"postfix_config_directory", folder_, "verifyd.cf:1"}}, {});
  after.TakeFromPostfix({.ask = Ask(), .before = before.postfix()});
  EXPECT_EQ(after.Text("relay_domains"), "customer.test");
  EXPECT_THAT(after.warnings(), ElementsAre(HasSubstr("what was taken before stays in force")));
  // But not what was taken from another folder.
  Settings other = *Settings::Load({{"postfix_config_directory", folder_, "verifyd.cf:1"}}, {});
  PostfixSettings elsewhere = *before.postfix();
  elsewhere.directory = "/elsewhere";
  other.TakeFromPostfix({.ask = Ask(), .before = std::make_shared<const PostfixSettings>(elsewhere)});
  EXPECT_EQ(other.Text("relay_domains"), "");
}

TEST_F(PostfixSettingsTest, ATableThatCanNotBeReadIsBrokenWithAWarning) {
  SetInMainCf({{"relay_domains", "customer.test, mysql:/etc/postfix/relay.cf"},
               {"virtual_alias_maps", "ldap:/etc/postfix/aliases.cf, inline:{joe@customer.test=jim@customer.test}"},
               {"proxy_interfaces", "nat.example.net, 192.0.2.9"},
               {"mynetworks", "hash:/etc/postfix/networks, 192.0.2.0/24"}});
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_TRUE(configuration->probe->relay_domains.Contains(*Address::Parse("a@customer.test")));
  const auto& aliases = configuration->probe->virtual_alias_maps;
  ASSERT_EQ(aliases.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<BrokenTable>(*aliases[0]->remote()));
  EXPECT_FALSE(aliases[1]->remote().has_value());
  const auto broken = [](const Table& table, absl::string_view /*key*/) -> absl::StatusOr<bool> {
    return std::get<BrokenTable>(*table.remote()).why;
  };
  EXPECT_THAT(configuration->probe->relay_domains.Contains(*Address::Parse("a@other.test"), broken),
              FailsWith("mysql:/etc/postfix/relay.cf"));
  EXPECT_THAT(configuration->warnings, Contains(HasSubstr(MainCf(1) + ": relay_domains: mysql:/etc/postfix/relay.cf")));
  EXPECT_THAT(configuration->warnings, Contains(AllOf(HasSubstr(MainCf(3)), HasSubstr("it is left out"))));
  EXPECT_THAT(configuration->warnings, Contains(AllOf(HasSubstr(MainCf(4)), HasSubstr("it is left out"))));
  EXPECT_TRUE(configuration->restrictions->mynetworks.Contains("192.0.2.1"));
  EXPECT_TRUE(configuration->probe->own_addresses.Contains("192.0.2.9"));
  // The same in verifyd.cf is an error.
  EXPECT_THAT(Configured("relay_domains = mysql:/etc/postfix/relay.cf\n"), FailsWith("verifyd.cf:3: relay_domains: "));
}

TEST_F(PostfixSettingsTest, AnAliasTableNamesItsDomains) {
  SetInMainCf({{"virtual_alias_maps", "inline:{ {aliases.test = x} {joe@other.test = jim@aliases.test} }"}});
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_TRUE(configuration->probe->virtual_alias_domains.ContainsExactly("aliases.test"));
  EXPECT_FALSE(configuration->probe->virtual_alias_domains.ContainsExactly("other.test"));
}

TEST_F(PostfixSettingsTest, AnAliasWithoutADomainMadeAWholeTopLevelDomainOurs) {
  SetInMainCf(
      {{"virtual_alias_maps", "inline:{ {info = joe@relay.test} {aliases.test = x} {a@aliases.test = b@x.test} }"},
       {"relay_domains", "relay.test"}});
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  const DomainList& verified = configuration->verifier->verify_domains;
  EXPECT_FALSE(verified.Contains(*Address::Parse("x@foo.info")));
  EXPECT_FALSE(verified.Names(*Address::Parse("x@foo.info")));
  EXPECT_FALSE(verified.Contains(*Address::Parse("x@www.aliases.test"))) << "Postfix does not take mail for it, either";
  EXPECT_TRUE(verified.Contains(*Address::Parse("x@aliases.test")));
  EXPECT_TRUE(verified.Contains(*Address::Parse("x@www.relay.test")));
  EXPECT_EQ(verified.size(), 2U);
  EXPECT_THAT(verified.Domains(), ElementsAre("aliases.test", "relay.test"));
}

TEST_F(PostfixSettingsTest, AStrangerWhomTransportMapsOnlySlowDownWasVerified) {
  SetInMainCf({{"transport_maps", "inline:{ {slow.test = relay:} {ours.test = smtp:[192.0.2.1]} }"}});
  const auto verifies = [&](const std::string& text, absl::string_view address) {
    return Configured(text)->verifier->verify_domains.Contains(*Address::Parse(address));
  };
  EXPECT_FALSE(verifies("", "x@slow.test"));
  EXPECT_TRUE(verifies("", "x@ours.test"));
  EXPECT_TRUE(verifies("transport_maps = inline:{ {slow.test = relay:} }\n", "x@slow.test")) << "the operator's word";
}

TEST_F(PostfixSettingsTest, AnAliasTableThatCanNotBeReadWasLeftOutAndNotVerifiedAtOnce) {
  SetInMainCf({{"virtual_alias_maps", "hash:/nonexistent/aliases"}});
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_THAT(configuration->warnings, Contains(HasSubstr("addresses that it is needed for are not verified")));
  EXPECT_THAT(configuration->warnings, Not(Contains(HasSubstr("it is left out"))));
}

TEST_F(PostfixSettingsTest, ARouteOfPostfixThatIsNotUnderstoodGaveWayToOurDefault) {
  SetInMainCf({{"relayhost", "[a:b"},
               {"virtual_transport", "lmtp:inet:[x"},
               {"transport_maps", "inline:{ {a.test = smtp:[a]:odd} {b.test = smtp:[b]} }"}});
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_THAT(configuration->probe->relayhost.status(), FailsWith("[a:b"));
  EXPECT_EQ(configuration->probe->virtual_transport.kind, Transport::Kind::kBroken);
  ASSERT_EQ(configuration->probe->transport_maps.size(), 1U);
  EXPECT_FALSE(configuration->probe->transport_maps[0]->table()->remote().has_value());
  for (int line = 1; line <= 3; ++line) {
    EXPECT_THAT(configuration->warnings, Contains(AllOf(HasSubstr(MainCf(line)), HasSubstr("are not verified"))));
  }
  EXPECT_THAT(Configured("relayhost = [a:b\n"), FailsWith("verifyd.cf:3: relayhost: "));
}

TEST_F(PostfixSettingsTest, LmtpWasAskedWithTheSettingsOfSmtp) {
  SetInMainCf({{"smtp_tls_security_level", "encrypt"},
               {"smtp_helo_name", "out.example.org"},
               {"smtp_bind_address", "192.0.2.1"},
               {"lmtp_mail_timeout", "7s"}});
  said_["lmtp_tls_security_level"] = "";
  said_["lmtp_lhlo_name"] = "gw.example.org";
  said_["lmtp_bind_address"] = "";
  services_ = "box unix - - n - - lmtp\n";
  options_ = "box/unix/lmtp_rcpt_timeout = 8s\n";
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_EQ(configuration->probe->tls_level, TlsLevel::kEncrypt);
  ASSERT_NE(configuration->probe->lmtp, nullptr);
  for (const auto& lmtp : {configuration->probe->lmtp, configuration->probe->transports.at("box")}) {
    EXPECT_EQ(lmtp->tls_level, TlsLevel::kNone);
    EXPECT_EQ(lmtp->helo, "gw.example.org");
    EXPECT_THAT(lmtp->bind_addresses, IsEmpty());
    EXPECT_EQ(lmtp->mail_timeout, absl::Seconds(7));
  }
  EXPECT_EQ(configuration->probe->transports.at("box")->rcpt_timeout, absl::Seconds(8));
  // What verifyd.cf says is meant for both.
  EXPECT_EQ(Configured("smtp_tls_security_level = may\n")->probe->lmtp->tls_level, TlsLevel::kMay);
}

TEST_F(PostfixSettingsTest, TlsPoliciesThatCanNotBeReadWereNoPolicies) {
  SetInMainCf({{"smtp_tls_policy_maps", "hash:/nonexistent/policies"}});
  services_ = "odd unix - - n - - smtp\n";
  options_ = "odd/unix/smtp_helo_name = odd.test\n";
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  for (const auto& probe : {configuration->probe, configuration->probe->transports.at("odd")}) {
    ASSERT_EQ(probe->tls_policy_maps.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<BrokenTable>(*probe->tls_policy_maps[0]->remote()));
  }
  SetInMainCf({{"smtp_tls_policy_maps", "inline:{ {a.test = fingerprint match=ab} {b.test = encrypt} }"}});
  EXPECT_FALSE(Configured()->probe->tls_policy_maps.at(0)->remote().has_value()) << "only a.test is in trouble";
}

TEST_F(PostfixSettingsTest, ATransportMaySayItsNameAndItsProtocols) {
  SetInMainCf({{"relayhost", ""}});
  services_ = "four unix - - n - - smtp\n";
  options_ = "four/unix/inet_protocols = ipv4\nfour/unix/myhostname = four.example.org\n";
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  const ProbeSettings& four = *configuration->probe->transports.at("four");
  EXPECT_FALSE(four.families.ipv6);
  EXPECT_EQ(four.helo, "four.example.org");
  EXPECT_TRUE(configuration->probe->families.ipv6);
}

TEST_F(PostfixSettingsTest, TlsThatPostfixWantsVerifiedIsNotLessThanEncrypted) {
  for (const std::string level : {"verify", "fingerprint"}) {
    SetInMainCf({{"smtp_tls_security_level", level}, {"smtp_connect_timeout", "0s"}});
    const Settings settings = Taken();
    EXPECT_EQ(settings.Text("smtp_tls_security_level"), "encrypt");
    EXPECT_EQ(settings.Time("smtp_connect_timeout"), absl::Seconds(30));
    EXPECT_THAT(settings.warnings(), IsEmpty());
  }
}

TEST_F(PostfixSettingsTest, TransportsOfMasterCfAreAskedWithWhatTheirOptionsSay) {
  SetInMainCf({{"relayhost", ""}, {"address_verify_default_transport", "direct_smtp"}});
  services_ =
      "smtp       inet  n       -       y       -       -       smtpd\n"
      "smtp       unix  -       -       y       -       -       smtp\n"
      "relay      unix  -       -       y       -       -       smtp -o syslog_name=postfix/$service_name\n"
      "direct_smtp unix -       -       n       -       -       smtp -o smtp_helo_name=nat.box.tld\n"
      "mailbox    unix  -       -       n       -       -       lmtp -o lmtp_tcp_port=2424\n"
      "maildrop   unix  -       n       n       -       -       pipe flags=DRXhu user=vmail argv=/usr/bin/maildrop\n";
  options_ =
      "relay/unix/syslog_name = postfix/relay\n"
      "direct_smtp/unix/smtp_helo_name = nat.box.tld\n"
      "direct_smtp/unix/smtp_tls_security_level = encrypt\n"
      "direct_smtp/unix/smtp_tcp_port = 2525\n"
      "direct_smtp/unix/smtp_fallback_relay = elsewhere\n"
      "mailbox/unix/lmtp_tcp_port = 2424\n"
      "mailbox/unix/lmtp_lhlo_name = lhlo.box.tld\n"
      "mailbox/unix/lmtp_tls_security_level = none\n";
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  const ProbeSettings& probe = *configuration->probe;
  EXPECT_EQ(probe.default_transport.kind, Transport::Kind::kSmtp);
  EXPECT_EQ(probe.default_transport.name, "direct_smtp");
  EXPECT_EQ(Transport::Parse("mailbox:unix:private/x", probe.transport_names, true)->kind, Transport::Kind::kLmtp);
  EXPECT_EQ(Transport::Parse("maildrop:", probe.transport_names, true)->kind, Transport::Kind::kOther);
  ASSERT_EQ(probe.transports.size(), 2U);
  const ProbeSettings& direct = *probe.transports.at("direct_smtp");
  EXPECT_EQ(direct.helo, "nat.box.tld");
  EXPECT_EQ(direct.tls_level, TlsLevel::kEncrypt);
  EXPECT_EQ(direct.smtp_tcp_port, 2525);
  EXPECT_EQ(probe.smtp_tcp_port, 25);
  const ProbeSettings& mailbox = *probe.transports.at("mailbox");
  EXPECT_EQ(mailbox.lmtp_tcp_port, 2424);
  EXPECT_EQ(mailbox.helo, "lhlo.box.tld");
  EXPECT_EQ(mailbox.tls_level, TlsLevel::kNone);
}

TEST_F(PostfixSettingsTest, AnOptionThatCanNotBeUsedIsAWarning) {
  services_ = "odd unix - - n - - smtp\n";
  options_ = "odd/unix/smtp_helo_timeout = soon\nodd/unix/smtp_bind_address = localhost\n";
  const absl::StatusOr<Configuration> configuration = Configured();
  ASSERT_THAT(configuration, IsOk());
  EXPECT_THAT(configuration->probe->transports, IsEmpty());
  EXPECT_THAT(configuration->warnings, Contains(HasSubstr("master.cf: odd: -o smtp_helo_timeout: smtp_helo_timeout")));
  EXPECT_THAT(configuration->warnings, Contains(HasSubstr("master.cf: odd: -o smtp_bind_address: smtp_bind_address")));
}

TEST_F(PostfixSettingsTest, AMainCfThatHasChangedIsReadAgainWithoutAReload) {
  CapturedLog log;
  SetInMainCf({{"relay_domains", "one.test"}});
  TestLoop test;
  std::vector<Configuration> taken;
  TableWatch watch(
      test.loop(), [&](Configuration again) { taken.push_back(std::move(again)); }, Ask());
  watch.Watch(*Configured());
  SetInMainCf({{"relay_domains", "one.test, two.test"}});
  test.Advance(2 * TableWatch::kInterval);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_TRUE(taken.back().probe->relay_domains.ContainsExactly("two.test"));
  // A main.cf that is broken is told, and what was taken stays.
  SetInMainCf({{"relay_domains", "three.test"}});
  fault_ = absl::UnavailableError("postconf: fatal: main.cf, line 1");
  test.Advance(2 * TableWatch::kInterval);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_TRUE(taken.back().probe->relay_domains.ContainsExactly("two.test"));
  EXPECT_THAT(log.lines(), Contains(HasSubstr("what was taken before stays in force")));
}

TEST(PostfixParametersTest, NamesOfPostfixAndOfItsTransportsAreKnown) {
  for (const absl::string_view name : {"biff", "smtpd_banner", "mail_owner", "smtp_tls_loglevel", "relayhost"}) {
    EXPECT_TRUE(IsPostfixParameter(name)) << name;
  }
  EXPECT_FALSE(IsPostfixParameter("verify_domains"));
  EXPECT_TRUE(IsTransportParameter("direct-smtp_destination_concurrency_limit"));
  EXPECT_FALSE(IsTransportParameter("_time_limit"));
}

TEST(PostfixParametersTest, InVerifydCfTheyAreWarningsUnlessTheyAreASlip) {
  const auto said = [](absl::string_view name) {
    const Settings settings = Settings::Read({{std::string(name), "1", "verifyd.cf:1"}}, {});
    return absl::StrCat("errors: ", absl::StrJoin(settings.errors(), " "),
                        " warnings: ", absl::StrJoin(settings.warnings(), " "));
  };
  EXPECT_THAT(said("biff"), HasSubstr("errors:  warnings: verifyd.cf:1: \"biff\" is a Postfix parameter that has no"));
  EXPECT_THAT(said("smtpd_recipient_restrictions"), HasSubstr("errors:  warnings: "));
  EXPECT_THAT(said("uucp-x_destination_recipient_limit"), HasSubstr("errors:  warnings: "));
  EXPECT_THAT(said("address_verify_probe_tim_limit"), HasSubstr("did you mean \"address_verify_probe_time_limit\"?"));
  EXPECT_THAT(said("address_verify_probes_time_limit"), HasSubstr("did you mean \"address_verify_probe_time_limit\"?"));
}

}  // namespace
}  // namespace verifyd
