#include "verifyd/table_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "mail/address.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"
#include "verifyd/configuration/configuration.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kInterval = TableWatch::kInterval;

class TableWatchTest : public testing::Test {
 protected:
  TableWatchTest() {
    std::string folder = testing::TempDir() + "/table_watch_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    Write("transport", "example.com smtp:[10.0.0.1]\n");
    Write("domains", "example.com x\n");
  }
  ~TableWatchTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }
  // Writes as an editor does: another file takes the place of the one before.
  void Write(absl::string_view name, absl::string_view text) {
    std::ofstream(Path("new")) << text;
    std::filesystem::rename(Path("new"), Path(name));
  }
  void Append(absl::string_view name, absl::string_view text) { std::ofstream(Path(name), std::ios::app) << text; }

  void Begin() {
    const auto settings = Settings::Load({{"address_verify_map", "", "test"},
                                          {"myhostname", "gateway.example", "test"},
                                          {"address_verify_transport_maps", "texthash:" + Path("transport"), "test"},
                                          {"verify_domains", "proxy:hash:" + Path("domains"), "test"}},
                                         {});
    ASSERT_THAT(settings, IsOk());
    auto configuration = Configuration::Create(*settings);
    ASSERT_THAT(configuration, IsOk());
    watch_.Watch(*configuration);
  }
  // Returns where the tables that were read last send example.com's mail.
  std::string Route() const {
    const auto transport = taken_.back().probe->transport_maps.at(0)->Find(Address::Parse("joe@example.com").value());
    return transport.has_value() ? transport->next_hop.ToString() : "none";
  }

  CapturedLog log_;
  std::string folder_;
  TestLoop test_;
  std::vector<Configuration> taken_;
  TableWatch watch_{test_.loop(), [this](Configuration again) { taken_.push_back(std::move(again)); }};
};

TEST_F(TableWatchTest, FilesAreFoundWhereverASettingNamesThem) {
  const auto settings = Settings::Load(
      {{"data_directory", "/etc/tables", "test"},
       {"verify_domains", "example.com, texthash:$data_directory/a, proxy:hash:/b, [::1]", "test"},
       {"relay_domains", "texthash:/c texthash:/b", "test"},
       {"address_verify_transport_maps", "${stress?lmdb:/stressed}${stress:btree:/calm}", "test"},
       {"smtp_tls_policy_maps", "inline:{ {a = b} } socketmap:unix:/run/socket:name texthash:relative", "test"}},
      {});
  ASSERT_THAT(settings, IsOk());
  std::vector<std::string> paths;
  for (const TableFile& file : TableFilesOf(*settings)) paths.push_back(file.path);
  EXPECT_THAT(paths, ElementsAre("/b", "/c", "/calm", "/etc/tables/a", "/stressed"));
}

TEST_F(TableWatchTest, AFileThatHasChangedAndIsStillIsReadAgain) {
  Begin();
  test_.Advance(10 * kInterval);
  EXPECT_THAT(taken_, IsEmpty());
  Write("transport", "example.com smtp:[10.0.0.2]\n");
  test_.Advance(kInterval);
  EXPECT_THAT(taken_, IsEmpty());
  test_.Advance(kInterval);
  ASSERT_EQ(taken_.size(), 1U);
  EXPECT_EQ(Route(), "[10.0.0.2]");
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("tables read again: " + Path("transport"))));
  test_.Advance(10 * kInterval);
  EXPECT_EQ(taken_.size(), 1U);
  Write("transport", "example.com smtp:[10.0.0.3]\n");
  test_.Advance(2 * kInterval);
  ASSERT_EQ(taken_.size(), 2U);
  EXPECT_EQ(Route(), "[10.0.0.3]");
}

TEST_F(TableWatchTest, AFileThatMayBeReadByOthersNowIsReadAgain) {
  Begin();
  std::filesystem::permissions(Path("transport"), std::filesystem::perms::owner_all);
  test_.Advance(2 * kInterval);
  EXPECT_EQ(taken_.size(), 1U);
}

TEST_F(TableWatchTest, WhileAFileGrowsNothingIsRead) {
  Begin();
  Write("domains", "example.com x\nexample.net x\n");
  for (int i = 0; i < 5; ++i) {
    Append("transport", absl::StrCat("d", i, ".example smtp:[10.0.0.2]\n"));
    test_.Advance(kInterval);
  }
  EXPECT_THAT(taken_, IsEmpty());
  test_.Advance(kInterval);
  EXPECT_EQ(taken_.size(), 1U);
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr(Path("domains") + ", " + Path("transport"))));
}

TEST_F(TableWatchTest, ABrokenTableIsToldOnceAChangeAndKeepsWhatWasRead) {
  Begin();
  Write("transport", "example.com smtp:[10.0.0.2]\nexample.net nonsense\n");
  test_.Advance(20 * kInterval);
  EXPECT_THAT(taken_, IsEmpty());
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr(Path("transport") + ":2: ")));
  Write("transport", "example.com\n");
  test_.Advance(20 * kInterval);
  EXPECT_EQ(log_.lines().size(), 2U);
  Write("transport", "example.com smtp:[10.0.0.2]\n");
  test_.Advance(2 * kInterval);
  ASSERT_EQ(taken_.size(), 1U);
  EXPECT_EQ(Route(), "[10.0.0.2]");
}

TEST_F(TableWatchTest, AFileThatIsGoneIsToldAndReadWhenItIsBack) {
  Begin();
  std::filesystem::remove(Path("transport"));
  test_.Advance(20 * kInterval);
  EXPECT_THAT(taken_, IsEmpty());
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr(Path("transport") + ": can not be opened")));
  Write("transport", "example.com smtp:[10.0.0.2]\n");
  test_.Advance(2 * kInterval);
  EXPECT_EQ(taken_.size(), 1U);
}

TEST_F(TableWatchTest, WhatChangedBetweenReadingAndWatchingIsSeen) {
  const auto settings = Settings::Load({{"address_verify_map", "", "test"},
                                        {"myhostname", "gateway.example", "test"},
                                        {"address_verify_transport_maps", "texthash:" + Path("transport"), "test"}},
                                       {});
  const auto configuration = Configuration::Create(*settings);
  ASSERT_THAT(configuration, IsOk());
  Write("transport", "example.com smtp:[10.0.0.2]\n");
  watch_.Watch(*configuration);
  test_.Advance(2 * kInterval);
  ASSERT_EQ(taken_.size(), 1U);
  EXPECT_EQ(Route(), "[10.0.0.2]");
}

TEST_F(TableWatchTest, SettingsThatStandInGoOnToDoSoWhenATableHasChanged) {
  const auto settings = Settings::Load({{"address_verify_map", "", "test"},
                                        {"myhostname", "gateway.example", "test"},
                                        {"address_verify_transport_maps", "texthash:" + Path("transport"), "test"}},
                                       {});
  auto configuration = Configuration::Create(*settings);
  ASSERT_THAT(configuration, IsOk());
  configuration->stand_in = StandIn::kLastGood;
  watch_.Watch(*configuration);
  Write("transport", "example.com smtp:[10.0.0.2]\n");
  test_.Advance(2 * kInterval);
  ASSERT_EQ(taken_.size(), 1U);
  EXPECT_EQ(taken_[0].stand_in, StandIn::kLastGood);
}

TEST_F(TableWatchTest, ATableThatBrokeWhilePostfixCouldNotBeAskedWasToldEveryFiveSeconds) {
  int asked = 0;
  const AskPostconf ask = [&](const std::vector<std::string>& /*arguments*/) -> absl::StatusOr<std::string> {
    ++asked;
    return absl::UnavailableError("postconf: could not find any active network interfaces");
  };
  TableWatch watch(
      test_.loop(), [this](Configuration again) { taken_.push_back(std::move(again)); }, ask);
  Write("main.cf", "relay_domains = customer.test\n");
  const auto settings = Settings::Load({{"address_verify_map", "", "test"},
                                        {"myhostname", "gateway.example", "test"},
                                        {"address_verify_transport_maps", "texthash:" + Path("transport"), "test"},
                                        {"postfix_config_directory", folder_, "test"}},
                                       {});
  auto configuration = Configuration::Create(*settings, {.ask = ask});
  ASSERT_THAT(configuration, IsOk());
  watch.Watch(*configuration);
  Write("transport", "example.com smtp:[10.0.0.2]\nexample.net nonsense\n");
  test_.Advance(2 * kInterval);
  EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr(Path("transport") + ":2: ")));
  asked = 0;
  test_.Advance(absl::Minutes(3));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(log_.lines().size(), 1U);
}

TEST_F(TableWatchTest, PostfixThatCouldNotBeAskedIsAskedAgainEveryMinute) {
  int asked = 0;
  bool down = true;
  const AskPostconf ask = [&](const std::vector<std::string>& arguments) -> absl::StatusOr<std::string> {
    if (arguments.size() > 4) ++asked;
    if (down) return absl::UnavailableError("postconf: could not find any active network interfaces");
    return arguments.size() > 4 ? "relay_domains = customer.test\n" : "";
  };
  TableWatch watch(
      test_.loop(), [this](Configuration again) { taken_.push_back(std::move(again)); }, ask);
  Write("main.cf", "relay_domains = customer.test\n");
  const auto settings = Settings::Load({{"address_verify_map", "", "test"},
                                        {"myhostname", "gateway.example", "test"},
                                        {"postfix_config_directory", folder_, "test"}},
                                       {});
  ASSERT_THAT(settings, IsOk());
  auto configuration = Configuration::Create(*settings, {.ask = ask});
  ASSERT_THAT(configuration, IsOk());
  ASSERT_EQ(asked, 1);
  watch.Watch(*configuration);
  test_.Advance(absl::Minutes(3));
  EXPECT_EQ(asked, 4);
  EXPECT_THAT(taken_, IsEmpty()) << "nothing is new";
  down = false;
  test_.Advance(absl::Minutes(1));
  ASSERT_EQ(taken_.size(), 1U);
  EXPECT_EQ(taken_[0].settings->Text("relay_domains"), "customer.test");
  test_.Advance(absl::Minutes(10));
  EXPECT_EQ(asked, 5);
}

}  // namespace
}  // namespace verifyd
