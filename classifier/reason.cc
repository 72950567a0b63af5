#include "classifier/reason.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace verifyd {
namespace {

using D = Deliverability;
using S = Scope;
using R = RetryClass;
using C = CacheClass;
using enum DefaultDecision;

// In the order of the enum, so that a row's place is its reason's number less one.
constexpr std::array<ReasonRow, kReasonCount - 1> kRows = {{
    // clang-format off
    // reason, name, deliverability, scope, retry, cache class, decisions: inbound, sender, outbound
    {Reason::kAccepted, "accepted", D::kDeliverable, S::kAddress, R::kRefresh, C::kPositive, kPermit, kPermit, kPermit},
    {Reason::kAcceptedForward, "accepted_forward", D::kDeliverable, S::kAddress, R::kRefresh, C::kPositive, kPermit, kPermit, kPermit},
    {Reason::kAcceptedUnverified, "accepted_unverified", D::kRisky, S::kAddress, R::kRefresh, C::kPositiveShort, kPermit, kPermit, kPermit},
    {Reason::kAcceptedCatchallUnknown, "accepted_catchall_unknown", D::kDeliverable, S::kAddress, R::kRefresh, C::kPositiveShort, kPermit, kPermit, kPermit},
    {Reason::kAcceptedData, "accepted_data", D::kDeliverable, S::kAddress, R::kRefresh, C::kPositive, kPermit, kPermit, kPermit},
    {Reason::kCatchAll, "catch_all", D::kRisky, S::kDomain, R::kRefresh, C::kDomainPositive, kPermit, kPermit, kPermit},
    {Reason::kProviderAcceptsAll, "provider_accepts_all", D::kRisky, S::kMx, R::kNever, C::kDomainPositive, kPermit, kPermit, kPermit},
    {Reason::kCatchAllInconsistent, "catch_all_inconsistent", D::kRisky, S::kDomain, R::kLater, C::kDomainShort, kPermit, kPermit, kPermit},
    {Reason::kNoSuchUser, "no_such_user", D::kUndeliverable, S::kAddress, R::kRefresh, C::kNegative, kReject, kReject, kReject},
    {Reason::kNoSuchUserTemporary, "no_such_user_temporary", D::kUnknown, S::kAddress, R::kLater, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kNoSuchUserPersistent, "no_such_user_persistent", D::kUndeliverable, S::kAddress, R::kRefresh, C::kNegativeShort, kReject, kReject, kReject},
    {Reason::kRecipientRefused, "recipient_refused", D::kUndeliverable, S::kAddress, R::kRefresh, C::kNegative, kReject, kReject, kReject},
    {Reason::kRecipientRestricted, "recipient_restricted", D::kRisky, S::kAddress, R::kLater, C::kPositiveShort, kPermit, kPermit, kPermit},
    {Reason::kRecipientRateLimited, "recipient_rate_limited", D::kDeliverable, S::kAddress, R::kLater, C::kPositiveShort, kDefer, kPermit, kPermit},
    {Reason::kMailboxDisabled, "mailbox_disabled", D::kUndeliverable, S::kAddress, R::kRefresh, C::kNegative, kReject, kReject, kReject},
    {Reason::kMailboxMoved, "mailbox_moved", D::kUndeliverable, S::kAddress, R::kRefresh, C::kNegative, kReject, kReject, kReject},
    {Reason::kMailboxFull, "mailbox_full", D::kRisky, S::kAddress, R::kLater, C::kNegativeShort, kDefer, kPermit, kPermit},
    {Reason::kMailboxFullPermanent, "mailbox_full_permanent", D::kUndeliverable, S::kAddress, R::kRefresh, C::kNegativeShort, kDefer, kDefer, kPermit},
    {Reason::kMailboxTemporary, "mailbox_temporary", D::kUnknown, S::kAddress, R::kLater, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kBadAddressSyntax, "bad_address_syntax", D::kUndeliverable, S::kAddress, R::kNever, C::kNegative, kReject, kReject, kReject},
    {Reason::kSmtputf8Unsupported, "smtputf8_unsupported", D::kUndeliverable, S::kAddress, R::kRefresh, C::kNegative, kReject, kReject, kReject},
    {Reason::kSmtputf8Required, "smtputf8_required", D::kUnknown, S::kSession, R::kNowWithSmtputf8, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kNoSuchDomain, "no_such_domain", D::kUndeliverable, S::kDomain, R::kDnsTtl, C::kDomainNegative, kReject, kReject, kReject},
    {Reason::kDomainNullMx, "domain_null_mx", D::kUndeliverable, S::kDomain, R::kDnsTtl, C::kDomainNegative, kReject, kReject, kReject},
    {Reason::kDomainNoMailHost, "domain_no_mail_host", D::kUndeliverable, S::kDomain, R::kDnsTtl, C::kDomainNegative, kReject, kReject, kReject},
    {Reason::kDomainDisabled, "domain_disabled", D::kUndeliverable, S::kDomain, R::kLater, C::kDomainNegative, kReject, kReject, kReject},
    {Reason::kDomainNotHosted, "domain_not_hosted", D::kUndeliverable, S::kDomain, R::kRefresh, C::kDomainNegative, kReject, kReject, kReject},
    {Reason::kMxUnresolvable, "mx_unresolvable", D::kUndeliverable, S::kDomain, R::kDnsTtl, C::kDomainNegative, kReject, kReject, kReject},
    {Reason::kMxBogon, "mx_bogon", D::kUnknown, S::kDomain, R::kDnsTtl, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kMxParkedOrTrap, "mx_parked_or_trap", D::kRisky, S::kMx, R::kRefresh, C::kDomainPositive, kPermit, kPermit, kPermit},
    {Reason::kRelayDenied, "relay_denied", D::kUnknown, S::kDomain, R::kNextMx, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kRelayDeniedTemporary, "relay_denied_temporary", D::kUnknown, S::kDomain, R::kLater, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kHostNoMail, "host_no_mail", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kGreylisted, "greylisted", D::kUnknown, S::kUs, R::kSoon, C::kSchedule, kDefer, kPermit, kPermit},
    {Reason::kCalloutInProgress, "callout_in_progress", D::kUnknown, S::kAddress, R::kSoon, C::kSchedule, kDefer, kDefer, kPermit},
    {Reason::kSenderCalloutInProgress, "sender_callout_in_progress", D::kUnknown, S::kUs, R::kSoon, C::kSchedule, kDefer, kPermit, kPermit},
    {Reason::kRateLimited, "rate_limited", D::kUnknown, S::kUs, R::kBackoff, C::kMxBackoff, kDefer, kPermit, kPermit},
    {Reason::kTooManyRecipients, "too_many_recipients", D::kUnknown, S::kSession, R::kNowNewSession, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kServerTemporary, "server_temporary", D::kUnknown, S::kMx, R::kLater, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kBlockedIp, "blocked_ip", D::kUnknown, S::kUs, R::kOtherSourceIp, C::kMxBlock, kDefer, kPermit, kPermit},
    {Reason::kBlockedDynamicIp, "blocked_dynamic_ip", D::kUnknown, S::kUs, R::kOperator, C::kMxBlock, kDefer, kPermit, kPermit},
    {Reason::kBlockedGeo, "blocked_geo", D::kUnknown, S::kUs, R::kOtherSourceIp, C::kMxBlock, kDefer, kPermit, kPermit},
    {Reason::kBlockedRdns, "blocked_rdns", D::kUnknown, S::kUs, R::kOperator, C::kMxBlock, kDefer, kPermit, kPermit},
    {Reason::kBlockedHelo, "blocked_helo", D::kUnknown, S::kUs, R::kOperator, C::kMxBlock, kDefer, kPermit, kPermit},
    {Reason::kBlockedPolicy, "blocked_policy", D::kUnknown, S::kUs, R::kLater, C::kMxBackoff, kDefer, kPermit, kPermit},
    {Reason::kSenderRejected, "sender_rejected", D::kUnknown, S::kUs, R::kOtherSender, C::kMxBlock, kDefer, kPermit, kPermit},
    {Reason::kSenderRejectedTemporary, "sender_rejected_temporary", D::kUnknown, S::kUs, R::kLater, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kSenderAuthFailed, "sender_auth_failed", D::kUnknown, S::kUs, R::kOperator, C::kMxBlock, kDefer, kPermit, kPermit},
    {Reason::kSenderAuthTemporary, "sender_auth_temporary", D::kUnknown, S::kUs, R::kLater, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kNullSenderRejected, "null_sender_rejected", D::kUnknown, S::kUs, R::kOperator, C::kMxBlock, kDefer, kPermit, kPermit},
    {Reason::kAuthRequired, "auth_required", D::kUnknown, S::kMx, R::kNextMx, C::kMxBackoff, kDefer, kPermit, kPermit},
    {Reason::kTlsRequired, "tls_required", D::kUnknown, S::kMx, R::kNowWithTls, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kTlsPolicyFailed, "tls_policy_failed", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kNoSmtpService, "no_smtp_service", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kConnectRefused, "connect_refused", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kConnectTimeout, "connect_timeout", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kConnectUnreachable, "connect_unreachable", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kConnectReset, "connect_reset", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kConnectionDropped, "connection_dropped", D::kUnknown, S::kSession, R::kNowNewSession, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kBannerTimeout, "banner_timeout", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kEhloTimeout, "ehlo_timeout", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kMailTimeout, "mail_timeout", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kRcptTimeout, "rcpt_timeout", D::kUnknown, S::kMx, R::kLater, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kProtocolError, "protocol_error", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kNotSmtp, "not_smtp", D::kUnknown, S::kMx, R::kNextMx, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kMailLoopSelf, "mail_loop_self", D::kUnknown, S::kUs, R::kOperator, C::kTemporary, kPermit, kPermit, kPermit},
    {Reason::kLocalPort25Blocked, "local_port25_blocked", D::kUnknown, S::kUs, R::kOperator, C::kCircuitOpen, kDefer, kPermit, kPermit},
    {Reason::kLocalError, "local_error", D::kUnknown, S::kUs, R::kOperator, C::kTemporary, kPermit, kPermit, kPermit},
    {Reason::kDnsTemporary, "dns_temporary", D::kUnknown, S::kDomain, R::kLater, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kDnsTimeout, "dns_timeout", D::kUnknown, S::kDomain, R::kLater, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kDestinationDoubted, "destination_doubted", D::kUnknown, S::kDomain, R::kLater, C::kTemporary, kDefer, kDefer, kPermit},
    {Reason::kOverload, "overload", D::kUnknown, S::kSession, R::kLater, C::kTemporary, kDefer, kPermit, kPermit},
    {Reason::kRouteBroken, "route_broken", D::kUnknown, S::kUs, R::kOperator, C::kTemporary, kPermit, kPermit, kPermit},
    // clang-format on
}};

constexpr bool InOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].reason) != i + 1) return false;
  }
  return true;
}
static_assert(InOrder(), "every reason has one row, at its number's place");

}  // namespace

const ReasonRow& RowOf(Reason reason) {
  const auto number = static_cast<size_t>(reason);
  if (number == 0 || number > kRows.size()) {
    std::fprintf(stderr, "classifier/reason: no row for reason %zu\n", number);
    std::abort();
  }
  return kRows[number - 1];
}

bool IsOwnTrouble(Reason reason) {
  return reason == Reason::kRouteBroken || reason == Reason::kMailLoopSelf || reason == Reason::kLocalError;
}

Deliverability ShownDeliverability(Deliverability kept, Reason reason) {
  return reason == Reason::kCatchAll ? RowOf(Reason::kCatchAll).deliverability : kept;
}

absl::string_view ReasonName(Reason reason) {
  const auto number = static_cast<size_t>(reason);
  return number == 0 || number > kRows.size() ? absl::string_view("none") : kRows[number - 1].name;
}

std::optional<Reason> ReasonFromName(absl::string_view name) {
  for (const ReasonRow& row : kRows) {
    if (row.name == name) return row.reason;
  }
  return std::nullopt;
}

absl::string_view RetryClassName(RetryClass retry) {
  switch (retry) {
    case RetryClass::kNever:
      return "never";
    case RetryClass::kRefresh:
      return "refresh";
    case RetryClass::kDnsTtl:
      return "dns-ttl";
    case RetryClass::kSoon:
      return "soon";
    case RetryClass::kLater:
      return "later";
    case RetryClass::kBackoff:
      return "backoff";
    case RetryClass::kNextMx:
      return "next-mx";
    case RetryClass::kNowNewSession:
      return "now-new-session";
    case RetryClass::kNowWithTls:
      return "now-with-tls";
    case RetryClass::kNowWithSmtputf8:
      return "now-with-smtputf8";
    case RetryClass::kOtherSourceIp:
      return "other-source-ip";
    case RetryClass::kOtherSender:
      return "other-sender";
    case RetryClass::kOperator:
      return "operator";
  }
  return "";
}

absl::string_view CacheClassName(CacheClass cache_class) {
  switch (cache_class) {
    case CacheClass::kPositive:
      return "positive";
    case CacheClass::kPositiveShort:
      return "positive_short";
    case CacheClass::kNegative:
      return "negative";
    case CacheClass::kNegativeShort:
      return "negative_short";
    case CacheClass::kTemporary:
      return "temporary";
    case CacheClass::kSchedule:
      return "schedule";
    case CacheClass::kDomainPositive:
      return "domain_positive";
    case CacheClass::kDomainShort:
      return "domain_short";
    case CacheClass::kDomainNegative:
      return "domain_negative";
    case CacheClass::kMxBackoff:
      return "mx_backoff";
    case CacheClass::kMxBlock:
      return "mx_block";
    case CacheClass::kCircuitOpen:
      return "circuit_open";
  }
  return "";
}

}  // namespace verifyd
