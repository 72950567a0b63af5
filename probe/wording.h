// The words of a finding, exactly Postfix's (smtp_trouble.c, smtp_proto.c, smtp_addr.c), so that logs, greps and
// parsers made for it keep working. All texts are printable and at most Finding::kMaxText bytes.
//
// Thread: any (pure functions).
#ifndef VERIFYD_PROBE_WORDING_H_
#define VERIFYD_PROBE_WORDING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "mail/event.h"
#include "mail/finding.h"
#include "mail/reply.h"
#include "stream/dialer.h"

namespace verifyd {

// A step of the dialogue: its stage in findings, what was being done, and the command.
struct Step {
  Stage stage;
  absl::string_view doing;
  absl::string_view command;
};

inline constexpr Step kGreetingStep = {Stage::kBanner, "receiving the initial server greeting", ""};
inline constexpr Step kEhloStep = {Stage::kEhlo, "performing the EHLO handshake", "EHLO"};
inline constexpr Step kHeloStep = {Stage::kEhlo, "performing the HELO handshake", "HELO"};
inline constexpr Step kLhloStep = {Stage::kEhlo, "performing the LHLO handshake", "LHLO"};
inline constexpr Step kStarttlsStep = {Stage::kStarttls, "receiving the STARTTLS response", "STARTTLS"};
inline constexpr Step kHandshakeStep = {Stage::kStarttls, "performing the TLS handshake", "STARTTLS"};
inline constexpr Step kMailStep = {Stage::kMail, "sending MAIL FROM", "MAIL FROM"};
inline constexpr Step kRcptStep = {Stage::kRcpt, "sending RCPT TO", "RCPT TO"};
inline constexpr Step kDataStep = {Stage::kData, "sending DATA command", "DATA"};
inline constexpr Step kRsetStep = {Stage::kQuit, "sending final RSET", "RSET"};
inline constexpr Step kQuitStep = {Stage::kQuit, "sending QUIT", "QUIT"};

// "host H[IP] said: 550 5.1.1 ... (in reply to RCPT TO command)"; before MAIL "host H[IP] refused to talk to me: ...".
// A long reply is cut so that the words behind it stay.
std::string ReplyWords(const Endpoint& endpoint, const Step& step, const Reply& reply);

// "connect to H[IP]:25: Connection refused"; `error` is the system's words.
std::string ConnectWords(const Endpoint& endpoint, absl::string_view error);

// "lost connection with H[IP] while sending RCPT TO", "conversation with H[IP] timed out while ...", "Protocol error:
// host H[IP]: ..."; `detail` says what was wrong where the event does not.
std::string EventWords(const Endpoint& endpoint, const Step& step, Event event, absl::string_view detail);

// Says what DNS answered about `name`: "Host or domain name not found. Name service error for name=N type=MX: Host not
// found". `type` is the one that was asked for last.
std::string LookupWords(absl::string_view name, absl::string_view type, Event event);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_WORDING_H_
