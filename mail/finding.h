// A finding: the answer that one probe, or another source, found for an address, and the server that gave it.
//
// Thread: any (values).
#ifndef VERIFYD_MAIL_FINDING_H_
#define VERIFYD_MAIL_FINDING_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/reply.h"

namespace verifyd {

// Shown to users as "status". The numbers are written into records: never change them, only append.
enum class Deliverability : uint8_t { kUnknown = 0, kDeliverable = 1, kUndeliverable = 2, kRisky = 3 };

// The subject of a reply. Only a reply about the address (or, for some reasons, its domain) can make it undeliverable.
enum class Scope : uint8_t { kAddress = 0, kDomain = 1, kMx = 2, kUs = 3, kSession = 4 };

// The step of the dialogue at which something was said or happened.
enum class Stage : uint8_t {
  kDns = 0,
  kConnect = 1,
  kBanner = 2,
  kEhlo = 3,
  kStarttls = 4,
  kMail = 5,
  kRcpt = 6,
  kData = 7,
  kQuit = 8,
};

// The origin of a finding. The numbers are written into records: never change them, only append.
enum class FindingSource : uint8_t {
  kProbe = 0,     // a probe of ours
  kReported = 1,  // an agent of Postfix has told its verify(8), which is verifyd
  kImport = 2,    // another program's memory
  kMailLog = 3,   // a delivery that Postfix has logged
};

// The closed list of reasons; classifier/reason.h says what each means. The numbers are written into records: never
// change them, only append.
enum class Reason : uint8_t {
  kNone = 0,
  kAccepted = 1,
  kAcceptedForward = 2,
  kAcceptedUnverified = 3,
  kAcceptedCatchallUnknown = 4,
  kAcceptedData = 5,
  kCatchAll = 6,
  kProviderAcceptsAll = 7,
  kCatchAllInconsistent = 8,
  kNoSuchUser = 9,
  kNoSuchUserTemporary = 10,
  kNoSuchUserPersistent = 11,
  kRecipientRefused = 12,
  kRecipientRestricted = 13,
  kRecipientRateLimited = 14,
  kMailboxDisabled = 15,
  kMailboxMoved = 16,
  kMailboxFull = 17,
  kMailboxFullPermanent = 18,
  kMailboxTemporary = 19,
  kBadAddressSyntax = 20,
  kSmtputf8Unsupported = 21,
  kSmtputf8Required = 22,
  kNoSuchDomain = 23,
  kDomainNullMx = 24,
  kDomainNoMailHost = 25,
  kDomainDisabled = 26,
  kDomainNotHosted = 27,
  kMxUnresolvable = 28,
  kMxBogon = 29,
  kMxParkedOrTrap = 30,
  kRelayDenied = 31,
  kRelayDeniedTemporary = 32,
  kHostNoMail = 33,
  kGreylisted = 34,
  kCalloutInProgress = 35,
  kSenderCalloutInProgress = 36,
  kRateLimited = 37,
  kTooManyRecipients = 38,
  kServerTemporary = 39,
  kBlockedIp = 40,
  kBlockedDynamicIp = 41,
  kBlockedGeo = 42,
  kBlockedRdns = 43,
  kBlockedHelo = 44,
  kBlockedPolicy = 45,
  kSenderRejected = 46,
  kSenderRejectedTemporary = 47,
  kSenderAuthFailed = 48,
  kSenderAuthTemporary = 49,
  kNullSenderRejected = 50,
  kAuthRequired = 51,
  kTlsRequired = 52,
  kTlsPolicyFailed = 53,
  kNoSmtpService = 54,
  kConnectRefused = 55,
  kConnectTimeout = 56,
  kConnectUnreachable = 57,
  kConnectReset = 58,
  kConnectionDropped = 59,
  kBannerTimeout = 60,
  kEhloTimeout = 61,
  kMailTimeout = 62,
  kRcptTimeout = 63,
  kProtocolError = 64,
  kNotSmtp = 65,
  kMailLoopSelf = 66,
  kLocalPort25Blocked = 67,
  kLocalError = 68,
  kDnsTemporary = 69,
  kDnsTimeout = 70,
  kDestinationDoubted = 71,
  kOverload = 72,
  kRouteBroken = 73,
};
constexpr uint8_t kReasonCount = 74;

// The rule of a finding that no server was asked for, because the operator holds the destination.
constexpr absl::string_view kHoldRule = "hold";

struct Finding {
  // Bytes of `text` at most.
  static constexpr size_t kMaxText = 250;

  Deliverability deliverability = Deliverability::kUnknown;
  Reason reason = Reason::kNone;
  Scope scope = Scope::kSession;
  Stage stage = Stage::kDns;
  // The rule of the classifier that decided; "event" rules are named "event.NAME".
  std::string rule;
  // The server's reply; code 0 when it said nothing (DNS, connect, time-outs).
  int code = 0;
  EnhancedCode enhanced;
  // Printable, worded as Postfix words it: "host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown (in reply to
  // RCPT TO command)", "connect to mx.example.com[192.0.2.1]:25: Connection refused". For an accepted address it is the
  // reply itself, "250 2.1.5 Ok".
  std::string text;
  std::string mx_name;
  std::string mx_address;  // "192.0.2.1", "2001:db8::1", or empty
  absl::Time when = absl::InfinitePast();
  FindingSource source = FindingSource::kProbe;

  // The server spoke, or was silent, after a recipient had been named: the finding may be about that recipient alone.
  bool at_recipient() const { return stage == Stage::kRcpt || stage == Stage::kData; }
  bool definite() const {
    return deliverability == Deliverability::kDeliverable || deliverability == Deliverability::kUndeliverable;
  }
  friend bool operator==(const Finding&, const Finding&) = default;
};

// Return words for users, logs and files: "deliverable", "address", "rcpt". A reason's name is in classifier/reason.h.
absl::string_view DeliverabilityName(Deliverability d);
absl::string_view ScopeName(Scope s);
absl::string_view StageName(Stage s);
std::optional<Stage> StageFromName(absl::string_view name);
absl::string_view FindingSourceName(FindingSource source);  // "probe", "mail_log"

}  // namespace verifyd

#endif  // VERIFYD_MAIL_FINDING_H_
