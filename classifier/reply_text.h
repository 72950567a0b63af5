// The text of a reply as rules see it, and the reply quoted within a reply.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CLASSIFIER_REPLY_TEXT_H_
#define VERIFYD_CLASSIFIER_REPLY_TEXT_H_

#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "classifier/marks.h"
#include "mail/reply.h"

namespace verifyd {

// The parts of a reply that rules look at.
struct JudgedReply {
  // Bytes of `text` at most; the rest of a reply is not looked at.
  static constexpr size_t kMaxText = 2048;

  int code = 0;
  EnhancedCode enhanced;
  // Folded (mail/folded_text.h), lines joined by a space. Every mail address is "@", so that a mailbox with a telling
  // name does not speak for the server, and so is every form of the address that was asked about
  // (mail/address_forms.h). The enhanced code is left out where it begins a line: it stands in `enhanced`.
  std::string text;
};

// The ways to read a reply, mostly one. The classifier judges each of them and says only what all agree on.
//
// In the first each form of the address is marked. Others keep words that stand alone and may be the server's own
// ("user", "full"). Where the local part is odd, one reading drops every word that the local part has, too: it may
// stand there in an unknown form.
using Readings = absl::InlinedVector<JudgedReply, 1>;
Readings ReadingsOf(const Reply& reply, const Marks& marks);

// Finds the reply that the text quotes, as in "host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown" or Exim's
// "Callout verification failed: 550 ..."; the first one where there are several (it may quote another).
std::optional<JudgedReply> QuotedIn(const JudgedReply& reply);

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_REPLY_TEXT_H_
