#include "probe/proxymap.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {
namespace {

// DICT_FLAG_LOCK and DICT_FLAG_FOLD_FIX (dict.h): tables of fixed keys are looked up in lower case.
constexpr int kFlags = (1 << 6) | (1 << 14);

// PROXY_STAT_* of dict_proxy.h.
absl::StatusOr<std::optional<std::string>> ValueIn(const Attributes& answer, absl::string_view table) {
  const std::string status = ValueOf(answer, "status").value_or("");
  if (status == "0") return ValueOf(answer, "value").value_or("");
  if (status == "1") return std::nullopt;
  if (status == "4") {
    return absl::PermissionDeniedError(absl::StrCat("Postfix does not look up ", table,
                                                    " for others: main.cf must name it as proxy:", table,
                                                    " in a parameter that proxy_read_maps lists"));
  }
  return absl::UnavailableError(absl::StrCat("Postfix could not look up ", table, " (its log says why)"));
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> ProxymapClient::LookUp(std::string path,
                                                                                          std::string table,
                                                                                          std::string key,
                                                                                          MonoTime deadline) {
  const MonoTime end = std::min(deadline, loop_.clock().Mono() + kTimeLimit);
  if (busy_ >= kConnections && free_.waiting() >= kMaxWaiting) {
    co_return absl::UnavailableError(absl::StrCat(path, ": too many questions wait for it"));
  }
  if (!co_await AwaitTurn(end)) {
    co_return absl::UnavailableError(absl::StrCat(path, ": it did not answer in time those who asked before"));
  }
  if (path != std::exchange(path_, path)) idle_.clear();
  const Attributes request = {
      {"request", "lookup"}, {"table", table}, {"flags", absl::StrCat(kFlags)}, {"key", std::move(key)}};
  const absl::StatusOr<Attributes> answer = co_await Ask(path, request, end);
  EndTurn();
  if (!answer.ok()) co_return answer.status();
  absl::StatusOr<std::optional<std::string>> value = ValueIn(*answer, table);
  if (!value.ok()) co_return absl::Status(value.status().code(), absl::StrCat(path, ": ", value.status().message()));
  co_return value;
}

boost::asio::awaitable<absl::StatusOr<Attributes>> ProxymapClient::Ask(const std::string& path,
                                                                       const Attributes& request, MonoTime deadline) {
  for (;;) {
    std::unique_ptr<PostfixConnection> connection;
    const bool reused = !idle_.empty();
    if (reused) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    } else {
      absl::StatusOr<std::unique_ptr<PostfixConnection>> opened =
          co_await PostfixConnection::Open(loop_, dialer_, path, deadline);
      if (!opened.ok()) co_return opened.status();
      connection = *std::move(opened);
    }
    absl::StatusOr<Attributes> answer = co_await connection->Ask(request, deadline);
    if (answer.ok()) {
      if (path == path_) idle_.push_back(std::move(connection));
      co_return answer;
    }
    // An idle connection may have been closed: that says nothing about the service.
    if (!reused || loop_.clock().Mono() >= deadline) co_return answer;
  }
}

boost::asio::awaitable<bool> ProxymapClient::AwaitTurn(MonoTime deadline) {
  if (busy_ < kConnections) {
    ++busy_;
    co_return true;
  }
  co_return co_await free_.Wait(deadline);
}

// Hands the turn over to a waiter, if there is one.
void ProxymapClient::EndTurn() {
  if (!free_.NotifyOne()) --busy_;
}

}  // namespace verifyd
