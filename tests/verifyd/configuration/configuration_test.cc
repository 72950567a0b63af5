#include "verifyd/configuration/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/status_matchers.h"
#include "verifyd/door/door_table.h"
#include "verifyd/settings/settings.h"

namespace verifyd {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Returns the configuration of a verifyd.cf with this text.
absl::StatusOr<Configuration> Configure(absl::string_view text) {
  const auto file = ParseSettingFile("verifyd.cf", text);
  EXPECT_THAT(file, IsOk());
  const absl::StatusOr<Settings> settings = Settings::Load(*file, {});
  if (!settings.ok()) return settings.status();
  return Configuration::Create(*settings);
}

bool Warns(const Configuration& configuration, absl::string_view part) {
  return std::any_of(configuration.warnings.begin(), configuration.warnings.end(),
                     [&](const std::string& warning) { return warning.find(std::string(part)) != std::string::npos; });
}

// ---- Each setting comes to where it belongs. The values differ, so that none can stand in for another.

TEST(ConfigurationTest, EachLifetimeIsThatOfItsOwnSetting) {
  const std::vector<std::pair<std::string, absl::Duration Lifetimes::*>> all = {
      {"address_verify_positive_refresh_time", &Lifetimes::positive_refresh},
      {"address_verify_positive_expire_time", &Lifetimes::positive_expire},
      {"address_verify_negative_refresh_time", &Lifetimes::negative_refresh},
      {"address_verify_negative_expire_time", &Lifetimes::negative_expire},
      {"address_verify_temporary_refresh_time", &Lifetimes::temporary_refresh},
      {"address_verify_temporary_expire_time", &Lifetimes::temporary_expire},
      {"address_verify_positive_short_refresh_time", &Lifetimes::positive_short_refresh},
      {"address_verify_positive_short_expire_time", &Lifetimes::positive_short_expire},
      {"address_verify_negative_short_refresh_time", &Lifetimes::negative_short_refresh},
      {"address_verify_negative_short_expire_time", &Lifetimes::negative_short_expire},
      {"address_verify_domain_positive_expire_time", &Lifetimes::domain_positive},
      {"address_verify_domain_short_expire_time", &Lifetimes::domain_short},
      {"address_verify_domain_negative_min_time", &Lifetimes::domain_negative_min},
      {"address_verify_domain_negative_max_time", &Lifetimes::domain_negative_max},
      {"address_verify_overturn_time", &Lifetimes::overturn},
      {"address_verify_stale_time", &Lifetimes::stale},
      {"address_verify_second_look", &Lifetimes::second_look},
      {"address_verify_grace_time", &Lifetimes::grace},
      {"address_verify_former_user_time", &Lifetimes::former_user},
      {"unverified_recipient_max_defer_time", &Lifetimes::max_defer},
  };
  EXPECT_EQ(sizeof(Lifetimes), all.size() * sizeof(absl::Duration)) << "one is not in the list";
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) absl::StrAppend(&text, all[i].first, " = ", 1000 + i, "s\n");
  const auto configuration = Configure(text);
  ASSERT_THAT(configuration, IsOk());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(configuration->cache.lifetimes.*all[i].second, absl::Seconds(1000 + i)) << all[i].first;
    EXPECT_EQ(configuration->verifier->lifetimes.*all[i].second, absl::Seconds(1000 + i)) << all[i].first;
  }
  EXPECT_EQ(configuration->restrictions->max_defer, absl::Seconds(1000 + all.size() - 1));
}

TEST(ConfigurationTest, EachTimeoutOfADialogueIsThatOfItsOwnSetting) {
  const std::vector<std::pair<std::string, absl::Duration ProbeSettings::*>> all = {
      {"smtp_connect_timeout", &ProbeSettings::connect_timeout},
      {"smtp_helo_timeout", &ProbeSettings::helo_timeout},
      {"smtp_starttls_timeout", &ProbeSettings::starttls_timeout},
      {"smtp_mail_timeout", &ProbeSettings::mail_timeout},
      {"smtp_rcpt_timeout", &ProbeSettings::rcpt_timeout},
      {"smtp_data_init_timeout", &ProbeSettings::data_init_timeout},
      {"smtp_rset_timeout", &ProbeSettings::rset_timeout},
      {"smtp_quit_timeout", &ProbeSettings::quit_timeout},
      {"smtp_connection_cache_time_limit", &ProbeSettings::connection_idle_time},
      {"smtp_connection_reuse_time_limit", &ProbeSettings::connection_reuse_time_limit},
  };
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) absl::StrAppend(&text, all[i].first, " = ", 11 + i, "s\n");
  const auto configuration = Configure(text);
  ASSERT_THAT(configuration, IsOk());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ((*configuration->probe).*all[i].second, absl::Seconds(11 + i)) << all[i].first;
  }
}

TEST(ConfigurationTest, EachReplyCodeIsThatOfItsOwnSetting) {
  const std::vector<std::pair<std::string, int RestrictionCodes::*>> all = {
      {"reject_code", &RestrictionCodes::reject},
      {"defer_code", &RestrictionCodes::defer},
      {"access_map_reject_code", &RestrictionCodes::access_map_reject},
      {"access_map_defer_code", &RestrictionCodes::access_map_defer},
      {"invalid_hostname_reject_code", &RestrictionCodes::invalid_hostname_reject},
      {"non_fqdn_reject_code", &RestrictionCodes::non_fqdn_reject},
      {"unknown_address_reject_code", &RestrictionCodes::unknown_address_reject},
      {"maps_rbl_reject_code", &RestrictionCodes::maps_rbl_reject},
  };
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) absl::StrAppend(&text, all[i].first, " = ", 471 + i, "\n");
  const auto configuration = Configure(text);
  ASSERT_THAT(configuration, IsOk());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(configuration->restrictions->codes.*all[i].second, static_cast<int>(471 + i)) << all[i].first;
  }
}

TEST(ConfigurationTest, RecipientsAndSendersHaveCodesWordsAndActionsOfTheirOwn) {
  const auto configuration = Configure(
      "unverified_recipient_reject_code = 550\nunverified_recipient_defer_code = 451\n"
      "unverified_recipient_reject_reason = no such user\nunverified_recipient_tempfail_action = defer\n"
      "unverified_sender_reject_code = 553\nunverified_sender_defer_code = 452\n"
      "unverified_sender_reject_reason = no such sender\nunverified_sender_tempfail_action = defer_if_permit\n"
      "disclose_probe_details = no\n");
  ASSERT_THAT(configuration, IsOk());
  const UnverifiedSettings& recipient = configuration->restrictions->recipient;
  EXPECT_EQ(recipient.reject_code, 550);
  EXPECT_EQ(recipient.defer_code, 451);
  EXPECT_EQ(recipient.reject_reason, "no such user");
  EXPECT_FALSE(recipient.defer_if_permit);
  EXPECT_EQ(recipient.disclosure, Disclosure::kNo);
  const UnverifiedSettings& sender = configuration->restrictions->sender;
  EXPECT_EQ(sender.reject_code, 553);
  EXPECT_EQ(sender.defer_code, 452);
  EXPECT_EQ(sender.reject_reason, "no such sender");
  EXPECT_TRUE(sender.defer_if_permit);
  EXPECT_EQ(sender.disclosure, Disclosure::kNo);
}

TEST(ConfigurationTest, EachDoorHasItsSocketsAndLimitsInTheOrderOfTheTable) {
  std::string text;
  for (size_t i = 0; i < DoorTable().size(); ++i) {
    const absl::string_view name = DoorTable()[i].name;
    absl::StrAppend(&text, name, "_listen = inet:127.0.0.1:", 2000 + i, "\n");
    absl::StrAppend(&text, name, "_connection_limit = ", 100 + i, "\n");
    absl::StrAppend(&text, name, "_request_rate_limit = ", 200 + i, "\n");
  }
  const auto configuration = Configure(text);
  ASSERT_THAT(configuration, IsOk());
  ASSERT_EQ(configuration->doors.size(), DoorTable().size());
  for (size_t i = 0; i < DoorTable().size(); ++i) {
    const DoorConfiguration& door = configuration->doors[i];
    ASSERT_EQ(door.listen.size(), 1U) << DoorTable()[i].name;
    EXPECT_EQ(door.listen[0].port, 2000 + i) << DoorTable()[i].name;
    EXPECT_EQ(door.limits.connections, 100 + i) << DoorTable()[i].name;
    EXPECT_EQ(door.limits.requests_per_second, static_cast<double>(200 + i)) << DoorTable()[i].name;
  }
}

TEST(ConfigurationTest, TheBoundsOfMemoryAndProbesAreThoseOfTheirSettings) {
  const auto configuration = Configure(
      "address_verify_cache_max_entries = 12345\naddress_verify_cache_max_size = 67890123\n"
      "address_verify_pending_request_limit = 321\naddress_verify_waiter_limit = 654\n"
      "client_new_probe_rate_limit = 7\nmessage_new_probe_limit = 8\n"
      "probe_public_concurrency_limit = 3\nprobe_route_concurrency_limit = 4\n"
      "probe_session_limit = 20\nprobe_threads = 2\n");
  ASSERT_THAT(configuration, IsOk());
  EXPECT_EQ(configuration->cache.bounds, (Bounds{.entries = 12345, .bytes = 67890123}));
  EXPECT_EQ(configuration->verifier->flight_limit, 321U);
  EXPECT_EQ(configuration->verifier->waiter_limit, 654U);
  EXPECT_EQ(configuration->restrictions->probe_budget.client_limit, 7);
  EXPECT_EQ(configuration->restrictions->probe_budget.message_limit, 8);
  EXPECT_EQ(configuration->probe->public_pace.connections, 3);
  EXPECT_EQ(configuration->probe->configured_pace.connections, 4);
  EXPECT_EQ(configuration->probe_threads, 2);
  EXPECT_EQ(configuration->probe->session_limit, 10U) << "of each of the two threads";
}

TEST(ConfigurationTest, WordsMeanWhatTheManualSays) {
  const auto probe = [](absl::string_view text) { return Configure(text)->probe; };
  EXPECT_TRUE(probe("inet_protocols = all\n")->families.ipv4 && probe("inet_protocols = all\n")->families.ipv6);
  EXPECT_FALSE(probe("inet_protocols = ipv4\n")->families.ipv6);
  EXPECT_FALSE(probe("inet_protocols = ipv6\n")->families.ipv4);
  EXPECT_EQ(probe("smtp_address_preference = any\n")->address_preference, AddressPreference::kAny);
  EXPECT_EQ(probe("smtp_address_preference = ipv4\n")->address_preference, AddressPreference::kIpv4);
  EXPECT_EQ(probe("smtp_address_preference = ipv6\n")->address_preference, AddressPreference::kIpv6);
  const auto catch_all = [](const std::string& value) {
    return Configure("address_verify_catch_all = " + value + "\n")->verifier;
  };
  EXPECT_EQ(catch_all("no")->catch_all, AskCatchAll::kNo);
  EXPECT_EQ(catch_all("configured")->catch_all, AskCatchAll::kOnConfiguredRoutes);
  EXPECT_EQ(catch_all("all")->catch_all, AskCatchAll::kAlways);
  EXPECT_TRUE(catch_all("a.test, b.test")->catch_all_domains.Contains(*Address::Parse("joe@b.test")));
  const auto disclosed = [](const std::string& value) {
    return Configure("disclose_probe_details = " + value + "\n")->restrictions->recipient.disclosure;
  };
  EXPECT_EQ(disclosed("yes"), Disclosure::kYes);
  EXPECT_EQ(disclosed("public"), Disclosure::kPublic);
}

TEST(ConfigurationTest, PrivacyAndTheLogAreAsTheirSettingsSay) {
  const auto full = Configure("log_address = full\nlog_sink = syslog\nsyslog_name = gw\nsyslog_facility = local3\n");
  ASSERT_THAT(full, IsOk());
  EXPECT_TRUE(full->log.to_syslog);
  EXPECT_EQ(full->log.ident, "gw");
  EXPECT_EQ(full->log.facility, "local3");
  EXPECT_EQ(full->privacy.logged_addresses, LoggedAddresses::kFull);
  EXPECT_FALSE(full->privacy.cache_hashed);
  EXPECT_EQ(Configure("log_address = domain\n")->privacy.logged_addresses, LoggedAddresses::kDomain);
  const auto hashed = Configure(
      "log_address = hashed\naddress_verify_cache_privacy = hashed\naddress_verify_cache_privacy_key_file = /k\n");
  ASSERT_THAT(hashed, IsOk());
  EXPECT_EQ(hashed->privacy.logged_addresses, LoggedAddresses::kHashed);
  EXPECT_TRUE(hashed->privacy.cache_hashed);
  EXPECT_EQ(hashed->privacy.key_file, "/k");
}

TEST(ConfigurationTest, DecisionsAreKeptBesideTheCacheAndInMemoryWithIt) {
  const auto kept = Configure("address_verify_map = lmdb:/var/lib/x/cache\nreport_keep_time = 3d\nrefusal_id = yes\n");
  ASSERT_THAT(kept, IsOk());
  EXPECT_EQ(kept->decision_record.directory, "/var/lib/x/decisions");
  EXPECT_EQ(kept->decision_record.keep_time, absl::Hours(72));
  EXPECT_TRUE(kept->decision_record.refusal_ids);
  EXPECT_TRUE(kept->verifier->keep_dialogues);
  const auto in_memory = Configure("address_verify_map =\n");
  ASSERT_THAT(in_memory, IsOk());
  EXPECT_EQ(in_memory->decision_record.directory, "");
  EXPECT_EQ(in_memory->cache.path, "");
}

TEST(ConfigurationTest, ADomainHasOneCanary) {
  const auto two = Configure("verify_canary = joe@a.test, ann@b.test\n");
  ASSERT_THAT(two, IsOk());
  EXPECT_EQ(two->verifier->guard->canaries.at("a.test").Key(), "joe@a.test");
  EXPECT_EQ(two->verifier->guard->canaries.at("b.test").Key(), "ann@b.test");
  EXPECT_THAT(Configure("verify_canary = joe@a.test, ann@A.test\n"),
              FailsWith("verify_canary: found two addresses of a.test, expected at most one"));
}

// ---- Settings that are allowed, and probably not meant.

TEST(ConfigurationTest, WarnsOfWhatIsProbablyNotMeant) {
  const std::vector<std::pair<std::string, std::string>> all = {
      {"address_verify_map =\n", "address_verify_map is empty: answers are kept in memory only"},
      {"address_verify_negative_refresh_time = 4d\n",
       "address_verify_negative_refresh_time is longer than address_verify_negative_expire_time"},
      {"smtp_tls_security_level = dane\n", "means nothing without dns_trust_ad = yes"},
  };
  for (const auto& [text, warning] : all) {
    const auto configuration = Configure(text);
    ASSERT_THAT(configuration, IsOk()) << text;
    EXPECT_TRUE(Warns(*configuration, warning)) << text;
    EXPECT_FALSE(Warns(*Configure(""), warning)) << text;
  }
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

// Each line stands alone, with the words that the error has to have beside the setting.
TEST(ConfigurationTest, ABadValueIsNamedWithItsLineWhatWasFoundAndWhatWasExpected) {
  struct Bad {
    std::string setting;
    std::string value;
    std::string found;
    std::string expected;
  };
  const std::vector<Bad> all = {
      {"address_verify_map", "memcache:/x", "found \"memcache:/x\"", "expected lmdb:/PATH, or nothing"},
      {"address_verify_map", "lmdb:x", "found \"lmdb:x\"", "expected lmdb:/PATH, or nothing"},
      {"dns_servers", "ns.example", "ns.example", "expected"},
      {"dns_canary", "a..b", "byte 2: found \".\"", "expected a label of a domain"},
      {"smtp_helo_name", "a..b", "byte 2: found \".\"", "expected a label of a domain"},
      {"smtp_bind_address", "::1", "found \"::1\"", "expected IPv4 addresses of ours"},
      {"smtp_bind_address6", "127.0.0.1", "found \"127.0.0.1\"", "expected IPv6 addresses of ours"},
      {"syslog_facility", "male", "found \"male\"", "expected mail, daemon, user or local0 to local7"},
      {"verify_canary", "nobody", "byte 6: found the end", "expected \"@\" and a domain"},
      {"verify_domains", "a..b", "a..b", "expected"},
      {"dry_run_domains", "a..b", "a..b", "expected"},
      {"mynetworks", "10.0.0.1/8", "10.0.0.1/8", "expected"},
      {"probe_permit_networks", "10.0.0.1/8", "10.0.0.1/8", "expected"},
      {"address_verify_relayhost", "[a", "[a", "expected"},
      {"address_verify_default_transport", "smtp:[a", "[a", "expected"},
      {"address_verify_sender", "@example.com", "@example.com", "expected"},
      {"decision_table", "inline:{ {nonsense=permit} }", "found \"nonsense\"", "expected a reason"},
      {"decision_table", "inline:{ {no_such_user=maybe} }", "maybe", "expected"},
      {"recipient_restrictions", "permit_everything", "permit_everything", "expected"},
      {"restriction_classes", "strict", "found \"strict\"", "expected strict_restrictions as well"},
      {"unverified_sender_exemptions", "a..b", "a..b", "expected"},
      {"smtp_tls_policy_maps", "inline:{ {a.test=sometimes} }", "sometimes", "expected"},
      {"destination_settings", "inline:{ {a.test=connections=many} }", "many", "expected"},
      {"policy_listen", "tcp:1.2.3.4:5", "found \"tcp:1.2.3.4:5\"", "expected inet:HOST:PORT"},
      {"address_verify_domain_negative_min_time", "1d", "found \"1d\"",
       "expected at most address_verify_domain_negative_max_time, 3h"},
  };
  for (const Bad& bad : all) {
    const auto configuration = Configure(absl::StrCat("# a comment\n", bad.setting, " = ", bad.value, "\n"));
    ASSERT_FALSE(configuration.ok()) << bad.setting << " = " << bad.value;
    const std::string message(configuration.status().message());
    EXPECT_THAT(message, AllOf(StartsWith(absl::StrCat("verifyd.cf:2: ", bad.setting)), HasSubstr(bad.found),
                               HasSubstr(bad.expected)));
    EXPECT_EQ(message.find('\n'), std::string::npos) << "one fault is one line: " << message;
  }
}

}  // namespace
}  // namespace verifyd
