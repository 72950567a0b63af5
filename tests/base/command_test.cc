#include "base/command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

TEST(CommandTest, WhatACommandWritesIsItsAnswer) {
  const absl::StatusOr<std::string> said = RunCommand({"/bin/echo", "one; two", "$HOME"});
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ(*said, "one; two $HOME\n");
}

TEST(CommandTest, ACommandThatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(RunCommand({"/nonexistent/postconf"}).status()));
}

TEST(CommandTest, WhatFailsSaysItsLastLine) {
  EXPECT_THAT(RunCommand({"/bin/sh", "-c", "echo one >&2; echo fatal: two >&2; exit 3"}),
              FailsWith("/bin/sh: fatal: two"));
  EXPECT_THAT(RunCommand({"/bin/false"}), FailsWith("/bin/false: exit code 1"));
  EXPECT_THAT(RunCommand({"/bin/sh", "-c", "kill -9 $$"}), FailsWith("killed by signal 9"));
}

TEST(CommandTest, WhoNeverEndsIsKilledWithAllThatItHasStarted) {
  EXPECT_THAT(RunCommand({"/bin/sh", "-c", "sleep 1000 & sleep 1000"}, {.time = absl::Milliseconds(50)}),
              FailsWith("was not done within 50ms"));
  EXPECT_THAT(RunCommand({"/bin/sh", "-c", "exec >&- 2>&-; sleep 1000"}, {.time = absl::Milliseconds(50)}),
              FailsWith("was not done within 50ms"));
}

TEST(CommandTest, WhoWritesWithoutEndIsKilled) {
  EXPECT_THAT(RunCommand({"/bin/sh", "-c", "while :; do echo 0123456789; done"}, {.output = 10000}),
              FailsWith("wrote more than 10000 bytes"));
}

TEST(CommandTest, NeitherOurFilesNorOurEnvironmentAreInherited) {
  const int null = ::open("/dev/null", O_RDONLY);
  const int open = ::fcntl(null, F_DUPFD, 100);  // without O_CLOEXEC
  ::setenv("MAIL_CONFIG", "/elsewhere", 1);
  const absl::StatusOr<std::string> files = RunCommand({"/bin/sh", "-c", "echo /proc/self/fd/[0-9]*"});
  const absl::StatusOr<std::string> environment = RunCommand({"/usr/bin/env"});
  ::close(open);
  ::close(null);
  ::unsetenv("MAIL_CONFIG");
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(files->find(std::string("/fd/") + std::to_string(open)), std::string::npos) << *files;
  EXPECT_EQ(*environment, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
}

}  // namespace
}  // namespace verifyd
