#include "verifyd/http/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "tests/temporary_directory.h"

namespace verifyd {
namespace {

using ::testing::Contains;

constexpr uid_t kDaemon = 999;
constexpr gid_t kGroup = 998;

TEST(PeerTest, RootAndTheDaemonsUserMayChangeWhateverTheSocketsGroupIs) {
  EXPECT_EQ(RightOf(Peer{.user = 0, .groups = {}}, kDaemon, std::nullopt), ApiRight::kChange);
  EXPECT_EQ(RightOf(Peer{.user = kDaemon, .groups = {5}}, kDaemon, kGroup), ApiRight::kChange);
}

TEST(PeerTest, TheSocketsGroupMayChange) {
  EXPECT_EQ(RightOf(Peer{.user = 1000, .groups = {4, kGroup, 1000}}, kDaemon, kGroup), ApiRight::kChange);
}

TEST(PeerTest, EverybodyElseMayLook) {
  EXPECT_EQ(RightOf(Peer{.user = 1000, .groups = {4, 1000}}, kDaemon, kGroup), ApiRight::kRead);
  EXPECT_EQ(RightOf(Peer{.user = 1000, .groups = {kGroup}}, kDaemon, std::nullopt), ApiRight::kRead);
  EXPECT_EQ(RightOf(std::nullopt, kDaemon, kGroup), ApiRight::kRead);
}

// Both ends of a connection to a socket's file; both are ours.
class PeerSocketTest : public testing::Test {
 protected:
  PeerSocketTest()
      : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        client_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const auto* const any = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(bind(listener_, any, sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    EXPECT_EQ(connect(client_, any, sizeof(address)), 0);
    accepted_ = accept(listener_, nullptr, nullptr);
    EXPECT_GE(accepted_, 0);
  }
  ~PeerSocketTest() override {
    for (const int fd : {listener_, client_, accepted_}) close(fd);
  }

  const TemporaryDirectory folder_;
  const std::string path_ = folder_.path() + "/socket";
  const int listener_;
  const int client_;
  int accepted_ = -1;
};

TEST_F(PeerSocketTest, TheKernelSaysWhoConnectedAndInWhichGroupsItIs) {
  const std::optional<Peer> peer = PeerOf(accepted_);
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->user, geteuid());
  EXPECT_THAT(peer->groups, Contains(getegid()));
  std::vector<gid_t> ours(static_cast<size_t>(getgroups(0, nullptr)));
  ASSERT_EQ(getgroups(static_cast<int>(ours.size()), ours.data()), static_cast<int>(ours.size()));
  for (const gid_t group : ours) EXPECT_THAT(peer->groups, Contains(group));
}

TEST_F(PeerSocketTest, TheGroupIsThatOfTheSocketsFile) {
  struct stat info = {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(SocketGroupOf(accepted_), info.st_gid);
  unlink(path_.c_str());
  EXPECT_EQ(SocketGroupOf(accepted_), std::nullopt);
}

TEST(PeerTest, WhatIsNoSocketHasNeitherPeerNorGroup) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  EXPECT_FALSE(PeerOf(pipe_ends[0]).has_value());
  EXPECT_EQ(SocketGroupOf(pipe_ends[0]), std::nullopt);
  for (const int fd : pipe_ends) close(fd);
}

}  // namespace
}  // namespace verifyd
