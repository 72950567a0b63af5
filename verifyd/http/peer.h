// The process at the other end of a UNIX socket, as the kernel names it (unix(7): SO_PEERCRED), and its right at the
// control socket.
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_HTTP_PEER_H_
#define VERIFYD_VERIFYD_HTTP_PEER_H_

#include <sys/types.h>

#include <optional>
#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

// The process as it was when it connected.
struct Peer {
  uid_t user;
  std::vector<gid_t> groups;  // all that it is in
};
// Returns nullopt where the kernel does not say.
std::optional<Peer> PeerOf(int fd);

// Returns the group of the file of the socket at which the connection `fd` came in; nullopt where we see no such file.
std::optional<gid_t> SocketGroupOf(int fd);

// Root, `ourselves` and the socket's group may change: mode 0660 lets nobody else in. Anybody else, let in by a wider
// mode, may look.
ApiRight RightOf(const std::optional<Peer>& peer, uid_t ourselves, std::optional<gid_t> socket_group);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HTTP_PEER_H_
