// Who has connected to a UNIX socket, as the kernel says it (unix(7): SO_PEERCRED), and what it may do at the control
// socket.
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_HTTP_PEER_H_
#define VERIFYD_VERIFYD_HTTP_PEER_H_

#include <sys/types.h>

#include <optional>
#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

// As it was when it connected.
struct Peer {
  uid_t user;
  std::vector<gid_t> groups;  // all that it is in
};
// nullopt where the kernel does not say.
std::optional<Peer> PeerOf(int fd);

// The group of the socket's file at which the connection `fd` came in; nullopt where it has no file that we see.
std::optional<gid_t> SocketGroupOf(int fd);

// To change is for root, for `ourselves`, and for the socket's group: mode 0660 lets nobody else in. Whom a wider mode
// lets in may look.
ApiRight RightOf(const std::optional<Peer>& peer, uid_t ourselves, std::optional<gid_t> socket_group);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HTTP_PEER_H_
