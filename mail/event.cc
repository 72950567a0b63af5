#include "mail/event.h"

#include <cstddef>
#include <iterator>

namespace verifyd {
namespace {

Reason ReasonOfTimeout(Stage stage) {
  switch (stage) {
    case Stage::kDns:
      return Reason::kDnsTimeout;
    case Stage::kConnect:
      return Reason::kConnectTimeout;
    case Stage::kBanner:
      return Reason::kBannerTimeout;
    case Stage::kEhlo:
    case Stage::kStarttls:
      return Reason::kEhloTimeout;
    case Stage::kMail:
      return Reason::kMailTimeout;
    case Stage::kRcpt:
    case Stage::kData:
    case Stage::kQuit:
      return Reason::kRcptTimeout;
  }
  return Reason::kRcptTimeout;
}

struct Row {
  Event event;
  absl::string_view name;
  Reason reason;  // unless the stage says more
};
// In the order of the enumeration.
constexpr Row kRows[] = {
    {Event::kNone, "none", Reason::kNone},
    {Event::kNoSuchDomain, "no_such_domain", Reason::kNoSuchDomain},
    {Event::kNullMx, "null_mx", Reason::kDomainNullMx},
    {Event::kNoMailHost, "no_mail_host", Reason::kDomainNoMailHost},
    {Event::kMxUnresolvable, "mx_unresolvable", Reason::kMxUnresolvable},
    {Event::kMxParked, "mx_parked", Reason::kMxParkedOrTrap},
    {Event::kMxBogon, "mx_bogon", Reason::kMxBogon},
    {Event::kDnsTemporary, "dns_temporary", Reason::kDnsTemporary},
    {Event::kDnsTimeout, "dns_timeout", Reason::kDnsTimeout},
    {Event::kConnectRefused, "connect_refused", Reason::kConnectRefused},
    {Event::kConnectTimeout, "connect_timeout", Reason::kConnectTimeout},
    {Event::kConnectUnreachable, "connect_unreachable", Reason::kConnectUnreachable},
    {Event::kConnectReset, "connect_reset", Reason::kConnectReset},
    {Event::kLocalError, "local_error", Reason::kLocalError},
    {Event::kPort25Blocked, "port25_blocked", Reason::kLocalPort25Blocked},
    {Event::kClosed, "closed", Reason::kConnectionDropped},
    {Event::kTimeout, "timeout", Reason::kRcptTimeout},
    {Event::kNotSmtp, "not_smtp", Reason::kNotSmtp},
    {Event::kProtocolError, "protocol_error", Reason::kProtocolError},
    {Event::kPlaintextAfterStarttls, "plaintext_after_starttls", Reason::kProtocolError},
    {Event::kTlsFailed, "tls_failed",
     Reason::kConnectionDropped},  // nothing was required: a new session without TLS is what helps
    {Event::kTlsPolicyFailed, "tls_policy_failed", Reason::kTlsPolicyFailed},
    {Event::kMailLoopSelf, "mail_loop_self", Reason::kMailLoopSelf},
    {Event::kMxIsOurselves, "mx_is_ourselves", Reason::kDomainNotHosted},
    {Event::kRouteBroken, "route_broken", Reason::kRouteBroken},
    {Event::kOverload, "overload", Reason::kOverload},
    {Event::kDeadline, "deadline", Reason::kRcptTimeout},
};

constexpr bool InOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].event != static_cast<Event>(i)) return false;
  }
  return true;
}
static_assert(InOrder());

const Row& RowOf(Event event) {
  const auto number = static_cast<size_t>(event);
  return kRows[number < std::size(kRows) ? number : 0];
}

}  // namespace

Reason ReasonOf(Event event, Stage stage) {
  if (event == Event::kClosed && stage == Stage::kConnect) return Reason::kConnectReset;
  if (event == Event::kTimeout || event == Event::kDeadline) return ReasonOfTimeout(stage);
  return RowOf(event).reason;
}

absl::string_view EventName(Event event) { return RowOf(event).name; }

}  // namespace verifyd
