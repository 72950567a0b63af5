#include "verifyd/configuration/last_good_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/temporary_directory.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;

class LastGoodSettingsTest : public testing::Test {
 protected:
  Settings Loaded(std::vector<Assignment> file, const std::vector<Assignment>& options = {}) {
    file.push_back({"data_directory", folder_.path(), "test"});
    file.push_back({"myhostname", "gw.example.org", "test"});
    return *Settings::Load(file, options);
  }

  TemporaryDirectory folder_;
};

TEST_F(LastGoodSettingsTest, WhatWasInForceComesBackWithItsOptions) {
  const Settings settings = Loaded({{"relay_domains", "example.com, example.net", "verifyd.cf:1"},
                                    {"smtp_helo_name", "$myhostname", "verifyd.cf:2"}},
                                   {{"dry_run", "yes", "-o"}});
  ASSERT_TRUE(KeepLastGoodSettings(settings, "/etc/verifyd/verifyd.cf").ok());
  const absl::StatusOr<Configuration> back = LoadLastGoodSettings(folder_.path(), "/etc/verifyd/verifyd.cf");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->stand_in, StandIn::kLastGood);
  EXPECT_EQ(back->settings->Text("relay_domains"), "example.com, example.net");
  EXPECT_EQ(back->settings->Raw("smtp_helo_name"), "$myhostname");
  EXPECT_TRUE(back->restrictions->dry_run);
}

TEST_F(LastGoodSettingsTest, NobodyElseMayReadThem) {
  ASSERT_TRUE(KeepLastGoodSettings(Loaded({}), "/etc/verifyd/verifyd.cf").ok());
  struct stat info = {};
  ASSERT_EQ(::stat(LastGoodSettingsFile(folder_.path()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(LastGoodSettingsTest, ThoseOfAnotherSettingsFileAreNotUsed) {
  ASSERT_TRUE(KeepLastGoodSettings(Loaded({}), "/root/by-hand.cf").ok());
  EXPECT_TRUE(absl::IsNotFound(LoadLastGoodSettings(folder_.path(), "/etc/verifyd/verifyd.cf").status()));
}

TEST_F(LastGoodSettingsTest, WhereNoneAreKeptThatIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(LoadLastGoodSettings(folder_.path(), "/etc/verifyd/verifyd.cf").status()));
  std::filesystem::create_directory(LastGoodSettingsFile(folder_.path()));
  EXPECT_TRUE(absl::IsNotFound(LoadLastGoodSettings(folder_.path(), "/etc/verifyd/verifyd.cf").status()));
}

TEST_F(LastGoodSettingsTest, APipeInTheirPlaceKeptTheStartWaiting) {
  ASSERT_EQ(::mkfifo(LastGoodSettingsFile(folder_.path()).c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsNotFound(LoadLastGoodSettings(folder_.path(), "/etc/verifyd/verifyd.cf").status()));
}

TEST_F(LastGoodSettingsTest, AFileTheyNameThatIsGoneSinceIsNamed) {
  const std::string rules = absl::StrCat(folder_.path(), "/rules");
  std::ofstream(rules) << "# none\n";
  const Settings settings = Loaded({{"classifier_rules", rules, "verifyd.cf:1"}});
  ASSERT_TRUE(KeepLastGoodSettings(settings, "/etc/verifyd/verifyd.cf").ok());
  std::filesystem::remove(rules);
  const absl::Status status = LoadLastGoodSettings(folder_.path(), "/etc/verifyd/verifyd.cf").status();
  EXPECT_FALSE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(rules));
}

TEST_F(LastGoodSettingsTest, AFolderThatCanNotBeWrittenIsAnErrorThatNamesIt) {
  const Settings settings = *Settings::Load({{"data_directory", "/nowhere/at/all", "test"}}, {});
  EXPECT_THAT(std::string(KeepLastGoodSettings(settings, "verifyd.cf").message()), HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace verifyd
