#include "probe/wording.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {

std::string ReplyWords(const Endpoint& endpoint, const Step& step, const Reply& reply) {
  const bool greeted = step.stage != Stage::kBanner && step.stage != Stage::kEhlo;
  const std::string before =
      absl::StrCat("host ", endpoint.HostAndAddress(), greeted ? " said: " : " refused to talk to me: ");
  const std::string after = greeted ? absl::StrCat(" (in reply to ", step.command, " command)") : "";
  constexpr size_t kLeastReply = 50;
  const size_t around = before.size() + after.size();
  const size_t room = Finding::kMaxText > around ? Finding::kMaxText - around : 0;
  return Printable(absl::StrCat(before, reply.ToLine(std::max(room, kLeastReply)), after), Finding::kMaxText);
}

std::string ConnectWords(const Endpoint& endpoint, absl::string_view error) {
  return Printable(absl::StrCat("connect to ", endpoint.ToString(), ": ", error), Finding::kMaxText);
}

std::string EventWords(const Endpoint& endpoint, const Step& step, Event event, absl::string_view detail) {
  const std::string host = endpoint.HostAndAddress();
  std::string text;
  switch (event) {
    case Event::kTimeout:
    case Event::kDeadline:
      text = absl::StrCat("conversation with ", host, " timed out while ", step.doing);
      break;
    case Event::kClosed:
      text = absl::StrCat("lost connection with ", host, " while ", step.doing);
      break;
    case Event::kLocalError:
      text = std::string(detail);
      break;
    case Event::kTlsFailed:
    case Event::kTlsPolicyFailed:
      text = absl::StrCat(detail, " host ", host);
      break;
    case Event::kMailLoopSelf:
      text = absl::StrCat("mail for ", host, " loops back to myself");
      break;
    default:
      text = absl::StrCat("Protocol error: host ", host, ": ", detail, " while ", step.doing);
      break;
  }
  return Printable(text, Finding::kMaxText);
}

std::string LookupWords(absl::string_view name, absl::string_view type, Event event) {
  if (event == Event::kNullMx) {
    return Printable(absl::StrCat("Domain ", name, " does not accept mail (nullMX)"), Finding::kMaxText);
  }
  absl::string_view said = "Host not found";
  if (event == Event::kNoMailHost) said = "Host found but no data record of requested type";
  if (event == Event::kDnsTemporary || event == Event::kDnsTimeout) said = "Host not found, try again";
  return Printable(
      absl::StrCat("Host or domain name not found. Name service error for name=", name, " type=", type, ": ", said),
      Finding::kMaxText);
}

}  // namespace verifyd
