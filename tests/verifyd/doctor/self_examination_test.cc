#include "verifyd/doctor/self_examination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/temporary_directory.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SelfExaminationTest : public testing::Test {
 protected:
  Configuration Loaded(std::vector<Assignment> file = {}) {
    file.push_back({"data_directory", data_, "test"});
    file.push_back({"myhostname", "gw.example.org", "test"});
    return *Configuration::Create(*Settings::Load(file, {}));
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(folder_.path(), "/", name);
    std::ofstream(path) << text;
    return path;
  }

  TemporaryDirectory folder_;
  std::string data_ = folder_.path();
};

TEST_F(SelfExaminationTest, AFolderThatIsNotThereYetIsMadeByTheFirstStart) {
  data_ = absl::StrCat(folder_.path(), "/verifyd");
  const Examination cache = ExamineCacheFile(Loaded());
  EXPECT_EQ(cache.health, Health::kOk);
  EXPECT_THAT(cache.found, HasSubstr("the first start makes it"));
}

TEST_F(SelfExaminationTest, ACacheInMemoryHasNoFile) {
  EXPECT_THAT(ExamineCacheFile(Loaded({{"address_verify_map", "", "test"}})).found, HasSubstr("in memory only"));
}

TEST_F(SelfExaminationTest, ACacheOfRootInTheFolderOfTheServiceWasSaidToBeWell) {
  if (geteuid() != 0) {
    // Only root can give files away: for others all files are their own.
    EXPECT_EQ(ExamineCacheFile(Loaded()).health, Health::kOk);
    return;
  }
  Write("verify_cache.mdb", "");
  ASSERT_EQ(chown(folder_.path().c_str(), 1, 1), 0);
  const Examination cache = ExamineCacheFile(Loaded());
  EXPECT_EQ(cache.health, Health::kBad);
  EXPECT_THAT(cache.found, HasSubstr("verify_cache.mdb belongs to root, the folder to "));
  EXPECT_THAT(cache.remedy, HasSubstr("chown"));
}

TEST_F(SelfExaminationTest, TheDiskOfTheCacheHasRoomOrNot) {
  EXPECT_THAT(ExamineDisk(Loaded()).found, HasSubstr("are free for "));
  EXPECT_EQ(ExamineDisk(Loaded({{"address_verify_map", "", "test"}})).health, Health::kNotExamined);
}

TEST_F(SelfExaminationTest, AnEmptyTableIsNamedWithItsSetting) {
  const std::string path = Write("transport", "");
  const Examinations tables = ExamineTables(Loaded({{"transport_maps", absl::StrCat("texthash:", path), "test"}}));
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_EQ(tables[0].about, path);
  EXPECT_EQ(tables[0].found, "is empty (transport_maps)");
}

TEST_F(SelfExaminationTest, ATableThatTheServiceMayNotReadIsBadAlthoughRootReadsIt) {
  if (geteuid() != 0) return;
  const std::string path = Write("transport", "example.com smtp:[192.0.2.1]\n");
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  const std::vector<Assignment> settings = {{"transport_maps", absl::StrCat("texthash:", path), "test"}};
  EXPECT_THAT(ExamineTables(Loaded(settings)), IsEmpty());
  ASSERT_EQ(chown(folder_.path().c_str(), 1, 1), 0);
  const Examinations tables = ExamineTables(Loaded(settings));
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_EQ(tables[0].health, Health::kBad);
  EXPECT_THAT(tables[0].found, HasSubstr("may not read it (transport_maps)"));
}

TEST_F(SelfExaminationTest, AnAccessListThatWasTheRemedyDidNotEndTheComplaint) {
  if (geteuid() != 0) return;
  const std::string path = Write("transport", "example.com smtp:[192.0.2.1]\n");
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  ASSERT_EQ(chown(folder_.path().c_str(), 1, 1), 0);
  const std::vector<Assignment> settings = {{"transport_maps", absl::StrCat("texthash:", path), "test"}};
  ASSERT_THAT(ExamineTables(Loaded(settings)), SizeIs(1));
  // setfacl -m u:1:r makes this: version 2, then tag, rights and id of the owner, user 1, the group, the mask, others.
  const std::array<uint16_t, 22> list = {2, 0,      0x01,   6,    0xffff, 0xffff, 0x02,   4,    1, 0,      0x04,
                                         0, 0xffff, 0xffff, 0x10, 4,      0xffff, 0xffff, 0x20, 0, 0xffff, 0xffff};
  if (::setxattr(path.c_str(), "system.posix_acl_access", list.data(), sizeof(list), 0) != 0) {
    ASSERT_EQ(errno, EOPNOTSUPP);  // the file system has none, and nobody can follow the advice
    return;
  }
  EXPECT_THAT(ExamineTables(Loaded(settings)), IsEmpty());
}

TEST_F(SelfExaminationTest, ARouteServiceInAFolderThatIsClosedToTheServiceIsBad) {
  if (geteuid() != 0) return;
  const std::string closed = absl::StrCat(folder_.path(), "/private");
  ASSERT_EQ(mkdir(closed.c_str(), 0700), 0);
  const std::vector<Assignment> settings = {
      {"address_verify_route_service", absl::StrCat("unix:", closed, "/rewrite"), "test"}};
  EXPECT_EQ(ExamineRouteService(Loaded(settings))->health, Health::kOk);
  ASSERT_EQ(chown(folder_.path().c_str(), 1, 1), 0);
  const std::optional<Examination> found = ExamineRouteService(Loaded(settings));
  EXPECT_EQ(found->health, Health::kBad);
  EXPECT_THAT(found->found, HasSubstr(absl::StrCat("may not connect (address_verify_route_service): ", closed)));
  EXPECT_FALSE(ExamineRouteService(Loaded()).has_value());
}

TEST_F(SelfExaminationTest, RoutesOfPostfixThatAreNotSetHereAreNamed) {
  const std::string main_cf = Write("main.cf",
                                    "# routes\nrelayhost =\ntransport_maps = hash:/etc/postfix/transport\n"
                                    "virtual_alias_maps = hash:/etc/postfix/virtual\n");
  const std::optional<Examination> found = ExaminePostfix(Loaded(), main_cf);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->health, Health::kWarning);
  EXPECT_THAT(found->found, HasSubstr("has transport_maps, virtual_alias_maps, and verifyd.cf has not"));
  EXPECT_EQ(
      ExaminePostfix(Loaded({{"transport_maps", "", "test"}, {"virtual_alias_maps", "", "test"}}), main_cf)->health,
      Health::kOk)
      << "who sets them to nothing means it";
}

TEST_F(SelfExaminationTest, WithoutPostfixNothingIsSaidOfIt) {
  EXPECT_FALSE(ExaminePostfix(Loaded(), absl::StrCat(folder_.path(), "/main.cf")).has_value());
}

}  // namespace
}  // namespace verifyd
