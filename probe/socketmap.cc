#include "probe/socketmap.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/netstring.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kMaxIdle = 2;

Endpoint EndpointOf(const SocketmapPlace& place) {
  Endpoint endpoint;
  endpoint.host = "socketmap";
  endpoint.address = place.host;
  endpoint.port = place.port;
  endpoint.path = place.path;
  return endpoint;
}

absl::StatusOr<std::optional<std::string>> ValueOf(absl::string_view reply) {
  if (absl::ConsumePrefix(&reply, "OK ")) return std::string(reply);
  if (reply == "NOTFOUND" || absl::StartsWith(reply, "NOTFOUND ")) return std::nullopt;
  return absl::UnavailableError(absl::StrCat("answered \"", Printable(reply, 100), "\""));
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> SocketmapClient::LookUp(SocketmapPlace place,
                                                                                           std::string key,
                                                                                           MonoTime deadline) {
  const Endpoint endpoint = EndpointOf(place);
  const std::string name = endpoint.ToString();
  const std::string question = absl::StrCat(place.map, " ", key);
  const std::string request = Netstring(question);
  const MonoTime end = std::min(deadline, loop_.clock().Mono() + kTimeLimit);
  absl::Status trouble;
  for (;;) {
    std::vector<std::unique_ptr<Stream>>& idle = idle_[name];
    const bool reused = !idle.empty();
    std::unique_ptr<Stream> stream;
    if (reused) {
      stream = std::move(idle.back());
      idle.pop_back();
    } else {
      Dialed dialed = co_await dialer_.Dial(endpoint, "", end);
      if (dialed.stream == nullptr) co_return absl::UnavailableError(absl::StrCat(name, ": ", dialed.error));
      stream = std::move(dialed.stream);
    }
    const absl::StatusOr<std::string> reply = co_await Exchange(*stream, request, end);
    if (reply.ok()) {
      if (idle_[name].size() < kMaxIdle) idle_[name].push_back(std::move(stream));
      absl::StatusOr<std::optional<std::string>> value = ValueOf(*reply);
      if (value.ok()) co_return value;
      co_return absl::UnavailableError(absl::StrCat(name, ": ", value.status().message()));
    }
    trouble = reply.status();
    // An idle connection may have been closed: that says nothing about the server.
    if (!reused || loop_.clock().Mono() >= end) break;
  }
  co_return absl::UnavailableError(absl::StrCat(name, ": ", trouble.message()));
}

boost::asio::awaitable<absl::StatusOr<std::string>> SocketmapClient::Exchange(Stream& stream, std::string request,
                                                                              MonoTime deadline) {
  Timer timer(loop_.timers());
  bool late = false;
  timer.SetAt(deadline, [&] {
    late = true;
    stream.Close();
  });
  const absl::Status written = co_await stream.Write(request);
  if (!written.ok()) co_return written;
  std::string bytes;
  std::array<char, 4096> buffer;
  for (;;) {
    const absl::StatusOr<size_t> got = co_await stream.Read(buffer.data(), buffer.size());
    if (late) co_return absl::DeadlineExceededError("no answer in time");
    if (!got.ok()) co_return got.status();
    if (*got == 0) co_return absl::UnavailableError("closed the connection");
    bytes.append(buffer.data(), *got);
    absl::StatusOr<std::optional<std::string>> parsed = ParseNetstring(bytes);
    if (!parsed.ok()) co_return parsed.status();
    if (parsed->has_value()) co_return **std::move(parsed);
  }
}

}  // namespace verifyd
