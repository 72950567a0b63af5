// A connection as a session sees it: bytes in, bytes out, TLS in between or not (a seam: plain, TLS and scripted ones).
//
// Thread: the prober loop only.
#ifndef VERIFYD_STREAM_STREAM_H_
#define VERIFYD_STREAM_STREAM_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/asio/awaitable.hpp"
#include "stream/tls_policy.h"

namespace verifyd {

// What was agreed in a TLS handshake, for people.
struct TlsFacts {
  std::string protocol;  // "TLSv1.3"
  std::string cipher;    // "TLS_AES_256_GCM_SHA384"
  bool resumed = false;  // with what was agreed in an earlier session
};

class Stream {
 public:
  virtual ~Stream() = default;  // closes

  // From now on TLS; once at most. `host` goes into SNI where it is a name and the policy does not say otherwise. The
  // certificate is checked where the policy is authenticated(). Errors: as of Read, and kPermissionDenied where the
  // certificate is not what it must be; after one the stream is of no more use.
  virtual boost::asio::awaitable<absl::StatusOr<TlsFacts>> StartTls(const std::string& host,
                                                                    const TlsPolicy& policy) = 0;

  // At least one byte, at most `size`; 0 is the end of the stream. Errors: kAborted after Close, kUnavailable when the
  // connection was reset.
  virtual boost::asio::awaitable<absl::StatusOr<size_t>> Read(char* buffer, size_t size) = 0;
  // All of `bytes`, which must live until it returns. Errors as above.
  virtual boost::asio::awaitable<absl::Status> Write(absl::string_view bytes) = 0;
  // Makes what waits in Read or Write return kAborted. A session's deadline timer calls it.
  virtual void Close() = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_STREAM_STREAM_H_
