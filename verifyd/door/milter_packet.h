// Packets of the milter protocol, as Sendmail's libmilter (mfdef.h, version 6) and Postfix (milter8.c) write them: the
// length in four bytes, the most significant first, then as many bytes. The first of these is a letter that gives the
// others their meaning. Texts end with a NUL.
//
// Thread: any (pure functions). Views point into what was parsed. Errors say what was found, printable.
#ifndef VERIFYD_VERIFYD_DOOR_MILTER_PACKET_H_
#define VERIFYD_VERIFYD_DOOR_MILTER_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "verifyd/restriction/decision.h"

namespace verifyd {

// The bytes behind the length. The longest packet of an MTA is a piece of a body: a letter and at most 65 535 bytes.
constexpr size_t kMaxMilterPacket = 65536;
constexpr size_t kMilterLengthBytes = 4;

// The commands of an MTA (SMFIC_*).
enum class MilterCommand : char {
  kOptions = 'O',
  kMacros = 'D',
  kConnect = 'C',
  kHelo = 'H',
  kMail = 'M',
  kRecipient = 'R',
  kData = 'T',
  kHeader = 'L',
  kEndOfHeaders = 'N',
  kBody = 'B',
  kEndOfMessage = 'E',
  kUnknown = 'U',  // an SMTP command that the MTA does not know
  kAbort = 'A',
  kQuit = 'Q',
  kQuitNewConnection = 'K',  // the client has gone, the next one comes on the same connection
};

struct MilterPacket {
  MilterCommand command = MilterCommand::kQuit;
  absl::string_view data;
};

// Returns the length of the first packet in `buffer`, the length's own bytes included; 0 when it is not whole yet. An
// error where it is empty or too long.
absl::StatusOr<size_t> MilterPacketLength(absl::string_view buffer);
// Parses one whole packet. An error where the letter is unknown.
absl::StatusOr<MilterPacket> ParseMilterPacket(absl::string_view bytes);

// The version of the protocol, what a filter may do to the message (SMFIF_*), and the steps that an MTA leaves out or
// waits for no reply to (SMFIP_*).
struct MilterOptions {
  uint32_t version = 0;
  uint32_t actions = 0;
  uint32_t steps = 0;
};

absl::StatusOr<MilterOptions> ParseMilterOptions(absl::string_view data);
// Chooses from an MTA's offer: no action, neither headers nor body, and no replies before the first recipient. An error
// where it speaks no version that we do.
absl::StatusOr<MilterOptions> ChooseMilterOptions(const MilterOptions& offered);
// True where the MTA waits for a reply to `command`, with these options chosen.
bool MilterExpectsReply(MilterCommand command, const MilterOptions& chosen);

struct MilterClient {
  absl::string_view name;     // the host's; empty: not known
  char family = 0;            // '4', '6', 'L' (a UNIX socket) or 'U' (unknown)
  uint16_t port = 0;          // 0: none
  absl::string_view address;  // "192.0.2.1", "2001:db8::1", a path, or empty
};

absl::StatusOr<MilterClient> ParseMilterConnect(absl::string_view data);
// True for mail that comes from this machine without SMTP. Postfix's cleanup(8), which asks for mail of sendmail(1) and
// its like (non_smtpd_milters), says 127.0.0.1 without a port; other programs say 'L' or 'U'.
bool IsLocalSubmission(const MilterClient& client);

// Returns the first text of HELO, MAIL or RCPT; parameters of ESMTP follow it.
absl::StatusOr<absl::string_view> ParseMilterArgument(absl::string_view data);

// True where the client of this MAIL has asked for SMTPUTF8 (RFC 6531), and so may be told text that is not ASCII.
bool MilterAsksForSmtputf8(absl::string_view data);

struct MilterMacros {
  // The command that follows them.
  MilterCommand command = MilterCommand::kUnknown;
  // Names ("i", "{auth_authen}") and values.
  std::vector<std::pair<absl::string_view, absl::string_view>> values;
};

absl::StatusOr<MilterMacros> ParseMilterMacros(absl::string_view data);

// Returns an argument of MAIL or RCPT in the form of MailRequest: without angle brackets, which may be missing, source
// route, quotes and backslashes.
std::string UnquotedMilterAddress(absl::string_view argument);

// The functions below return whole packets to say.
std::string MilterOptionsReply(const MilterOptions& options);
std::string MilterContinue();
// Makes the MTA restart its timer and wait on.
std::string MilterProgress();
// Tells the client just this: code, enhanced code and text, in one line of at most 980 bytes, as in libmilter. '%' is
// doubled, because MTAs expand it. Without `smtputf8` it is ASCII.
std::string MilterRefusal(const Decision& decision, bool smtputf8);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_MILTER_PACKET_H_
