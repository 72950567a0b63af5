// A question: what a door asks the verifier.
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_QUESTION_H_
#define VERIFYD_MAIL_QUESTION_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/address.h"

namespace verifyd {

enum class Role : uint8_t { kRecipient, kSender };

// How much somebody is in a hurry: a client that waits, a retry that is due, a refresh ahead of expiry, a list that is
// worked through. Earlier ones go first where a destination has a queue.
enum class Urgency : uint8_t { kWaiting, kRetry, kRefresh, kList };

struct Question {
  Address address;
  Role role = Role::kRecipient;
  Urgency urgency = Urgency::kWaiting;
  // How long the question waits for a probe; then the answer is "in progress", and the probe goes on.
  absl::Duration patience = absl::ZeroDuration();
  // Ask the server even though memory has an answer.
  bool fresh = false;
  // Keep the dialogue and hand it back with the verdict.
  bool transcript = false;
  // Answer from memory or not at all: no probe is started, none is joined.
  bool memory_only = false;
  // Whoever asks has chosen whom to ask about: verify_domains says nothing.
  bool any_domain = false;
  // Where what was asked about is no address: what is wrong with it. `address` is then Address::DomainOf it, and memory
  // answers: bad_address_syntax, if the domain's addresses may be asked about.
  std::string no_address;
  // Whether the server accepts everybody makes a difference to whoever asks: a positive then waits for the answer to
  // that, too, as long as there is patience. Else it is told at once, and what is found out later is only remembered.
  bool wants_catch_all = false;
  // A number that stands for who is held to account for it: what one asks for in vain counts against him, not against
  // others. 0: nobody.
  uint64_t asker = 0;
};

absl::string_view RoleName(Role role);  // "recipient", "sender"

}  // namespace verifyd

#endif  // VERIFYD_MAIL_QUESTION_H_
