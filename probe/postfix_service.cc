#include "probe/postfix_service.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kMaxList = size_t{64} * 1024;

// Takes one list from `stream`; what is read beyond it stays in `bytes`.
boost::asio::awaitable<absl::StatusOr<Attributes>> TakeList(Stream& stream, std::string& bytes) {
  std::array<char, 4096> buffer;
  for (;;) {
    absl::StatusOr<std::optional<std::pair<Attributes, size_t>>> parsed = ParseAttributes(bytes);
    if (!parsed.ok()) co_return parsed.status();
    if (parsed->has_value()) {
      bytes.erase(0, (*parsed)->second);
      co_return std::move((*parsed)->first);
    }
    const absl::StatusOr<size_t> got = co_await stream.Read(buffer.data(), buffer.size());
    if (!got.ok()) co_return got.status();
    if (*got == 0) co_return absl::UnavailableError("closed the connection");
    bytes.append(buffer.data(), *got);
  }
}

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

boost::asio::awaitable<absl::StatusOr<Attributes>> AskPostfixService(Loop& loop, Dialer& dialer, std::string path,
                                                                     Attributes request, MonoTime deadline) {
  Endpoint endpoint;
  endpoint.host = "postfix";
  endpoint.path = path;
  const Dialed dialed = co_await dialer.Dial(endpoint, "", deadline);
  if (dialed.stream == nullptr) co_return absl::UnavailableError(absl::StrCat(path, ": ", dialed.error));
  Stream& stream = *dialed.stream;
  Timer timer(loop.timers());
  timer.SetAt(deadline, [&stream] { stream.Close(); });
  std::string bytes;
  absl::StatusOr<Attributes> answer = co_await TakeList(stream, bytes);
  if (answer.ok() && !ValueOf(*answer, "protocol").has_value()) {
    answer = absl::InvalidArgumentError("found no greeting, expected protocol=...: is this Postfix 3.6 or later?");
  }
  if (answer.ok()) {
    const std::string encoded = EncodeAttributes(request);
    const absl::Status written = co_await stream.Write(encoded);
    answer = co_await TakeList(stream, bytes);
    if (!written.ok()) answer = written;
  }
  if (answer.ok()) co_return answer;
  co_return absl::Status(answer.status().code(), absl::StrCat(path, ": ", answer.status().message()));
}

}  // namespace verifyd
