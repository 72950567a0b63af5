#include "probe/route_service.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "probe/postfix_service.h"

namespace verifyd {
namespace {

constexpr uint32_t kResolveFail = 1U << 3;  // RESOLVE_FLAG_FAIL of resolve_clnt.h: a table could not be asked

}  // namespace

boost::asio::awaitable<absl::StatusOr<PostfixRoute>> AskRouteService(Loop& loop, Dialer& dialer, std::string path,
                                                                     std::string sender, std::string address,
                                                                     MonoTime deadline) {
  const Attributes request = {{"request", "verify"}, {"sender", std::move(sender)}, {"address", std::move(address)}};
  const absl::StatusOr<Attributes> answer = co_await AskPostfixService(loop, dialer, path, request, deadline);
  if (!answer.ok()) co_return answer.status();
  PostfixRoute route;
  route.transport = ValueOf(*answer, "transport").value_or("");
  route.next_hop = ValueOf(*answer, "nexthop").value_or("");
  uint32_t flags = 0;
  // The last of the two "flags" is the answer's, the first the server's.
  const bool read = absl::SimpleAtoi(ValueOf(*answer, "flags").value_or(""), &flags);
  if (!read || (flags & kResolveFail) != 0 || route.transport.empty()) {
    co_return absl::UnavailableError(absl::StrCat(path, ": Postfix could not route the address"));
  }
  co_return route;
}

}  // namespace verifyd
