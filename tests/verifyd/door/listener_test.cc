#include "verifyd/door/listener.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

std::string Read(absl::string_view text) {
  const absl::StatusOr<ListenAddress> address = ListenAddress::Parse(text);
  return address.ok() ? address->ToString() : std::string(address.status().message());
}

TEST(ListenAddressTest, TakesTheNotationsOfPostfixAndOfSendmail) {
  EXPECT_EQ(Read("inet:127.0.0.1:10090"), "inet:127.0.0.1:10090");
  EXPECT_EQ(Read("inet:10090@127.0.0.1"), "inet:127.0.0.1:10090");
  EXPECT_EQ(Read("inet:[::1]:10090"), "inet:[::1]:10090");
  EXPECT_EQ(Read("inet6:10090@::1"), "inet:[::1]:10090");
  EXPECT_EQ(Read("inet:10090@localhost"), "inet:localhost:10090");
  EXPECT_EQ(Read("unix:/run/x"), "unix:/run/x");
  EXPECT_EQ(Read("local:/run/x"), "unix:/run/x");
}

TEST(ListenAddressTest, SaysWhatItFoundAndWhatItExpected) {
  for (const absl::string_view text : {"", "{}", "/run/x", "unix:", "inet:10090", "inet:1:2@3", "inet:h:65536"}) {
    EXPECT_THAT(ListenAddress::Parse(text), FailsWith(absl::StrCat("found \"", text, "\", expected inet:HOST:PORT")));
  }
  EXPECT_THAT(ListenAddress::Parse("inet:gw.example:1"), FailsWith("expected an IP address or localhost"));
  EXPECT_THAT(ListenAddress::Parse(absl::StrCat("unix:/", std::string(200, 'x'))), FailsWith("a path of 201 bytes"));
}

TEST(ListenAddressTest, TakesOptionsOfUnixSocketsInBraces) {
  const absl::StatusOr<ListenAddress> address =
      ListenAddress::Parse("{ unix:/run/x, mode=0660, owner=postfix group=mail }");
  ASSERT_THAT(address, IsOk());
  EXPECT_EQ(address->path, "/run/x");
  EXPECT_EQ(address->mode, 0660U);
  EXPECT_EQ(address->owner, "postfix");
  EXPECT_EQ(address->group, "mail");
  for (const absl::string_view option : {"mode=", "mode=8", "mode=1777", "owner=", "colour=red"}) {
    EXPECT_THAT(ListenAddress::Parse(absl::StrCat("{unix:/run/x, ", option, "}")),
                FailsWith(absl::StrCat("found \"", option, "\", expected mode=OCTAL")));
  }
  EXPECT_THAT(ListenAddress::Parse("{inet:127.0.0.1:1, mode=0660}"), FailsWith("behind a UNIX socket"));
}

TEST(ListenAddressTest, KnowsWhatOtherMachinesMayReach) {
  for (const absl::string_view text : {"inet:127.0.0.1:1", "inet:127.9.9.9:1", "inet:localhost:1", "inet:[::1]:1",
                                       "inet:[::ffff:127.0.0.1]:1", "unix:/run/x"}) {
    EXPECT_FALSE(ListenAddress::Parse(text)->BeyondLoopback()) << text;
  }
  for (const absl::string_view text :
       {"inet:0.0.0.0:1", "inet:[::]:1", "inet:192.0.2.1:1", "inet:[::ffff:192.0.2.1]:1", "inet:[2001:db8::1]:1"}) {
    EXPECT_TRUE(ListenAddress::Parse(text)->BeyondLoopback()) << text;
  }
}

TEST(ListenerTest, AUnixSocketGetsItsModeAndOwner) {
  TemporaryFolder folder;
  TestLoop test;
  const std::string path = folder.path() + "/door";
  const auto listener = Listener::Open(test.loop(), *ListenAddress::Parse(absl::StrCat("{unix:", path, ", mode=600}")));
  ASSERT_THAT(listener, IsOk());
  struct stat info = {};
  ASSERT_EQ(lstat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  const std::string other = folder.path() + "/other";
  EXPECT_THAT(Listener::Open(test.loop(), *ListenAddress::Parse(absl::StrCat("{unix:", other, ", owner=no.body}"))),
              FailsWith("there is no user \"no.body\""));
  EXPECT_THAT(Listener::Open(test.loop(), *ListenAddress::Parse(absl::StrCat("{unix:", other, "2, group=no.body}"))),
              FailsWith("there is no group \"no.body\""));
}

}  // namespace
}  // namespace verifyd
