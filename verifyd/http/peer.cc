#include "verifyd/http/peer.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace verifyd {
namespace {

// The groups beside the effective one.
std::vector<gid_t> SupplementaryGroupsOf(int fd) {
  std::vector<gid_t> groups(64);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool done = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
    const bool too_many = !done && errno == ERANGE && size > groups.size() * sizeof(gid_t);
    groups.resize(done || too_many ? size / sizeof(gid_t) : 0);
    if (!too_many) return groups;
  }
}

}  // namespace

std::optional<Peer> PeerOf(int fd) {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  Peer peer{.user = credentials.uid, .groups = SupplementaryGroupsOf(fd)};
  peer.groups.push_back(credentials.gid);
  return peer;
}

std::optional<gid_t> SocketGroupOf(int fd) {
  sockaddr_un address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  if (size <= offsetof(sockaddr_un, sun_path) || size >= sizeof(address) || address.sun_path[0] != '/') {
    return std::nullopt;
  }
  struct stat info = {};
  if (lstat(address.sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) return std::nullopt;
  return info.st_gid;
}

ApiRight RightOf(const std::optional<Peer>& peer, uid_t ourselves, std::optional<gid_t> socket_group) {
  if (!peer.has_value()) return ApiRight::kRead;
  if (peer->user == 0 || peer->user == ourselves) return ApiRight::kChange;
  const bool in_group = socket_group.has_value() &&
                        std::find(peer->groups.begin(), peer->groups.end(), *socket_group) != peer->groups.end();
  return in_group ? ApiRight::kChange : ApiRight::kRead;
}

}  // namespace verifyd
