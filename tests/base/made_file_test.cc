#include "base/made_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

class MadeFileTest : public testing::Test {
 protected:
  MadeFileTest() {
    std::string name = testing::TempDir() + "verifyd_made_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    Make("ours", 0600);
    Make("victim", 0600);
  }
  ~MadeFileTest() override { std::filesystem::remove_all(folder_); }

  std::string At(const std::string& name) const { return folder_ + "/" + name; }
  void Make(const std::string& name, mode_t mode) const {
    std::ofstream(At(name)) << "x";
    ::chmod(At(name).c_str(), mode);
  }
  mode_t ModeOf(const std::string& name) const {
    struct stat info = {};
    return ::stat(At(name).c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
  }

  std::string folder_;
};

TEST_F(MadeFileTest, ModeAndOwnerGoToIt) {
  auto made = MadeFile::Find(At("ours"), S_IFREG);
  ASSERT_THAT(made, IsOk());
  EXPECT_THAT(made->SetMode(0640), IsOk());
  EXPECT_THAT(made->SetOwner(static_cast<uid_t>(-1), ::getegid()), IsOk());
  EXPECT_EQ(ModeOf("ours"), 0640U);
}

TEST_F(MadeFileTest, ASymbolicLinkInItsPlaceIsNotFollowed) {
  std::filesystem::rename(At("ours"), At("moved"));
  std::filesystem::create_symlink(At("victim"), At("ours"));
  EXPECT_THAT(MadeFile::Find(At("ours"), S_IFREG), FailsWith("somebody has put something else in its place"));
}

TEST_F(MadeFileTest, ASymbolicLinkThatIsPutThereAfterItWasFoundIsNotFollowed) {
  auto made = MadeFile::Find(At("ours"), S_IFREG);
  ASSERT_THAT(made, IsOk());
  std::filesystem::rename(At("ours"), At("moved"));
  std::filesystem::create_symlink(At("victim"), At("ours"));
  EXPECT_THAT(made->SetMode(0666), IsOk());
  EXPECT_EQ(ModeOf("moved"), 0666U);
  EXPECT_EQ(ModeOf("victim"), 0600U);
}

TEST_F(MadeFileTest, WhatHasASecondNameOrIsOfAnotherTypeIsNotIt) {
  EXPECT_THAT(MadeFile::Find(At("ours"), S_IFSOCK), FailsWith("something else"));
  EXPECT_THAT(MadeFile::Find(folder_, S_IFDIR), IsOk());
  std::filesystem::create_hard_link(At("ours"), At("second"));
  EXPECT_THAT(MadeFile::Find(At("ours"), S_IFREG), FailsWith("something else"));
  EXPECT_THAT(MadeFile::Find(At("none"), S_IFREG), FailsWith("No such file"));
}

}  // namespace
}  // namespace verifyd
