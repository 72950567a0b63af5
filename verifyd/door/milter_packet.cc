#include "verifyd/door/milter_packet.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kNumberBytes = 4;
constexpr uint32_t kOldestVersion = 2;
constexpr uint32_t kVersion = 6;

// Steps to leave out: headers, body, the end of headers, unknown commands, DATA.
constexpr uint32_t kNoHeaders = 0x20;
constexpr uint32_t kNoBody = 0x10;
constexpr uint32_t kNoEndOfHeaders = 0x40;
constexpr uint32_t kNoUnknown = 0x100;
constexpr uint32_t kNoData = 0x200;
// Steps that need no reply: CONNECT, HELO, MAIL.
constexpr uint32_t kNoReplyToConnect = 0x1000;
constexpr uint32_t kNoReplyToHelo = 0x2000;
constexpr uint32_t kNoReplyToMail = 0x4000;
constexpr uint32_t kWantedSteps =
    kNoHeaders | kNoBody | kNoEndOfHeaders | kNoUnknown | kNoData | kNoReplyToConnect | kNoReplyToHelo | kNoReplyToMail;

constexpr size_t kMaxReplyText = 980;

absl::Status Malformed(absl::string_view what) { return absl::InvalidArgumentError(what); }

uint32_t NumberAt(absl::string_view bytes, size_t at) {
  uint32_t number = 0;
  for (const char byte : bytes.substr(at, kNumberBytes)) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

void AppendNumber(std::string& bytes, size_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift & 0xff));
}

std::string Packet(char letter, absl::string_view data) {
  std::string packet;
  AppendNumber(packet, data.size() + 1);
  packet.push_back(letter);
  absl::StrAppend(&packet, data);
  return packet;
}

// Takes off the text at the start of `data`; nothing where no NUL ends it.
std::optional<absl::string_view> TakeText(absl::string_view& data) {
  const size_t end = data.find('\0');
  if (end == absl::string_view::npos) return std::nullopt;
  const absl::string_view text = data.substr(0, end);
  data.remove_prefix(end + 1);
  return text;
}

bool IsCommand(char letter) { return absl::string_view("ODCHMRTLNBEUAQK").find(letter) != absl::string_view::npos; }

}  // namespace

absl::StatusOr<size_t> MilterPacketLength(absl::string_view buffer) {
  if (buffer.size() < kMilterLengthBytes) return 0;
  const size_t length = NumberAt(buffer, 0);
  if (length == 0 || length > kMaxMilterPacket) {
    return Malformed(absl::StrCat("found a packet of ", length, " bytes, expected 1 to ", kMaxMilterPacket));
  }
  return buffer.size() < kMilterLengthBytes + length ? 0 : kMilterLengthBytes + length;
}

absl::StatusOr<MilterPacket> ParseMilterPacket(absl::string_view bytes) {
  const char letter = bytes[kMilterLengthBytes];
  if (!IsCommand(letter)) {
    return Malformed(absl::StrCat("found command \"", Printable(absl::string_view(&letter, 1), 1),
                                  "\", expected one of milter protocol version ", kVersion));
  }
  return MilterPacket{.command = static_cast<MilterCommand>(letter), .data = bytes.substr(kMilterLengthBytes + 1)};
}

absl::StatusOr<MilterOptions> ParseMilterOptions(absl::string_view data) {
  if (data.size() < 3 * kNumberBytes) {
    return Malformed(absl::StrCat("found options of ", data.size(), " bytes, expected ", 3 * kNumberBytes));
  }
  return MilterOptions{
      .version = NumberAt(data, 0), .actions = NumberAt(data, kNumberBytes), .steps = NumberAt(data, 2 * kNumberBytes)};
}

absl::StatusOr<MilterOptions> ChooseMilterOptions(const MilterOptions& offered) {
  if (offered.version < kOldestVersion) {
    return Malformed(absl::StrCat("found protocol version ", offered.version, ", expected at least ", kOldestVersion));
  }
  return MilterOptions{.version = std::min(offered.version, kVersion), .steps = offered.steps & kWantedSteps};
}

bool MilterExpectsReply(MilterCommand command, const MilterOptions& chosen) {
  switch (command) {
    case MilterCommand::kConnect:
      return (chosen.steps & kNoReplyToConnect) == 0;
    case MilterCommand::kHelo:
      return (chosen.steps & kNoReplyToHelo) == 0;
    case MilterCommand::kMail:
      return (chosen.steps & kNoReplyToMail) == 0;
    case MilterCommand::kOptions:
    case MilterCommand::kRecipient:
    case MilterCommand::kData:
    case MilterCommand::kHeader:
    case MilterCommand::kEndOfHeaders:
    case MilterCommand::kBody:
    case MilterCommand::kEndOfMessage:
    case MilterCommand::kUnknown:
      return true;
    case MilterCommand::kMacros:
    case MilterCommand::kAbort:
    case MilterCommand::kQuit:
    case MilterCommand::kQuitNewConnection:
      return false;
  }
  return false;
}

absl::StatusOr<MilterClient> ParseMilterConnect(absl::string_view data) {
  const std::optional<absl::string_view> name = TakeText(data);
  if (!name.has_value()) return Malformed("found CONNECT without the end of a host name");
  if (data.empty()) return Malformed("found CONNECT without an address family");
  MilterClient client{.family = data[0]};
  // A name in brackets is the address again.
  if (!absl::StartsWith(*name, "[")) client.name = *name;
  data.remove_prefix(1);
  if (client.family == 'U') return client;
  if (absl::string_view("46L").find(client.family) == absl::string_view::npos) {
    return Malformed(absl::StrCat("found address family \"", Printable(absl::string_view(&client.family, 1), 1),
                                  "\" in CONNECT, expected 4, 6, L or U"));
  }
  if (data.size() < 2) return Malformed("found CONNECT without a port");
  client.port = static_cast<uint16_t>(static_cast<unsigned char>(data[0]) << 8 | static_cast<unsigned char>(data[1]));
  data.remove_prefix(2);
  const std::optional<absl::string_view> address = TakeText(data);
  if (!address.has_value()) return Malformed("found CONNECT without the end of an address");
  client.address = *address;
  // Sendmail writes it as in an address literal.
  if (client.family == '6' && absl::StartsWithIgnoreCase(client.address, "IPv6:")) client.address.remove_prefix(5);
  return client;
}

bool IsLocalSubmission(const MilterClient& client) {
  if (client.family == 'L' || client.family == 'U') return true;
  return client.port == 0 && (absl::StartsWith(client.address, "127.") || client.address == "::1");
}

absl::StatusOr<absl::string_view> ParseMilterArgument(absl::string_view data) {
  const std::optional<absl::string_view> argument = TakeText(data);
  if (!argument.has_value()) return Malformed("found an argument without an end");
  return *argument;
}

bool MilterAsksForSmtputf8(absl::string_view data) {
  TakeText(data);  // the sender
  while (const std::optional<absl::string_view> parameter = TakeText(data)) {
    if (absl::EqualsIgnoreCase(*parameter, "SMTPUTF8")) return true;
  }
  return false;
}

absl::StatusOr<MilterMacros> ParseMilterMacros(absl::string_view data) {
  if (data.empty()) return Malformed("found macros of no command");
  MilterMacros macros{.command = static_cast<MilterCommand>(data[0])};
  data.remove_prefix(1);
  while (!data.empty()) {
    const std::optional<absl::string_view> name = TakeText(data);
    const std::optional<absl::string_view> value = TakeText(data);
    if (!name.has_value() || !value.has_value()) return Malformed("found a macro without the end of its value");
    macros.values.emplace_back(*name, *value);
  }
  return macros;
}

std::string UnquotedMilterAddress(absl::string_view argument) {
  absl::ConsumePrefix(&argument, "<");
  absl::ConsumeSuffix(&argument, ">");
  if (const size_t colon = argument.find(':'); absl::StartsWith(argument, "@") && colon != absl::string_view::npos) {
    argument.remove_prefix(colon + 1);
  }
  std::string unquoted;
  bool quoted = false;
  for (size_t at = 0; at < argument.size(); ++at) {
    if (argument[at] == '@' && !quoted) return absl::StrCat(unquoted, argument.substr(at));
    if (argument[at] == '"') {
      quoted = !quoted;
    } else {
      if (argument[at] == '\\' && at + 1 < argument.size()) ++at;
      unquoted.push_back(argument[at]);
    }
  }
  return unquoted;
}

std::string MilterOptionsReply(const MilterOptions& options) {
  std::string data;
  for (const uint32_t number : {options.version, options.actions, options.steps}) AppendNumber(data, number);
  return Packet('O', data);
}

std::string MilterContinue() { return Packet('c', ""); }

std::string MilterProgress() { return Packet('p', ""); }

std::string MilterRefusal(const Decision& decision, bool smtputf8) {
  const std::string said = absl::StrCat(decision.code, " ", decision.dsn, " ", decision.text);
  const std::string text = Printable(smtputf8 ? said : AsciiText(said), kMaxReplyText);
  std::string reply;
  for (size_t at = 0; at < text.size();) {
    const absl::string_view character = absl::string_view(text).substr(at, Utf8Length(text.c_str() + at));
    const absl::string_view written = character == "%" ? "%%" : character;
    if (reply.size() + written.size() > kMaxReplyText) break;
    absl::StrAppend(&reply, written);
    at += character.size();
  }
  reply.push_back('\0');
  return Packet('y', reply);
}

}  // namespace verifyd
