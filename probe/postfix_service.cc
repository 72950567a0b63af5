#include "probe/postfix_service.h"

#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kMaxList = size_t{64} * 1024;

}  // namespace

std::string EncodeAttributes(const Attributes& attributes) {
  std::string bytes;
  for (const auto& [name, value] : attributes) {
    bytes.append(name.c_str(), name.size() + 1);
    bytes.append(value.c_str(), value.size() + 1);
  }
  bytes.push_back('\0');
  return bytes;
}

absl::StatusOr<std::optional<std::pair<Attributes, size_t>>> ParseAttributes(absl::string_view bytes) {
  Attributes attributes;
  size_t at = 0;
  const auto take = [&]() -> std::optional<std::string> {
    const size_t end = bytes.find('\0', at);
    if (end == absl::string_view::npos) return std::nullopt;
    std::string text(bytes.substr(at, end - at));
    at = end + 1;
    return text;
  };
  while (at < kMaxList) {
    std::optional<std::string> name = take();
    if (!name.has_value()) break;
    if (name->empty()) return std::make_pair(std::move(attributes), at);
    std::optional<std::string> value = take();
    if (!value.has_value()) break;
    attributes.emplace_back(*std::move(name), *std::move(value));
  }
  if (bytes.size() >= kMaxList) {
    return absl::InvalidArgumentError(
        absl::StrCat("found more than ", kMaxList, " bytes, expected a list of attributes"));
  }
  return std::nullopt;
}

std::optional<std::string> ValueOf(const Attributes& attributes, absl::string_view name) {
  for (auto entry = attributes.rbegin(); entry != attributes.rend(); ++entry) {
    if (entry->first == name) return entry->second;
  }
  return std::nullopt;
}

boost::asio::awaitable<absl::StatusOr<std::unique_ptr<PostfixConnection>>> PostfixConnection::Open(Loop& loop,
                                                                                                   Dialer& dialer,
                                                                                                   std::string path,
                                                                                                   MonoTime deadline) {
  Endpoint endpoint;
  endpoint.host = "postfix";
  endpoint.path = path;
  Dialed dialed = co_await dialer.Dial(endpoint, "", deadline);
  if (dialed.stream == nullptr) co_return absl::UnavailableError(absl::StrCat(path, ": ", dialed.error));
  std::unique_ptr<PostfixConnection> connection(new PostfixConnection(loop, std::move(path), std::move(dialed.stream)));
  connection->end_.SetAt(deadline, [&stream = *connection->stream_] { stream.Close(); });
  const absl::StatusOr<Attributes> greeting = co_await connection->TakeList();
  if (!greeting.ok()) co_return greeting.status();
  if (!ValueOf(*greeting, "protocol").has_value()) {
    co_return absl::InvalidArgumentError(
        absl::StrCat(connection->path_, ": found no greeting, expected protocol=...: is this Postfix 3.6 or later?"));
  }
  co_return connection;
}

// Takes the next list. Bytes that are read beyond it stay for the next call.
boost::asio::awaitable<absl::StatusOr<Attributes>> PostfixConnection::TakeList() {
  std::array<char, 4096> buffer;
  const auto failed = [this](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat(path_, ": ", status.message()));
  };
  for (;;) {
    absl::StatusOr<std::optional<std::pair<Attributes, size_t>>> parsed = ParseAttributes(bytes_);
    if (!parsed.ok()) co_return failed(parsed.status());
    if (parsed->has_value()) {
      bytes_.erase(0, (*parsed)->second);
      co_return std::move((*parsed)->first);
    }
    const absl::StatusOr<size_t> got = co_await stream_->Read(buffer.data(), buffer.size());
    if (!got.ok()) co_return failed(got.status());
    if (*got == 0) co_return failed(absl::UnavailableError("closed the connection"));
    bytes_.append(buffer.data(), *got);
  }
}

boost::asio::awaitable<absl::StatusOr<Attributes>> PostfixConnection::Ask(Attributes request) {
  const std::string encoded = EncodeAttributes(request);
  const absl::Status written = co_await stream_->Write(encoded);
  if (!written.ok()) co_return absl::Status(written.code(), absl::StrCat(path_, ": ", written.message()));
  co_return co_await TakeList();
}

boost::asio::awaitable<absl::StatusOr<Attributes>> PostfixConnection::Ask(Attributes request, MonoTime deadline) {
  end_.SetAt(deadline, [&stream = *stream_] { stream.Close(); });
  absl::StatusOr<Attributes> answer = co_await Ask(std::move(request));
  end_.Cancel();
  co_return answer;
}

boost::asio::awaitable<absl::StatusOr<Attributes>> AskPostfixService(Loop& loop, Dialer& dialer, std::string path,
                                                                     Attributes request, MonoTime deadline) {
  const auto connection = co_await PostfixConnection::Open(loop, dialer, std::move(path), deadline);
  if (!connection.ok()) co_return connection.status();
  co_return co_await (*connection)->Ask(std::move(request));
}

}  // namespace verifyd
