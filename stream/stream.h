// A connection as a session sees it: bytes in, bytes out, with TLS or without (a seam: plain, TLS and scripted ones).
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

// The result of a TLS handshake, for people.
struct TlsFacts {
  std::string protocol;  // "TLSv1.3"
  std::string cipher;    // "TLS_AES_256_GCM_SHA384"
  bool resumed = false;  // resumes an earlier session
};

class Stream {
 public:
  virtual ~Stream() = default;  // closes

  // Uses TLS from now on; once at most. `host` goes into SNI where it is a name and the policy does not say otherwise.
  // The certificate is checked where the policy is authenticated(). Errors: as of Read, and kPermissionDenied where the
  // certificate does not meet the policy; after an error the stream is of no more use.
  virtual boost::asio::awaitable<absl::StatusOr<TlsFacts>> StartTls(const std::string& host,
                                                                    const TlsPolicy& policy) = 0;

  // Reads at least one byte, at most `size`; 0 is the end of the stream. Errors: kAborted after Close, kUnavailable
  // when the connection was reset.
  virtual boost::asio::awaitable<absl::StatusOr<size_t>> Read(char* buffer, size_t size) = 0;
  // Writes all of `bytes`, which must live until it returns. Errors as above.
  virtual boost::asio::awaitable<absl::Status> Write(absl::string_view bytes) = 0;
  // Makes a waiting Read or Write return kAborted. A session's deadline timer calls it.
  virtual void Close() = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_STREAM_STREAM_H_
