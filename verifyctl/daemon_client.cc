#include "verifyctl/daemon_client.h"

#include <sys/un.h>

#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http.hpp"

namespace verifyd {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;

// The longest line a daemon has reason to send is that of its settings: some tens of KiB.
constexpr size_t kMaxLine = size_t{16} * 1024 * 1024;

absl::Status ConnectError(const std::string& path, const boost::system::error_code& error) {
  if (error == boost::system::errc::permission_denied || error == boost::system::errc::operation_not_permitted) {
    return absl::PermissionDeniedError(absl::StrCat(path, ": ", error.message()));
  }
  return absl::UnavailableError(absl::StrCat("the daemon is not running: ", path, ": ", error.message()));
}

absl::Status Broken(const std::string& path, const boost::system::error_code& error) {
  return absl::DataLossError(absl::StrCat(path, ": the answer broke off: ", error.message()));
}

// Cuts what comes into lines.
class Lines {
 public:
  explicit Lines(LineSink sink) : sink_(sink) {}
  bool Take(absl::string_view bytes) {
    for (;;) {
      const size_t end = bytes.find('\n');
      absl::StrAppend(&line_, bytes.substr(0, end));
      if (end == absl::string_view::npos) return line_.size() <= kMaxLine;
      sink_(line_);
      line_.clear();
      bytes.remove_prefix(end + 1);
    }
  }

 private:
  LineSink sink_;
  std::string line_;
};

}  // namespace

absl::StatusOr<int> AskDaemon(const std::string& socket_path, const ApiRequest& request, LineSink sink) {
  if (socket_path.empty() || socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", socket_path, "\" can not be the path of a socket"));
  }
  asio::io_context context;
  Local::socket socket(context);
  boost::system::error_code error;
  socket.connect(Local::endpoint(socket_path), error);
  if (error) return ConnectError(socket_path, error);

  http::request<http::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target);
  message.set(http::field::host, "verifyd");
  message.keep_alive(false);
  message.body() = request.body;
  message.prepare_payload();
  http::write(socket, message, error);
  if (error) return Broken(socket_path, error);

  boost::beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  http::read_header(socket, buffer, parser, error);
  if (error) return Broken(socket_path, error);
  Lines lines(sink);
  std::array<char, 16384> bytes;
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = bytes.data();
    body.size = bytes.size();
    http::read_some(socket, buffer, parser, error);
    if (error && error != http::error::need_buffer) return Broken(socket_path, error);
    if (!lines.Take(absl::string_view(bytes.data(), bytes.size() - body.size))) {
      return absl::DataLossError(absl::StrCat(socket_path, ": found a line of more than ", kMaxLine, " bytes"));
    }
  }
  return parser.get().result_int();
}

}  // namespace verifyd
