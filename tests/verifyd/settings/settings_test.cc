#include "verifyd/settings/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/status_matchers.h"
#include "verifyd/configuration/configuration.h"

namespace verifyd {
namespace {

absl::StatusOr<Settings> Load(absl::string_view text) {
  const auto file = ParseSettingFile("verifyd.cf", text);
  EXPECT_THAT(file, IsOk());
  return Settings::Load(*file, {});
}

TEST(SettingsTest, TheDefaultsOfTheTableAreValid) {
  EXPECT_THAT(Settings::Load({}, {}), IsOk());
  for (const SettingRow& row : kSettingTable) {
    EXPECT_TRUE(Settings::IsName(row.name)) << row.name;
    EXPECT_FALSE(row.documentation.empty()) << row.name;
  }
  EXPECT_FALSE(Settings::IsName("nonsense"));
  EXPECT_TRUE(Settings::IsName("any_restrictions"));
}

// A name as an argument of a template, so that it can be asked whether a handle can be made of it.
template <size_t length>
struct Literal {
  constexpr Literal(const char (&literal)[length]) { std::copy_n(literal, length, text); }
  char text[length];
};
template <typename Handle, Literal name>
concept Compiles = requires { typename std::bool_constant<(Handle(name.text), true)>; };

TEST(SettingTest, ANameTypedWrongWasANullDereferenceAndDoesNotCompileNow) {
  EXPECT_TRUE((Compiles<Setting, "relayhost">));
  EXPECT_FALSE((Compiles<Setting, "relay_host">));
  EXPECT_FALSE((Compiles<Setting, "">));
  EXPECT_TRUE((Compiles<TimeSetting, "address_verify_grace_time">));
  EXPECT_FALSE((Compiles<TimeSetting, "address_verify_grace_tim">));
}

TEST(SettingTest, ASettingOfAnotherTypeDoesNotCompile) {
  EXPECT_TRUE((Compiles<NumberSetting, "probe_threads">));
  EXPECT_FALSE((Compiles<NumberSetting, "dry_run">));
  EXPECT_FALSE((Compiles<TimeSetting, "probe_threads">));
  EXPECT_FALSE((Compiles<YesNoSetting, "relayhost">));
  EXPECT_TRUE((Compiles<ListSetting, "policy_listen">));
  EXPECT_TRUE((Compiles<ListSetting, "relay_domains">));
  EXPECT_FALSE((Compiles<ListSetting, "relayhost">));
  EXPECT_FALSE((std::is_constructible_v<Setting, std::string>)) << "what people have written is none";
}

TEST(SettingTest, EveryRowOfTheTableIsFoundByItsHandle) {
  EXPECT_EQ(&Setting("access_map_defer_code").row(), std::begin(kSettingTable));
  EXPECT_EQ(&Setting("virtual_transport").row(), std::end(kSettingTable) - 1);
  EXPECT_TRUE(std::is_sorted(std::begin(kSettingTable), std::end(kSettingTable),
                             [](const SettingRow& a, const SettingRow& b) { return a.name < b.name; }));
}

TEST(SettingsTest, AHandleOfAClassOutlivesTheSettingsThatItWasReadWith) {
  auto first = std::make_unique<Settings>(*Load("restriction_classes = one, two\none_restrictions = reject\n"));
  const Settings second = *first;
  const std::vector<RestrictionClass> classes = first->Classes();
  first.reset();
  ASSERT_EQ(classes.size(), 3U);
  EXPECT_EQ(classes[0].list->name(), "one_restrictions");
  EXPECT_THAT(second.List(*classes[0].list), testing::ElementsAre("reject"));
  EXPECT_EQ(second.Source(*classes[0].list), "verifyd.cf:2");
  EXPECT_FALSE(classes[1].list.has_value());
  EXPECT_EQ(classes[2].name, "submission");
  EXPECT_EQ(classes[2].list->name(), "submission_restrictions");
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

TEST(SettingsTest, AParameterOfPostfixThatHadARowWasStillSaidToHaveNoMeaning) {
  for (const SettingRow& row : kSettingTable) {
    const std::vector<Assignment> file = {{std::string(row.name), std::string(row.default_value), "test"}};
    const auto settings = Settings::Load(file, {});
    EXPECT_TRUE(settings.ok() && settings->warnings().empty() && settings->IsSet(row)) << row.name;
  }
}

}  // namespace
}  // namespace verifyd
