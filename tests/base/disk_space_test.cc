#include "base/disk_space.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace verifyd {
namespace {

TEST(DiskSpaceTest, AFolderHasADiskWithSomeBytes) {
  const std::optional<DiskSpace> space = DiskSpaceOf("/");
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->bytes, 0U);
  EXPECT_LE(space->free_bytes, space->bytes);
  EXPECT_FALSE(DiskSpaceOf("/nowhere/at/all").has_value());
}

TEST(DiskSpaceTest, AFullDiskIsCalledThat) {
  EXPECT_EQ(WriteErrorText("/var/lib/verifyd/verify_cache.mdb", ENOSPC),
            "No space left on device: the disk of /var/lib/verifyd is full");
}

TEST(DiskSpaceTest, AFileWithoutAFolderHadADiskWithoutAName) {
  EXPECT_EQ(WriteErrorText("export.json", ENOSPC), "No space left on device: the disk of . is full");
}

TEST(DiskSpaceTest, AnErrorOfADiskWithRoomIsLeftAsItIs) {
  EXPECT_EQ(WriteErrorText("/nowhere/at/all/file", EIO), "Input/output error");
  EXPECT_EQ(WriteErrorText("/nowhere/at/all/file", EACCES), "Permission denied");
}

}  // namespace
}  // namespace verifyd
