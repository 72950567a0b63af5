// A reply's text as rules see it, and the reply quoted within a reply.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERDICT_REPLY_TEXT_H_
#define VERIFYD_VERDICT_REPLY_TEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "mail/reply.h"

namespace verifyd {

// What rules look at.
struct JudgedReply {
  // Bytes of `text` at most; what a reply says beyond them is not looked at.
  static constexpr size_t kMaxText = 2048;

  int code = 0;
  EnhancedCode enhanced;
  // Lines joined by a space, white space and control bytes run together, ASCII letters in lower case, accents taken off
  // Latin letters (UTF-8 and ISO 8859-1 alike: "boite pleine"), Cyrillic in lower case, other bytes as they are. Every
  // mail address is "@", so that a mailbox with a telling name does not speak for the server. The enhanced code is left
  // out where it begins a line: it stands in `enhanced`.
  std::string text;
};

JudgedReply Judged(const Reply& reply);

// The reply that the text quotes, as in "host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown" or Exim's
// "Callout verification failed: 550 ..."; the first one where there are several (it may quote another).
std::optional<JudgedReply> QuotedIn(const JudgedReply& reply);

}  // namespace verifyd

#endif  // VERIFYD_VERDICT_REPLY_TEXT_H_
