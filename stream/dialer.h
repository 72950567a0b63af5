// The dialer: makes a stream of an endpoint, a source and a deadline (a seam: tests script it).
//
// Thread: the prober loop only.
#ifndef VERIFYD_STREAM_DIALER_H_
#define VERIFYD_STREAM_DIALER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "mail/event.h"
#include "stream/stream.h"
#include "stream/tls_policy.h"

namespace verifyd {

enum class Protocol : uint8_t { kSmtp, kLmtp };  // RFC 5321, RFC 2033

struct Endpoint {
  std::string host;     // the MX's name, for people and for the classifier
  std::string address;  // "192.0.2.1", "2001:db8::1"; empty where there is a `path`
  uint16_t port = 25;
  uint16_t preference = 0;
  std::string path = {};  // of a UNIX socket
  Protocol protocol = Protocol::kSmtp;
  // Null, as mostly: the settings apply. Each job and session has a copy of its endpoint.
  std::shared_ptr<const TlsPolicy> tls = {};

  std::string ToString() const;  // "mx.example.com[192.0.2.1]:25" or "mx.example.com[/path]", as Postfix writes it
  std::string HostAndAddress() const;  // the same without port
  friend bool operator==(const Endpoint& a, const Endpoint& b);
};

struct Dialed {
  std::unique_ptr<Stream> stream;  // null when it failed
  Event failure = Event::kNone;    // kConnect..., kLocalError
  std::string error;               // the text of the system: "Connection refused"
  bool exhausted = false;          // no descriptor, port or memory is left here; a later try may succeed
};

class Dialer {
 public:
  virtual ~Dialer() = default;
  // `source` is the address to bind to; empty: the system chooses.
  virtual boost::asio::awaitable<Dialed> Dial(const Endpoint& endpoint, const std::string& source,
                                              MonoTime deadline) = 0;
};

// The certificates of the authorities to trust (smtp_tls_CAfile, smtp_tls_CApath); empty: those of the system.
struct TrustAnchors {
  std::string file;
  std::string path;
};

// Real sockets, TCP and UNIX. TLS sessions are kept and resumed, by host, address and policy.
std::unique_ptr<Dialer> MakeSocketDialer(Loop& loop, const TrustAnchors& anchors = {});

}  // namespace verifyd

#endif  // VERIFYD_STREAM_DIALER_H_
