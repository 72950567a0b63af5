#include "mail/event.h"

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

}  // namespace

Reason ReasonOf(Event event, Stage stage) {
  switch (event) {
    case Event::kNone:
      return Reason::kNone;
    case Event::kNoSuchDomain:
      return Reason::kNoSuchDomain;
    case Event::kNullMx:
      return Reason::kDomainNullMx;
    case Event::kNoMailHost:
      return Reason::kDomainNoMailHost;
    case Event::kMxUnresolvable:
      return Reason::kMxUnresolvable;
    case Event::kMxParked:
      return Reason::kMxParkedOrTrap;
    case Event::kMxBogon:
      return Reason::kMxBogon;
    case Event::kDnsTemporary:
      return Reason::kDnsTemporary;
    case Event::kDnsTimeout:
      return Reason::kDnsTimeout;
    case Event::kConnectRefused:
      return Reason::kConnectRefused;
    case Event::kConnectTimeout:
      return Reason::kConnectTimeout;
    case Event::kConnectUnreachable:
      return Reason::kConnectUnreachable;
    case Event::kConnectReset:
      return Reason::kConnectReset;
    case Event::kLocalError:
      return Reason::kLocalError;
    case Event::kPort25Blocked:
      return Reason::kLocalPort25Blocked;
    case Event::kClosed:
      return stage == Stage::kConnect ? Reason::kConnectReset : Reason::kConnectionDropped;
    case Event::kTimeout:
    case Event::kDeadline:
      return ReasonOfTimeout(stage);
    case Event::kNotSmtp:
      return Reason::kNotSmtp;
    case Event::kProtocolError:
    case Event::kPlaintextAfterStarttls:
      return Reason::kProtocolError;
    case Event::kTlsFailed:
      // TLS was not required: a new session without it helps.
      return Reason::kConnectionDropped;
    case Event::kTlsPolicyFailed:
      return Reason::kTlsPolicyFailed;
    case Event::kMailLoopSelf:
      return Reason::kMailLoopSelf;
    case Event::kMxIsOurselves:
      return Reason::kDomainNotHosted;
    case Event::kRouteBroken:
      return Reason::kRouteBroken;
    case Event::kOverload:
      return Reason::kOverload;
  }
  return Reason::kNone;
}

absl::string_view EventName(Event event) {
  switch (event) {
    case Event::kNone:
      return "none";
    case Event::kNoSuchDomain:
      return "no_such_domain";
    case Event::kNullMx:
      return "null_mx";
    case Event::kNoMailHost:
      return "no_mail_host";
    case Event::kMxUnresolvable:
      return "mx_unresolvable";
    case Event::kMxParked:
      return "mx_parked";
    case Event::kMxBogon:
      return "mx_bogon";
    case Event::kDnsTemporary:
      return "dns_temporary";
    case Event::kDnsTimeout:
      return "dns_timeout";
    case Event::kConnectRefused:
      return "connect_refused";
    case Event::kConnectTimeout:
      return "connect_timeout";
    case Event::kConnectUnreachable:
      return "connect_unreachable";
    case Event::kConnectReset:
      return "connect_reset";
    case Event::kPort25Blocked:
      return "port25_blocked";
    case Event::kLocalError:
      return "local_error";
    case Event::kClosed:
      return "closed";
    case Event::kTimeout:
      return "timeout";
    case Event::kNotSmtp:
      return "not_smtp";
    case Event::kProtocolError:
      return "protocol_error";
    case Event::kPlaintextAfterStarttls:
      return "plaintext_after_starttls";
    case Event::kTlsFailed:
      return "tls_failed";
    case Event::kTlsPolicyFailed:
      return "tls_policy_failed";
    case Event::kMailLoopSelf:
      return "mail_loop_self";
    case Event::kMxIsOurselves:
      return "mx_is_ourselves";
    case Event::kRouteBroken:
      return "route_broken";
    case Event::kOverload:
      return "overload";
    case Event::kDeadline:
      return "deadline";
  }
  return "none";
}

}  // namespace verifyd
