// A referral: a source (mail/source.h) that is not the one to ask hands on what it has found out to the one that is.
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_REFERRAL_H_
#define VERIFYD_MAIL_REFERRAL_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "mail/address.h"
#include "mail/probe_outcome.h"

namespace verifyd {

struct Referral {
  std::string service;  // the path where Postfix's own verify(8) is asked
  Address address;      // the address to ask about there, after rewriting
  absl::Duration dns;   // how long it took to find that out
  std::vector<DialogueLine> dialogue;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_REFERRAL_H_
